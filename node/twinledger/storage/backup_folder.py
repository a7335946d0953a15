"""A backup as it is written, whether its parts come from a stopped node or a running one.

    genesis.json       as the chain began
    certificates       of every change of the witnesses
    snapshots/...      the newest snapshot, when the log does not reach back to the beginning
    blocks/INDEX       log entries from an index on, in chunks as a snapshot's are

A file is there whole or not at all, and never changes but for `certificates`, which is replaced.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from twinledger.consortium.genesis import chain_id
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.durable_file import write_durably
from twinledger.storage.failure import os_failure
from twinledger.storage.log_records import decode_entry, index_of
from twinledger.storage.set_certificates import decode_certificates, write_certificates
from twinledger.storage.snapshot_files import SnapshotFiles, SnapshotFolder
from twinledger.storage.snapshot_format import Pair, decode_chunk, encode_chunks


class BackupFolder:
    """A backup to begin, or to add to."""

    def __init__(self, path: Path) -> None:
        """`path` is made when it begins."""
        self.path = path
        self._blocks = path / "blocks"
        self._copy: SnapshotFiles | None = None

    @property
    def last_index(self) -> int:
        """The last index that is backed up; what lies before it was checked when it was written.

        Raises:
            LedgerError: BACKUP_INVALID.
        """
        files = sorted(self._blocks.glob("[0-9]*"))
        return _indexes(files[-1].read_bytes())[-1] if files else 0

    @property
    def snapshot_id(self) -> bytes:
        """The newest whole snapshot in it; empty when it has none."""
        newest = SnapshotFolder(self.path / "snapshots").newest()
        return newest.manifest.id if newest is not None else b""

    def begin(self, genesis: bytes) -> None:
        """Make the folder, or see that it is of the same chain.

        Raises:
            LedgerError: BACKUP_INVALID.
            StorageFailure: the disk refused.
        """
        try:
            self._blocks.mkdir(parents=True, exist_ok=True)
            known = self.path / "genesis.json"
            if not known.exists():
                write_durably(known, genesis)
            elif chain_id(known.read_bytes()) != chain_id(genesis):
                raise backup_invalid(f"{self.path} is of another chain")
        except OSError as error:
            raise os_failure(f"make the folder {self.path}", error) from error

    def take_certificates(self, raw: bytes) -> None:
        """Keep the file of certificates.

        Raises:
            LedgerError: SNAPSHOT_INVALID.
            StorageFailure: the disk refused.
        """
        write_certificates(self.path, decode_certificates(raw))

    def begin_snapshot(self, manifest: bytes) -> None:
        """Begin with a snapshot, or go on with it.

        Raises:
            LedgerError: SNAPSHOT_INVALID.
            StorageFailure: the disk refused.
        """
        self._copy = SnapshotFolder(self.path / "snapshots").incoming(manifest)
        self._adopt_if_whole(self._copy)

    def take_chunk(self, number: int, chunk: bytes) -> None:
        """Keep a chunk of the snapshot that was begun.

        Raises:
            LedgerError: SNAPSHOT_INVALID, BACKUP_INVALID.
            StorageFailure: the disk refused.
        """
        if self._copy is None:
            raise backup_invalid("a chunk came without its manifest")
        self._copy.keep(number, chunk)
        self._adopt_if_whole(self._copy)

    def take_blocks(self, chunk: bytes) -> int:
        """Keep log entries that follow those that are there; return the last index.

        Raises:
            LedgerError: BACKUP_INVALID, when they do not follow.
            StorageFailure: the disk refused.
        """
        indexes = _indexes(chunk)
        if not indexes or indexes != list(range(indexes[0], indexes[0] + len(indexes))):
            raise backup_invalid("its blocks have a gap")
        if indexes[0] <= self.last_index:
            raise backup_invalid(f"the block of height {indexes[0]} is there already")
        write_durably(self._blocks / f"{indexes[0]:020d}", chunk)
        return indexes[-1]

    def take_entries(self, pairs: Iterable[Pair]) -> int:
        """Keep log records in chunks; return the last index that is there."""
        last = self.last_index
        for chunk in encode_chunks(pairs):
            last = self.take_blocks(chunk)
        return last

    def pairs(self) -> Iterator[Pair]:
        """Yield the log records, in order."""
        for path in sorted(self._blocks.glob("[0-9]*")):
            yield from decode_chunk(path.read_bytes())

    def _adopt_if_whole(self, copy: SnapshotFiles) -> None:
        if copy.missing is None:
            SnapshotFolder(self.path / "snapshots").adopt(copy)
            self._copy = None


def _indexes(chunk: bytes) -> list[int]:
    try:
        entries = [decode_entry(index_of(key), record) for key, record in decode_chunk(chunk)]
    except LedgerError as error:
        raise backup_invalid(error.detail) from error
    return [int(entry.index) for entry in entries]


def backup_invalid(what: str) -> LedgerError:
    """The error of a backup that is refused."""
    return LedgerError(Code.BACKUP_INVALID, what)
