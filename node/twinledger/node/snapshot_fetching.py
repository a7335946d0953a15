"""Coming on by a snapshot: fetched from who offers it, verified whole, put in the log's place.

What was fetched stays over restarts, so that a long fetch goes on where it was. Nothing of the
node's own changes before everything is verified and its chain is made; then one synced file
decides, and the node opens its folder again.
"""

import asyncio
import logging
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from twinledger.consensus import SnapshotToInstall
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.replica import Replica
from twinledger.node.snapshot_certifying import check_certified
from twinledger.storage import DataFolder
from twinledger.storage.set_certificates import write_certificates
from twinledger.storage.snapshot_files import SnapshotFiles
from twinledger.storage.snapshot_format import snapshot_invalid
from twinledger.storage.snapshot_offer import matches
from twinledger.storage.snapshot_switch import commit_switch, prepare_switch
from twinledger.v1.peer_service_pb2 import FetchSnapshotResponse

_PAUSE_S: Final = 0.5

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class SnapshotFetching:
    """Follows the offers of leaders; used by the event loop."""

    replica: Replica
    folder: DataFolder
    thread: Executor
    """One thread: verifies and makes the chain."""
    disk: Executor
    """The thread that writes the log: the decision comes after all that was written."""
    switched: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the folder is to be opened again."""
    _offer: SnapshotToInstall | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def offered(self, offer: SnapshotToInstall) -> None:
        """Take note of an offer; one of the same snapshot by another leader changes the source."""
        self._offer = offer
        self._news.set()

    async def run(self) -> None:
        """Follow offers for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            while (offer := self._offer) is not None and not self.switched.is_set():
                if not self._wanted(offer):
                    self._offer = None
                    break
                await self._attempt(offer)

    def _wanted(self, offer: SnapshotToInstall) -> bool:
        return self.replica.core.pending_snapshot == offer.snapshot

    async def _attempt(self, offer: SnapshotToInstall) -> None:
        try:
            files = await self._fetch(offer)
            if files is not None:
                await self._install(offer, files)
        except LedgerError as error:
            logger.warning(
                "the snapshot is not there yet",
                extra={"height": offer.snapshot.index, "reason": str(error)},
            )
            if error.code in (Code.SNAPSHOT_INVALID, Code.SNAPSHOT_GONE):
                if error.code is Code.SNAPSHOT_INVALID:
                    self.folder.snapshots.drop_incoming()
                self.replica.snapshot_failed(offer)
            await asyncio.sleep(_PAUSE_S)

    async def _fetch(self, offer: SnapshotToInstall) -> SnapshotFiles | None:
        """Fetch what is missing; None when the offer changed meanwhile."""
        peer = self.replica.transport.peers.get(offer.sender)
        if peer is None:
            raise LedgerError(Code.PEER_UNKNOWN, offer.sender)
        files = self.folder.snapshots.begun(offer.snapshot.data)
        number = 0 if files is None else files.missing
        if files is not None and number is None:
            return files
        parts = peer.fetch_snapshot(offer.snapshot.data, number or 0)
        try:
            async for part in parts:
                files, number = await self._keep(offer, files, number or 0, part)
                if self._offer != offer or not self._wanted(offer):
                    return None
        finally:
            await parts.aclose()
        if files is None or files.missing is not None:
            raise LedgerError(Code.CONNECTION_LOST, f"{offer.sender} ended the stream early")
        return files

    async def _keep(
        self,
        offer: SnapshotToInstall,
        files: SnapshotFiles | None,
        number: int,
        part: FetchSnapshotResponse,
    ) -> tuple[SnapshotFiles, int]:
        if part.WhichOneof("part") == "manifest":
            files = self.folder.snapshots.incoming(part.manifest)
            if not matches(offer.snapshot, files.manifest):
                raise snapshot_invalid("its manifest is not of what was offered")
            return files, number
        if files is None:
            raise snapshot_invalid("a chunk came before the manifest")
        await asyncio.to_thread(files.keep, number, part.chunk)
        return files, number + 1

    async def _install(self, offer: SnapshotToInstall, files: SnapshotFiles) -> None:
        loop, path = asyncio.get_running_loop(), self.folder.path
        if files.manifest.chain_id != self.folder.chain_id:
            raise snapshot_invalid("it is of another chain")
        await loop.run_in_executor(self.thread, prepare_switch, path, self.folder.genesis, files)
        peer = self.replica.transport.peers.get(offer.sender)
        if peer is None:
            raise LedgerError(Code.PEER_UNKNOWN, offer.sender)
        certificates = await check_certified(peer, peer.hello(), path / "chain.new", files.manifest)
        await loop.run_in_executor(self.thread, write_certificates, files.path, certificates)
        if not self.replica.halt_for(offer):
            return
        await loop.run_in_executor(self.disk, commit_switch, path, files)
        logger.info("a snapshot takes the place of the log", extra={"height": offer.snapshot.index})
        self.switched.set()
