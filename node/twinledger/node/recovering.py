"""A survivor's stopped folder, and the folder of a fresh node that is made of it.

The survivor's own folder is never written to: everything is read from a working copy. What a fresh
folder gets is the log up to the fork, and then the block that opens the epoch; it gets no vote, no
mark and no memory, for its node is another one. A fresh node without a survivor's folder gets an
empty log, and the rest from its peers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from twinledger.consensus import (
    Configuration,
    Entry,
    EntryKind,
    HardState,
    Index,
    NodeId,
    Persist,
    Term,
    make_entry,
)
from twinledger.consortium.genesis import Genesis
from twinledger.consortium.governed import agreed_nodes
from twinledger.consortium.members import Consortium
from twinledger.consortium.recovery.file import Fork, RecoveryFile
from twinledger.consortium.recovery.judging import judge
from twinledger.consortium.recovery.opening import configuration_of
from twinledger.consortium.recovery.statement import StatedHead, Statement
from twinledger.execution.execute import block_transactions, execute, limits_of
from twinledger.execution.prepare import prepare
from twinledger.execution.results import Ordered, Parent
from twinledger.ledger.checkpoint import head_of, origin_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import header_hash
from twinledger.ledger.names import MemberName
from twinledger.node.proving import ProvenSnapshot
from twinledger.proofs.builder import Builder
from twinledger.storage import DataFolder, Stores
from twinledger.storage.disk_room import RESERVE_BYTES
from twinledger.storage.folder_copy import copy_folder, held, work_folder
from twinledger.storage.snapshot_files import SnapshotFiles, SnapshotFolder
from twinledger.storage.snapshot_switch import commit_switch, prepare_switch

_PAGE_BYTES: Final = 4 << 20
_WRITTEN_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Survivor:
    """A working copy of a stopped node's folder, open; its chain is as far as its log allows."""

    folder: DataFolder
    stores: Stores

    @property
    def consortium(self) -> Consortium:
        """The consortium after the newest block that it executed."""
        return self.consortium_at(self.stores.chain.applied_height or 0)

    def consortium_at(self, height: int) -> Consortium:
        """The consortium exactly after a block."""
        return Consortium.decode(self.stores.chain.consortium_at(height))

    @property
    def certificate(self) -> bytes | None:
        """The newest certificate that it has, when it is of the newest epoch."""
        newest = self.stores.heads.newest
        if newest is None or head_of(newest).origin != self._origin:
            return None
        return newest

    @property
    def _origin(self) -> str:
        return origin_of(self.folder.chain_id, self.consortium.epoch)

    def statement(self) -> Statement:
        """What it says of itself.

        Raises:
            LedgerError: RECOVERY_OTHER_HISTORY, when the ledger has no such node.
        """
        log, mark = self.stores.log, self.stores.head_mark
        signed = mark.mark if mark is not None else None
        of_this = signed is not None and signed.size > 0 and signed.origin == self._origin
        certificate = self.certificate
        newest = None if certificate is None else head_of(certificate)
        return Statement(
            chain_id=self.folder.chain_id,
            epoch=self.consortium.epoch,
            member=self._member(),
            node_id=self.folder.node_id,
            log_height=log.last_index(),
            committed_height=_committed(self.stores),
            signed=StatedHead(signed.size, signed.root) if signed is not None and of_this else None,
            certified=None if newest is None else StatedHead(newest.size, newest.root),
        )

    def fork(self) -> Fork:
        """Where a recovery goes on that rests on this survivor, with the proof of it.

        Raises:
            LedgerError: NOT_CERTIFIED, when it has no certificate; what a proof is refused with.
        """
        certificate = self.certificate
        if certificate is None:
            raise LedgerError(Code.NOT_CERTIFIED, f"{self.folder.node_id} holds no certificate")
        head, stores = head_of(certificate), self.stores
        with stores.chain.snapshot() as reader:
            genesis = Genesis.parse(self.folder.genesis).body
            builder = Builder(ProvenSnapshot(reader), stores.heads, certificate, genesis)
            proof = builder.bundle(builder.head_claim())
            return Fork(head.height, reader.header(head.height).hash(), head.root, proof)

    def configuration_at(self, height: int) -> Configuration:
        """Who orders after a block: the newest configuration at or below it."""
        found = self.stores.log.configuration_at(Index(height))
        if found is not None:
            return found
        newest = self.folder.snapshots.newest()
        if newest is not None and newest.manifest.height < self.stores.log.oldest:
            return Configuration.decode(newest.manifest.configuration)
        first = Genesis.parse(self.folder.genesis).consortium
        return Configuration(tuple(sorted(agreed_nodes(first))))

    def _member(self) -> MemberName:
        for member, node in self.consortium.nodes:
            if node.node_id == self.folder.node_id:
                return member
        detail = f"the ledger has no node {self.folder.node_id} at the height of this folder"
        raise LedgerError(Code.RECOVERY_OTHER_HISTORY, detail)


@contextmanager
def survivor(data: Path, scratch: Path | None = None) -> Iterator[Survivor]:
    """Open a working copy of a stopped node's folder; it is removed afterwards.

    Raises:
        LedgerError: DATA_IN_USE, CONFIG_INVALID, DATA_DAMAGED.
        StorageFailure: the disk refused.
    """
    data = data.resolve()
    with held(data), work_folder(data, scratch) as place:
        copy_folder(data, place / "data")
        with DataFolder.open(place / "data", min_free_bytes=1, reserve_bytes=1) as folder:
            stores = folder.open_stores()
            try:
                _execute_committed(folder, stores)
                yield Survivor(folder, stores)
            finally:
                stores.close()


