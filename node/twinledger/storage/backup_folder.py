"""A backup as it is written, whether its parts come from a stopped node or a running one.

    genesis.json       as the chain began
    certificates       of every change of the witnesses
    snapshots/...      the newest snapshot, when the log does not reach back to the beginning
    blocks/INDEX       log entries from an index on, in chunks as a snapshot's are

A file is there whole or not at all, and never changes but for `certificates`, which is replaced by
one with more of them. The blocks hang together by their rolling hashes; only a snapshot bridges a
gap.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from twinledger.consensus import Entry, entry_hash
from twinledger.consortium.genesis import chain_id
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.durable_file import write_durably
from twinledger.storage.failure import os_failure
from twinledger.storage.head_records import size_of
from twinledger.storage.log_records import Position, entry_of
from twinledger.storage.set_certificates import (
    decode_certificates,
    read_certificates,
    write_certificates,
)
from twinledger.storage.snapshot_files import SnapshotFiles, SnapshotFolder
from twinledger.storage.snapshot_format import Pair, decode_chunk, encode_chunks

_DIGITS: Final = 20


class BackupFolder:
    """A backup to begin, or to add to."""

    def __init__(self, path: Path) -> None:
        """`path` is made when it begins."""
        self.path = path
        self._blocks = path / "blocks"
        self._copy: SnapshotFiles | None = None

    @property
    def last_index(self) -> int:
        """The last index that is backed up, 0 when none is.

        Raises:
            LedgerError: BACKUP_INVALID.
        """
        last = self.last
        return int(last.index) if last else 0

    @property
    def last(self) -> Entry | None:
        """The last entry that is backed up; what lies before it was checked when it was written.

        Raises:
            LedgerError: BACKUP_INVALID.
        """
        files = self._files()
        return _entries(files[-1].read_bytes())[-1] if files else None

    @property
    def snapshot_id(self) -> bytes:
        """The newest whole snapshot in it; empty when it has none."""
        newest = SnapshotFolder(self.path / "snapshots").newest()
        return newest.manifest.id if newest is not None else b""

    def begin(self, genesis: bytes) -> None:
        """Make the folder, or see that it is a backup of the same chain.

        Raises:
            LedgerError: BACKUP_INVALID.
            StorageFailure: the disk refused.
        """
        try:
            # The folder of blocks is made first, so every backup has it, and a node's folder not.
            if self.path.exists() and not self._blocks.is_dir() and any(self.path.iterdir()):
                raise backup_invalid(f"{self.path} holds something else than a backup")
            self._blocks.mkdir(parents=True, exist_ok=True)
            known = self.path / "genesis.json"
            if not known.exists():
                write_durably(known, genesis)
            elif chain_id(known.read_bytes()) != chain_id(genesis):
                raise backup_invalid(f"{self.path} is of another chain")
        except OSError as error:
            raise os_failure(f"make the folder {self.path}", error) from error

    def take_certificates(self, raw: bytes) -> None:
        """Keep a file of certificates, besides those that it does not have.

        Raises:
            LedgerError: SNAPSHOT_INVALID.
            StorageFailure: the disk refused.
        """
        # A node that is behind the backup knows fewer changes than its blocks hold.
        known = {size_of(each): each for each in read_certificates(self.path)}
        known |= {size_of(each): each for each in decode_certificates(raw)}
        write_certificates(self.path, [known[size] for size in sorted(known)])

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
        entries = _entries(chunk)
        first, last = entries[0], self.last
        if last is not None:
            if first.index <= last.index:
                raise backup_invalid(f"the block of height {first.index} is there already")
            if first.index == last.index + 1:
                check_follows(last, first)
        write_durably(self._blocks / f"{first.index:0{_DIGITS}d}", chunk)
        return int(entries[-1].index)

    def take_entries(self, pairs: Iterable[Pair]) -> int:
        """Keep log records in chunks; return the last index that is there."""
        last = self.last_index
        for chunk in encode_chunks(pairs):
            last = self.take_blocks(chunk)
        return last

    def entries(self) -> Iterator[Entry]:
        """Yield the log entries, in order.

        Raises:
            LedgerError: BACKUP_INVALID.
        """
        for path in self._files():
            yield from _entries(path.read_bytes())

    def _files(self) -> list[Path]:
        """By the index they begin with; not what a write that was broken off has left."""
        return sorted(self._blocks.glob("[0-9]" * _DIGITS))

    def _adopt_if_whole(self, copy: SnapshotFiles) -> None:
        if copy.missing is None:
            SnapshotFolder(self.path / "snapshots").adopt(copy)
            self._copy = None


def check_follows(before: Entry | Position, entry: Entry) -> None:
    """Hold an entry against the one that stands before it.

    Raises:
        LedgerError: BACKUP_INVALID.
    """
    expected = entry_hash(before.hash, entry.index, entry.term, entry.kind, entry.payload)
    if entry.index != before.index + 1 or entry.hash != expected:
        told = f"the block of height {before.index + 1} is missing, or of another history"
        raise backup_invalid(told)


def _entries(chunk: bytes) -> Sequence[Entry]:
    """At least one, each following the one before."""
    try:
        entries = [entry_of(key, record) for key, record in decode_chunk(chunk)]
    except LedgerError as error:
        raise backup_invalid(error.detail) from error
    if not entries:
        raise backup_invalid("a file of its blocks is empty")
    for before, entry in pairwise(entries):
        check_follows(before, entry)
    return entries


def backup_invalid(what: str) -> LedgerError:
    """The error of a backup that is refused."""
    return LedgerError(Code.BACKUP_INVALID, what)
