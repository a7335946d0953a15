"""LevelDB, opened and asked in the only way this project does: nothing else imports plyvel.

Three facts of LevelDB shape this file. Without paranoid_checks one flipped bit makes a hole in the
middle of the data without an error. Opened with create_if_missing a store whose CURRENT is lost
comes up empty. A write that fails may leave half a record in LevelDB's log, and the next write
would follow it; so the first failure is the last write.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import plyvel

from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.damage import damaged
from twinledger.storage.durable_file import sync_directory
from twinledger.storage.failure import StorageFailure, os_failure

Changes = Iterable[tuple[bytes, bytes | None]]
"""Keys with their new values, in order; None deletes."""

_NO_ROOM: Final = ("No space left on device", "Disk quota exceeded")
_MISSING: Final = ("No such file or directory", "does not exist")
WRITE_BUFFER_BYTES: Final = 8 << 20
"""Of each store. At most two buffers are replayed into files at start: see the disk reserve."""


class View:
    """Reads of one state of the database: the present one, or a snapshot's."""

    def __init__(self, source: Any, name: str, remedy: str) -> None:
        """`source` is a plyvel database or snapshot; `name` and `remedy` go into errors."""
        self._source = source
        self._name = name
        self._remedy = remedy

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key.

        Raises:
            LedgerError: DATA_DAMAGED.
            StorageFailure: the disk does not give the value.
        """
        try:
            value: bytes | None = self._source.get(key, verify_checksums=True)
        except plyvel.Error as error:
            raise self._told(error, "read") from error
        return value

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs of start <= key < stop in the order of their keys.

        Raises:
            LedgerError: DATA_DAMAGED.
            StorageFailure: the disk does not give the values.
        """
        try:
            with self._source.iterator(start=start, stop=stop, verify_checksums=True) as pairs:
                yield from pairs
        except plyvel.Error as error:
            raise self._told(error, "read") from error

    def last_key(self, start: bytes, stop: bytes) -> bytes | None:
        """Return the greatest key of start <= key < stop.

        Not by plyvel's reversed iterator: 1.5.1 leaves out a key equal to `start` that comes first.

        Raises:
            LedgerError: DATA_DAMAGED.
            StorageFailure: the disk does not give the key.
        """
        try:
            with self._source.raw_iterator(verify_checksums=True) as cursor:
                cursor.seek(stop)
                if cursor.valid():
                    cursor.prev()
                else:
                    cursor.seek_to_last()
                key: bytes | None = cursor.key() if cursor.valid() else None
        except plyvel.Error as error:
            raise self._told(error, "read") from error
        return key if key is not None and key >= start else None

    def _told(self, error: Exception, action: str) -> LedgerError | StorageFailure:
        return _told(error, self._name, self._remedy, action)


class Snapshot(View):
    """The database as it was at one moment. Holds files back until it is closed."""

    def close(self) -> None:
        """Let go. Closing twice is harmless."""
        self._source.close()


class Database(View):
    """One LevelDB. Any thread may read; one thread at a time may write."""

    def __init__(self, path: Path, remedy: str, *, create: bool = False, cache_bytes: int) -> None:
        """Open the database in a folder, or make it if `create` and only then.

        Raises:
            LedgerError: DATA_DAMAGED, DATA_IN_USE.
            StorageFailure: the disk refused.
        """
        try:
            source = plyvel.DB(
                str(path),
                create_if_missing=create,
                error_if_exists=create,
                paranoid_checks=True,
                write_buffer_size=WRITE_BUFFER_BYTES,
                lru_cache_size=cache_bytes,
                bloom_filter_bits=10,
            )
        except plyvel.Error as error:
            raise _told(error, path.name, remedy, "open") from error
        super().__init__(source, path.name, remedy)
        self._path = path
        self._failure: StorageFailure | LedgerError | None = None
        self._directory_time_ns = 0
        self._sync_names()

    def write(self, changes: Changes, *, sync: bool) -> None:
        """Make all the changes or none. With `sync` they are on the disk when this returns.

        Raises:
            StorageFailure: the disk refused, now or at an earlier write.
        """
        if self._failure is not None:
            raise self._failure
        try:
            batch = self._source.write_batch(sync=sync)
            for key, value in changes:
                if value is None:
                    batch.delete(key)
                else:
                    batch.put(key, value)
            batch.write()
            if sync:
                self._sync_names()
        except plyvel.Error as error:
            self._failure = self._told(error, "write to")
            raise self._failure from error
        except StorageFailure as failure:
            self._failure = failure
            raise

    def reclaim(self, start: bytes, stop: bytes) -> None:
        """Compact a range of keys, so that what was deleted in it gives its room back. Any thread.

        Nothing is given back that an open snapshot or iterator can still see.

        Raises:
            StorageFailure: the disk refused.
        """
        try:
            self._source.compact_range(start=start, stop=stop)
        except plyvel.Error as error:
            raise self._told(error, "compact") from error

    def snapshot(self) -> Snapshot:
        """Return the present state, held fast until the caller closes it."""
        return Snapshot(self._source.snapshot(), self._name, self._remedy)

    def close(self) -> None:
        """Close the files. Closing twice is harmless."""
        self._source.close()

    def _sync_names(self) -> None:
        """Sync the folder when LevelDB has made or removed a file: it syncs only file contents."""
        try:
            changed_ns = self._path.stat().st_mtime_ns
            if changed_ns != self._directory_time_ns:
                sync_directory(self._path)
                self._directory_time_ns = changed_ns
        except OSError as error:
            raise os_failure(f"sync the folder {self._name}", error) from error


def _told(error: Exception, name: str, remedy: str, action: str) -> LedgerError | StorageFailure:
    """Return what LevelDB's error means; LevelDB tells kinds apart only by their text."""
    text = error.args[0].decode(errors="replace") if error.args else repr(error)
    if "already held by process" in text or "Resource temporarily unavailable" in text:
        return LedgerError(Code.DATA_IN_USE, f"Another process has the store '{name}' open")
    if isinstance(error, plyvel.CorruptionError) or any(sign in text for sign in _MISSING):
        return damaged(f"The store '{name}' is damaged ({text})", remedy)
    full = any(sign in text for sign in _NO_ROOM)
    return StorageFailure(f"Could not {action} the store '{name}': {text}.", full=full)
