"""Taking snapshots of the own chain, and letting old blocks go as the operator has set it.

A snapshot is taken from time to time, so that whoever is far behind, or new, is brought on by it
and not block by block. From then on consensus sees the log only from a little before it. That
deletes nothing: blocks go only by the operator's retention policy, and never one that consensus may
still send or that is above the newest certified height.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from twinledger.consensus import Index
from twinledger.ledger.errors import LedgerError
from twinledger.storage import ChainSnapshot, ChainStore, HeadBook, LogStore
from twinledger.storage.log_records import Position
from twinledger.storage.set_certificates import write_certificates
from twinledger.storage.snapshot_content import remembered, take_snapshot
from twinledger.storage.snapshot_files import SnapshotFiles, SnapshotFolder
from twinledger.storage.snapshot_format import Manifest
from twinledger.storage.snapshot_offer import described, first_seen

PRUNED_AT_ONCE: Final = 512
"""Blocks, so that nothing else waits long for the disk."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class SnapshotTaking:
    """Takes snapshots and prunes; used by the event loop."""

    chain: ChainStore
    log: LogStore
    book: HeadBook
    folder: SnapshotFolder
    chain_id: bytes
    thread: Executor
    """One thread: snapshots are written in order, and space is given back."""
    disk: Executor
    """The thread that writes the log."""
    execution: Executor
    """The thread that writes the chain."""
    every: int
    """Blocks between two snapshots; 0 for none."""
    keep_blocks: int
    """Blocks whose bodies are kept; 0 for all."""
    certified: Callable[[], int]
    """The newest certified height."""
    newest: Manifest | None = None
    """Of the newest snapshot, offered or not yet."""
    _certificates_of: int = -1
    """The height of the newest snapshot that has its certificates beside it."""
    _reclaimed: int = 0

    async def run(self) -> None:
        """Look after both for ever, a few times a second."""
        while True:
            await self.look()
            await asyncio.sleep(0.2)

    async def look(self) -> None:
        """Take a snapshot if it is time, offer the newest if it may be, prune what may go."""
        applied = self.chain.applied_height or 0
        since = applied - (self.newest.height if self.newest else 0)
        if self.every and since >= self.every:
            await self._take()
        await self._offer(applied)
        if self.keep_blocks:
            await self._prune(applied)

    async def _take(self) -> None:
        try:
            pinned = self.chain.snapshot()
        except LedgerError as error:  # too many reads are open: the next time, then
            logger.warning("no snapshot is taken", extra={"reason": str(error)})
            return
        with pinned:
            loop = asyncio.get_running_loop()
            taken = await loop.run_in_executor(self.thread, self._taken, pinned)
        self.newest = taken.manifest
        logger.info(
            "a snapshot is taken",
            extra={"height": taken.manifest.height, "bytes": taken.manifest.size},
        )

    def _taken(self, pinned: ChainSnapshot) -> SnapshotFiles:
        index = Index(pinned.applied_height or 0)
        place = Position(index, self.log.term(index), self.log.hash(index))
        return take_snapshot(self.folder, pinned, self.chain_id, place)

    async def _offer(self, applied: int) -> None:
        """Once its height is certified, so is every change of the witnesses before it."""
        if self.newest is None or self.newest.height > self.certified():
            return
        if self._certificates_of != self.newest.height:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self.thread, self._certify, self.newest)
            self._certificates_of = self.newest.height
        self.log.compact(first_seen(self.newest, applied), described(self.newest))

    def _certify(self, manifest: Manifest) -> None:
        last = manifest.height + 1
        certificates = [raw for size, raw in self.book.changes() if size <= last]
        try:
            write_certificates(self.folder.find(manifest.id).path, certificates)
        except LedgerError as error:  # somebody took its folder away
            logger.warning("a snapshot gets no certificates", extra={"reason": str(error)})

    async def _prune(self, applied: int) -> None:
        oldest = min(
            applied + 1 - self.keep_blocks,
            self.certified() + 1,
            remembered(self.chain, applied).start,
            self.log.first_index(),
        )
        loop = asyncio.get_running_loop()
        if oldest > self.chain.receipts_from:
            step = min(oldest, self.chain.receipts_from + PRUNED_AT_ONCE)
            await loop.run_in_executor(self.execution, self.chain.prune_receipts, step)
        if oldest > self.log.oldest:
            step = min(oldest, self.log.oldest + PRUNED_AT_ONCE)
            await loop.run_in_executor(self.disk, self.log.prune, Index(step))
        if self.log.oldest >= oldest and oldest - self._reclaimed >= PRUNED_AT_ONCE:
            self._reclaimed = oldest
            await loop.run_in_executor(self.thread, self._reclaim)

    def _reclaim(self) -> None:
        """Have LevelDB give back the room of what was deleted: it does so only when compacting."""
        self.log.reclaim()
        self.chain.reclaim()
