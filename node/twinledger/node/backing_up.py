"""The backup of a running node: what its chain is made of, in bounded parts.

What is committed never changes, so the height that is committed when a backup begins is a
consistent end of it, whatever is written meanwhile. Each part is read by itself: nothing of LevelDB
is held open while a slow caller takes them. Nothing else of the node is in it: no term, no vote, no
mark of what was signed, no keys.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from twinledger.consensus import Index
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.services.gate import Gate
from twinledger.storage import HeadBook, LogStore
from twinledger.storage.log_records import encode_entry, entry_key
from twinledger.storage.set_certificates import encode_certificates
from twinledger.storage.snapshot_files import SnapshotFolder
from twinledger.storage.snapshot_format import CHUNK_BYTES, encode_chunks
from twinledger.v1.operator_service_pb2 import BackupRequest, BackupResponse

MAX_BACKUPS: Final = 2
"""Being sent at once."""


@dataclass(slots=True)
class BackingUp:
    """Sends a node's chain; used by the event loop."""

    log: LogStore
    book: HeadBook
    snapshots: SnapshotFolder
    genesis: bytes
    """The signed file."""
    _places: Gate = field(default_factory=lambda: Gate(MAX_BACKUPS))

    async def parts(self, request: BackupRequest) -> AsyncIterator[BackupResponse]:
        """Yield genesis, certificates, a snapshot where it is needed, blocks, and the last height.

        Raises:
            LedgerError: OVERLOADED; PRUNED, when blocks went while they were being sent: what was
                sent stays good, and the next backup goes on from there; SNAPSHOT_GONE.
            StorageFailure: the disk gives nothing.
        """
        with self._places:
            last = min(self.log.commit, self.log.last_index())
            yield BackupResponse(genesis=self.genesis)
            yield BackupResponse(certificates=await asyncio.to_thread(self._certificates, last))
            if self.log.oldest > 1:
                async for part in self._snapshot(request.snapshot_id):
                    yield part
            low = max(request.after_height + 1, self.log.oldest)
            while low <= last:
                low, chunks = await asyncio.to_thread(self._blocks, low, last)
                for chunk in chunks:
                    yield BackupResponse(blocks=chunk)
            yield BackupResponse(height=last)

    def _certificates(self, last: int) -> bytes:
        return encode_certificates(raw for size, raw in self.book.changes() if size <= last + 1)

    async def _snapshot(self, known: bytes) -> AsyncIterator[BackupResponse]:
        """The newest snapshot, without which the log makes no chain, unless the caller has it."""
        newest = self.snapshots.newest()
        if newest is None:
            raise LedgerError(Code.SNAPSHOT_GONE, "the node has no snapshot to begin with")
        if newest.manifest.id == known:
            return
        yield BackupResponse(manifest=newest.manifest_bytes)
        for number in range(len(newest.manifest.chunks)):
            yield BackupResponse(chunk=await asyncio.to_thread(newest.chunk, number))

    def _blocks(self, low: int, last: int) -> tuple[int, list[bytes]]:
        """Up to a chunk's worth of entries, and the index after them."""
        try:
            self._check_kept(low)
            entries = self.log.entries(Index(low), Index(last + 1), CHUNK_BYTES)
        except LedgerError:
            self._check_kept(low)  # it went while it was being read
            raise
        pairs = ((entry_key(entry.index), encode_entry(entry)) for entry in entries)
        return entries[-1].index + 1, list(encode_chunks(pairs))

    def _check_kept(self, index: int) -> None:
        if index < self.log.oldest:
            raise LedgerError(Code.PRUNED, f"the oldest block it keeps is {self.log.oldest}")
