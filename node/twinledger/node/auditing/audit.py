"""The audit of one folder: its files, its log, and everything that follows from the log.

The log and the genesis file are what is held true, once their own hashes are right; the chain is
held against what executing them gives. So a wrong byte of the log ends the execution at its height,
and a wrong byte of the chain is named beside all others.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain as chain_of
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from twinledger.consensus import Entry
from twinledger.consortium.genesis import Genesis
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.auditing.comparison import differences
from twinledger.node.auditing.findings import Finding, Findings, Report
from twinledger.node.auditing.heads import certificate_faults, head_faults, mark_faults
from twinledger.node.auditing.replay import Replay
from twinledger.node.auditing.tolerance import Tolerance, tree_faults
from twinledger.storage.chain_records import (
    APPLIED_KEY,
    RECEIPTS_FROM_KEY,
    decode_height,
    receipts_key,
)
from twinledger.storage.chain_store import KEPT_HEIGHTS
from twinledger.storage.chain_tree_records import OLDEST_KEY
from twinledger.storage.damage import REBUILD_CHAIN, REPLACE_NODE
from twinledger.storage.database import Database, View
from twinledger.storage.folder_copy import copy_folder, held, work_folder
from twinledger.storage.folder_record import FolderRecord, decode_boot, decode_folder
from twinledger.storage.head_records import MOVE_HEADS
from twinledger.storage.log_check import BEYOND_EVERY_INDEX, check_mark, checked_entries
from twinledger.storage.log_records import LogState, Position
from twinledger.storage.log_store import read_fixed_records
from twinledger.storage.marker import Marker
from twinledger.storage.set_certificates import read_certificates
from twinledger.storage.snapshot_files import SnapshotFolder
from twinledger.storage.snapshot_format import Manifest

Progress = Callable[[int, int], None]
"""Told the height reached and the last one, now and then."""

T = TypeVar("T")

_CACHE_BYTES: Final = 8 << 20
_UNCHANGING: Final = frozenset({b"h", b"m", b"r", b"t", b"u"})
"""Kinds of records that no later block changes."""


def audit_folder(
    folder: Path,
    *,
    scratch: Path | None = None,
    progress: Progress = lambda _height, _last: None,
) -> Report:
    """Audit the folder of a stopped node, or a copy of one.

    Args:
        folder: The data folder; nothing in it is changed.
        scratch: Where to work: room for another chain. Beside the folder when None.
        progress: Told how far it is.

    Raises:
        LedgerError: DATA_IN_USE, CONFIG_INVALID. Damage is not raised but found.
        StorageFailure: the disk refused.
    """
    folder = folder.resolve()
    with held(folder), work_folder(folder, scratch) as place:
        copy_folder(folder, place / "data")
        return _Audit(place / "data", place, progress).run()


@dataclass(slots=True)
class _Audit:
    folder: Path
    """A copy of the folder, to open."""
    scratch: Path
    progress: Progress
    findings: Findings = field(default_factory=Findings)
    notes: list[str] = field(default_factory=list)
    _log_end: Position | None = None
    _begins_with: Manifest | None = None

    def run(self) -> Report:
        started = time.monotonic()
        record = self._file_content("folder", decode_folder)
        self._file_content("boot", decode_boot)
        genesis = self._genesis(record)
        self._snapshots()
        replay = None
        if genesis is not None:
            with ThreadPoolExecutor() as checks:
                replay = self._stores(genesis, checks)
        return Report(
            record.node_id if record else "",
            record.chain_id if record else b"",
            replay.start if replay else 0,
            replay.height if replay else 0,
            replay.transactions if replay else 0,
            time.monotonic() - started,
            self.findings,
            tuple(self.notes),
        )

    # The files beside the stores.

    def _file_content(self, name: str, read: Callable[[bytes], T]) -> T | None:
        try:
            return read((self.folder / name).read_bytes())
        except FileNotFoundError:
            self._found(None, name, "the file", "is missing")
        except OSError as error:
            self._found(None, name, "the file", f"cannot be read: {error.strerror}")
        except LedgerError as error:
            self._found(None, name, "the file", error.detail)
        return None

    def _genesis(self, record: FolderRecord | None) -> Genesis | None:
        raw: bytes | None = self._file_content("genesis.json", lambda content: content)
        if raw is None or record is None:
            return None
        try:
            genesis = Genesis.parse(raw)
            genesis.require_signed()
        except LedgerError as error:
            self._found(0, "genesis.json", "the file", error.message)
            return None
        if genesis.chain_id != record.chain_id:
            self._found(0, "genesis.json", "the file", "is not the one whose hash is the chain id")
            return None
        return genesis

    def _snapshots(self) -> None:
        for name, error in SnapshotFolder(self.folder / "snapshots").check():
            self._found(None, f"snapshots/{name}", "the snapshot", error.detail)

    # The stores.

    def _stores(self, genesis: Genesis, checks: ThreadPoolExecutor) -> Replay | None:
        log = self._opened("log", REPLACE_NODE)
        if log is None:
            return None
        chain = self._opened("chain", REBUILD_CHAIN) if (self.folder / "chain").exists() else None
        try:
            begun = chain is not None and _has_records(chain)
            if not begun:
                self.notes.append("There is no chain: the node will make it of its log.")
            return self._replayed(genesis, checks, log, chain if begun else None)
        finally:
            for store in (log, chain):
                if store is not None:
                    store.close()

    def _opened(self, name: str, remedy: str) -> Database | None:
        try:
            return Database(self.folder / name, remedy, cache_bytes=_CACHE_BYTES)
        except LedgerError as error:
            self._damage(None, name, "the store", error)
            return None

    def _replayed(
        self, genesis: Genesis, checks: ThreadPoolExecutor, log: View, chain: View | None
    ) -> Replay | None:
        try:
            anchor, state = read_fixed_records(log, genesis.chain_id)
        except LedgerError as error:
            self._damage(None, "log", "its first records", error)
            return None
        self._log_end = anchor
        applied, oldest = self._extent(chain, state)
        replay = self._begun(genesis, anchor, max(1, applied - oldest), checks)
        if replay is None:
            return None
        try:
            self._execute(replay, self._entries(log, anchor, state), applied)
            if chain is not None:
                self._compare(replay, chain, applied)
            self._heads(replay, applied if chain is not None else -1)
        finally:
            replay.close()
        return replay

    def _begun(
        self, genesis: Genesis, anchor: Position, kept_heights: int, checks: ThreadPoolExecutor
    ) -> Replay | None:
        """A chain to execute upon: of genesis, or of the snapshot that the log begins with."""
        if anchor.index == 0:
            return Replay.create(self.scratch, genesis, kept_heights, checks)
        try:
            files = SnapshotFolder(self.folder / "snapshots").newest()
            if files is None or files.manifest.height < anchor.index:
                told = f"is missing, and the log begins at height {anchor.index + 1}"
                self._found(anchor.index, "snapshots", "the snapshot to begin with", told)
                return None
            self._begins_with = files.manifest
            return Replay.upon(self.scratch, genesis, files, kept_heights, checks)
        except LedgerError as error:
            self._found(anchor.index, "snapshots", "the newest snapshot", error.detail)
            return None

    def _extent(self, chain: View | None, state: LogState) -> tuple[int, int]:
        """Up to which height the chain says it goes, and which is the oldest with a state."""
        applied = self._height(chain, APPLIED_KEY, "applied height", state.commit)
        default = max(0, applied - KEPT_HEIGHTS)
        oldest = self._height(chain, OLDEST_KEY, "oldest height whose state is kept", default)
        if oldest > applied:
            told = f"is beyond the applied height {applied}"
            self._found(None, "chain", f"oldest height whose state is kept, {oldest},", told)
            oldest = default
        return applied, oldest

    def _height(self, chain: View | None, key: bytes, words: str, default: int) -> int:
        if chain is None:
            return default
        try:
            return decode_height(chain.get(key) or b"")
        except LedgerError as error:
            self._damage(None, "chain", words, error)
            return default

    def _execute(self, replay: Replay, entries: Iterator[Entry], applied: int) -> None:
        """Execute up to the chain's height, and check the log behind it."""
        try:
            self._skip(entries, replay.start)
            for height in replay.run(islice(entries, max(0, applied - replay.start))):
                self.progress(height, applied)
            for _ in entries:
                pass
        except LedgerError as error:
            reached = self._log_end.index + 1 if self._log_end else 1
            self._damage(reached, "log", f"entry {reached}", error)
        if replay.height < applied:
            told = f"says it is of height {applied}, but the log ends at {replay.height}"
            self._found(replay.height + 1, "chain", "applied height", told)

    def _skip(self, entries: Iterator[Entry], start: int) -> None:
        """Check the entries up to the snapshot, and that the snapshot is of this log."""
        manifest = self._begins_with
        if manifest is None or self._log_end is None:
            return
        for _ in islice(entries, max(0, start - self._log_end.index)):
            pass
        if (self._log_end.index, self._log_end.hash) != (start, manifest.entry_hash):
            self._found(start, "snapshots", "the newest snapshot", "is not of this log")

    def _compare(self, replay: Replay, chain: View, applied: int) -> None:
        receipts_from = self._receipts_from(chain)
        tolerance = Tolerance(replay.database, replay.start, receipts_from)
        found = differences(replay.database, chain, replay.written, tolerance)
        if replay.height < applied:
            self.notes.append(
                f"The chain was compared up to height {replay.height}, where the log ends: its "
                "headers, receipts, history and indexes, not its state."
            )
            found = (finding for finding in found if _is_past(finding, replay.height))
        elif replay.start:
            self.notes.append(
                f"It was executed from height {replay.start} on, where its newest snapshot stands: "
                "the blocks before it are not all there. What older blocks left in its indexes, "
                "and the trees of older heights, were not made again."
            )
            found = chain_of(found, tree_faults(replay.database, chain, applied))
        for finding in found:
            self.findings.add(finding)

    def _heads(self, replay: Replay, known: int) -> None:
        """Hold what was certified and signed against what was executed."""
        chain, chain_id = replay.chain, replay.genesis.chain_id
        for snapshot in SnapshotFolder(self.folder / "snapshots").whole():
            with suppress(LedgerError):  # told of already
                certificates = read_certificates(snapshot)
                store = f"snapshots/{snapshot.name}"
                for finding in certificate_faults(store, certificates, chain, chain_id):
                    self.findings.add(finding)
        for finding in mark_faults(self.folder / "head.mark", chain, chain_id):
            self.findings.add(finding)
        if not (self.folder / "heads").exists():
            return
        book = self._opened("heads", MOVE_HEADS)
        if book is None:
            return
        try:
            for finding in head_faults(book, chain, chain_id, min(known, replay.height)):
                self.findings.add(finding)
        finally:
            book.close()

    def _receipts_from(self, chain: View) -> int:
        """What the node says, held against the receipts that are there."""
        words, said = "oldest height whose receipts are kept", 0
        if chain.get(RECEIPTS_FROM_KEY) is not None:
            said = self._height(chain, RECEIPTS_FROM_KEY, words, 0)
        with suppress(LedgerError):  # what cannot be read is told of by the comparison
            for key, _ in chain.scan(receipts_key(0), receipts_key(BEYOND_EVERY_INDEX)):
                if key != receipts_key(said):
                    told = f"says {said}, but the oldest there are is another"
                    self._found(None, "chain", words, told)
                break
        return said

    def _entries(self, log: View, anchor: Position, state: LogState) -> Iterator[Entry]:
        """Yield the log's entries, each checked; at its end the log is held against its marker."""
        marker = Marker.open(self.folder / "log.marker")
        marker.close()
        marked = anchor
        for entry in checked_entries(log, anchor):
            self._log_end = Position(entry.index, entry.term, entry.hash)
            if entry.index == marker.mark.index:
                marked = self._log_end
            yield entry
        check_mark(marker.mark, marked, self._log_end or anchor, state)

    # What is found.

    def _found(self, height: int | None, store: str, record: str, told: str) -> None:
        self.findings.add(Finding(height, store, record, told))

    def _damage(self, height: int | None, store: str, record: str, error: LedgerError) -> None:
        if error.code is not Code.DATA_DAMAGED and error.code is not Code.FORMAT_UNKNOWN:
            raise error
        self._found(height, store, record, error.detail)


def _has_records(chain: View) -> bool:
    try:
        return chain.last_key(b"", b"\xff") is not None
    except LedgerError:  # damaged, which the comparison will tell: then there is something
        return True


def _is_past(finding: Finding, height: int) -> bool:
    """Whether a finding is of a record that a chain of a lower height must have likewise."""
    unchanging = finding.key is not None and finding.key[:1] in _UNCHANGING
    return unchanging and finding.height is not None and finding.height <= height