def _execute_committed(folder: DataFolder, stores: Stores) -> None:
    """Bring the chain, which a power cut may have left behind, to where the log is committed."""
    chain, applied = stores.chain, stores.chain.applied_height
    if applied is None:
        return
    parent = Parent.of(chain.header(applied))
    for entry in _entries(stores, applied, _committed(stores)):
        ordered = Ordered(entry.term, entry.kind, entry.payload)
        limits = limits_of(chain)
        prepared = [
            prepare(raw, limits, folder.chain_id)
            for raw in block_transactions(ordered.body, limits)
        ]
        execution = execute(parent, chain, ordered, prepared, folder.chain_id)
        chain.apply(execution)
        parent = execution.as_parent()


def _committed(stores: Stores) -> int:
    """The newest height known to be committed: what was signed or certified is."""
    mark, newest = stores.head_mark, stores.heads.newest
    signed = mark.mark.size - 1 if mark is not None else 0
    certified = head_of(newest).height if newest is not None else 0
    return min(max(stores.log.commit, signed, certified), stores.log.last_index())


def _entries(stores: Stores, after: int, last: int) -> Iterator[Entry]:
    while after < last:
        page = stores.log.entries(Index(after + 1), Index(last + 1), _PAGE_BYTES)
        yield from page
        after = page[-1].index


def begin_folder(
    path: Path,
    genesis: bytes,
    node_id: NodeId,
    recovery: RecoveryFile,
    old: Survivor | None,
    *,
    reserve_bytes: int = RESERVE_BYTES,
) -> int:
    """Make the data folder of a fresh node; return the height that its log ends at.

    Args:
        path: The folder, which is absent or empty.
        genesis: The genesis file.
        node_id: The fresh node.
        recovery: A complete recovery that names it.
        old: A survivor; None begins with an empty log.
        reserve_bytes: Room kept back for a full disk.

    Raises:
        LedgerError: CONFIG_INVALID; what the recovery is refused with; RECOVERY_OTHER_HISTORY,
            when the survivor holds another history than the one that goes on.
        StorageFailure: the disk refused.
    """
    entries = iter(()) if old is None else _beginning(old, recovery)
    DataFolder.create(path, genesis, node_id, reserve_bytes=reserve_bytes)
    if old is not None and old.stores.log.oldest > 1:
        _install_snapshot(old, path, genesis)
    with DataFolder.open(path, min_free_bytes=1, reserve_bytes=reserve_bytes) as folder:
        stores = folder.open_stores()
        try:
            last = stores.log.last_index()
            for batch in _batches(entry for entry in entries if entry.index > last):
                _write(stores, batch)
            return int(stores.log.last_index())
        finally:
            stores.close()


def _beginning(old: Survivor, recovery: RecoveryFile) -> Iterator[Entry]:
    """The entries of a survivor up to the fork, and when it has that, the one that opens."""
    fork, log = recovery.fork.height, old.stores.log
    applied = old.stores.chain.applied_height or 0
    if old.folder.chain_id != recovery.chain_id:
        raise LedgerError(Code.RECOVERY_OTHER_HISTORY, "the folder is of another chain")
    if log.oldest - 1 > fork:
        detail = f"the folder's oldest block is {log.oldest}, above the fork at {fork}"
        raise LedgerError(Code.RECOVERY_OTHER_HISTORY, detail)
    if log.oldest > 1 and _snapshot(old).manifest.height > fork:
        detail = f"the folder's snapshot is of a height above the fork at {fork}"
        raise LedgerError(Code.RECOVERY_OTHER_HISTORY, detail)
    opening = None
    if applied >= fork:
        if header_hash(old.stores.chain.header_bytes(fork)) != recovery.fork.header_hash:
            raise LedgerError(Code.RECOVERY_OTHER_HISTORY, f"its block of {fork} is another one")
        judge(recovery, old.consortium_at(fork), recovery.chain_id)
        configuration = configuration_of(old.configuration_at(fork), recovery)
        opening = _opening(old, fork, configuration)
    return _chained(old, min(fork, applied), opening)


def _chained(old: Survivor, last: int, opening: Entry | None) -> Iterator[Entry]:
    yield from _entries(old.stores, old.stores.log.oldest - 1, last)
    if opening is not None:
        yield opening


def _opening(old: Survivor, fork: int, configuration: Configuration) -> Entry:
    log, index = old.stores.log, Index(fork)
    term, kind = Term(log.term(index) + 1), EntryKind.CONFIGURATION
    return make_entry(log.hash(index), Index(fork + 1), term, kind, configuration.encode())


def _batches(entries: Iterator[Entry]) -> Iterator[tuple[Entry, ...]]:
    while batch := tuple(islice(entries, _WRITTEN_AT_ONCE)):
        yield batch


def _write(stores: Stores, entries: tuple[Entry, ...]) -> None:
    """Everything here is committed: by the old quorum, or by the members' signatures."""
    newest = entries[-1]
    hard_state = HardState(newest.term, None)
    stores.log.write(Persist(1, hard_state, None, entries, newest.index, ()))


def _install_snapshot(old: Survivor, path: Path, genesis: bytes) -> None:
    newest = _snapshot(old)
    copy = SnapshotFolder(path / "snapshots").incoming(newest.manifest_bytes)
    while (number := copy.missing) is not None:
        copy.keep(number, newest.chunk(number))
    prepare_switch(path, genesis, copy)
    commit_switch(path, copy)


def _snapshot(old: Survivor) -> SnapshotFiles:
    newest = old.folder.snapshots.newest()
    if newest is None or newest.manifest.height < old.stores.log.oldest - 1:
        detail = "the folder's log begins late, and it has no snapshot"
        raise LedgerError(Code.RECOVERY_OTHER_HISTORY, detail)
    return newest
