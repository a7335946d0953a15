"""A running node: its tasks, what a new block or leadership sets off, and how it ends."""

import asyncio
import importlib
import itertools
import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final, Self

from twinledger.client.key_files import AskPassphrase, passphrase_of_environment
from twinledger.client.profile import Profile
from twinledger.consensus import Index
from twinledger.consortium.members import CONSORTIUM_KEY, Consortium
from twinledger.consortium.protocol import KNOWN_VERSIONS
from twinledger.execution.results import Execution
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.assembly import Parts, assemble, diallings
from twinledger.node.configuration import Configuration
from twinledger.node.foundation import Foundation
from twinledger.node.replica import now_us
from twinledger.node.serving import Ports
from twinledger.node.tiles.answers import Tiles
from twinledger.node.validity import ValidityWatch
from twinledger.storage import DataFolder

_HOUSEKEEPING_S: Final = 0.2
_SAVE_MEMORY_EVERY: Final = 25
"""Beats of housekeeping, five seconds: the memory of peers helps against operators, not crashes."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Node:
    """A running node."""

    foundation: Foundation
    parts: Parts
    ports: Ports
    tiles: Any = None
    """The port of the history tree's tiles, where the operator has given one."""
    _stopping: bool = False
    _keys_replaced: asyncio.Event = field(default_factory=asyncio.Event)
    _keys_changed_at: int = -1
    """The newest block that changed this node's record."""
    _ways_changed: asyncio.Event = field(default_factory=asyncio.Event)
    _epoch_opened: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def start(
        cls,
        folder: DataFolder,
        configuration: Configuration,
        ask: AskPassphrase = passphrase_of_environment,
        given: Profile | None = None,
        knows: Collection[int] = KNOWN_VERSIONS,
    ) -> Self:
        """Open the stores, put the parts together, and open the ports.

        `given` holds node records of a later height than this node may have reached; `knows` are
        the protocol versions that it can execute.

        Raises:
            LedgerError: what is wrong with genesis, keys, data or addresses.
            StorageFailure: the disk refused.
        """
        foundation = Foundation.open(folder, configuration, ask, given)
        try:
            parts = assemble(foundation, knows)
            ports = Ports(foundation, parts)
            node = cls(foundation, parts, ports, _tiles(foundation, parts, ports))
            parts.applier.executed = node._executed
            parts.replica.leadership_changed = node._leadership_changed
            parts.submission.refusing = node._refusal
            foundation.records.listen(node._records_changed)
            if node.tiles is not None:
                node.tiles.open()
            await node.ports.open()
        except BaseException:
            foundation.stores.close()
            raise
        logger.info("the node is up", extra={"height": parts.feed.height})
        if configuration.transport.insecure:
            logger.warning("nothing is encrypted, and nobody who connects is checked")
        return node

    async def run_until(self, stop: asyncio.Event) -> bool:
        """Run until `stop` is set, or until this node must be put together anew.

        That is when a snapshot has taken the place of its log, when a recovery opened another
        epoch (other witnesses then sign under another name), and when this node's record names
        other keys.

        Returns:
            Whether the folder is to be opened again, and the node to go on.

        Raises what must stop the node before that.
        """
        parts = self.parts
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(parts.replica.run(), name="replica"),
                group.create_task(parts.applier.run(parts.replica.committed), name="applier"),
                group.create_task(parts.proposer.run(), name="forwarder"),
                group.create_task(parts.replica.transport.run(), name="transport"),
                group.create_task(parts.heads.run(), name="heads"),
                group.create_task(parts.leader_watch.run(), name="leader watch"),
                group.create_task(self._keep_house(), name="housekeeping"),
                group.create_task(self._keep_ways(), name="ways to peers"),
                group.create_task(parts.snapshot_taking.run(), name="snapshots"),
                group.create_task(parts.snapshot_fetching.run(), name="snapshot fetching"),
            ]
            if self.tiles is not None:
                tasks.append(group.create_task(self.tiles.run(), name="tiles"))
            switched = parts.snapshot_fetching.switched
            await _first_of(stop, switched, self._epoch_opened, self._keys_replaced)
            anew = switched.is_set() or self._epoch_opened.is_set()
            if not anew:
                await self._leave()
            for task in tasks:
                task.cancel()
        return (anew or self._keys_replaced.is_set()) and not stop.is_set()

    async def close(self) -> None:
        """Close ports, threads and stores, in this order."""
        self.parts.feed.close()
        if self.tiles is not None:
            self.tiles.close()
        await self.ports.close()
        self.parts.threads.shutdown()
        self.parts.heads.save()
        self.foundation.stores.close()

    async def _leave(self) -> None:
        """Stop taking transactions and hand over leadership, so that nobody waits for a timeout."""
        logger.info("the node stops")
        self._stopping = True
        await self.ports.leave()
        if self.parts.replica.leads:
            await self.parts.replica.hand_over()

    async def _keep_house(self) -> None:
        disk_watch, memory = self.parts.disk_watch, self.foundation.memory
        validity, records = ValidityWatch(), self.foundation.records
        for beat in itertools.count():
            disk_watch.look()
            if not records.insecure:
                validity.look(records.own, now_us())
            self.parts.replica.note_acknowledged(memory)
            self.parts.duties.look()
            self.parts.governor.step()
            self._look_for_keys()
            if beat % _SAVE_MEMORY_EVERY == 0 and not disk_watch.low:
                memory.save()
            # Something may wait that nothing else will wake: a refused proposal, a lost forward.
            self.parts.proposer.wake()
            await asyncio.sleep(_HOUSEKEEPING_S)

    def _look_for_keys(self) -> None:
        """Open everything again when the record names keys that came to be in the folder.

        Not before the head of the block that changed them is certified: the old key is still
        counted on for that one.
        """
        own, keys = self.foundation.records.own, self.foundation.keys
        if own is None or self._keys_replaced.is_set():
            return
        if (own.witness_key, own.log_key) == (keys.witness.public_key, keys.log.public_key):
            return
        try:
            there = keys.replaced_by(self.foundation.configuration.keys.folder, own)
        except LedgerError as error:
            logger.warning("a key is unusable", extra={"reason": str(error)})
            return
        if there and self.parts.feed.certified_height >= self._keys_changed_at:
            logger.info(
                "the node takes new keys into use", extra={"height": self.parts.feed.height}
            )
            self._keys_replaced.set()

    def _records_changed(self) -> None:
        self._ways_changed.set()
        self.parts.replica.transport.follow(diallings(self.foundation))

    async def _keep_ways(self) -> None:
        """Show a new certificate of this node's as soon as its record names it."""
        held, records = self.foundation.held, self.foundation.records
        while True:
            await self._ways_changed.wait()
            self._ways_changed.clear()
            try:
                if await held.look(records.own):
                    self.parts.replica.transport.follow(diallings(self.foundation))
            except LedgerError as error:
                logger.warning("a transport key is unusable", extra={"reason": str(error)})

    def _executed(self, execution: Execution) -> None:
        height = execution.header.height
        leaf = execution.writes.get(CONSORTIUM_KEY)
        consortium = None if leaf is None else Consortium.decode(leaf)
        nodes = None if consortium is None else [node for _, node in consortium.nodes]
        if consortium is not None and consortium.epoch != self.foundation.ledger_epoch:
            logger.info("a new epoch begins", extra={"epoch": consortium.epoch, "height": height})
            self._epoch_opened.set()
        before = self.foundation.records.own
        self.foundation.records.executed(height, nodes)
        if self.foundation.records.own != before:
            self._keys_changed_at = height
        self.parts.submission.executed(execution)
        self.parts.feed.advance(height)
        self.parts.heads.executed(execution)
        self.parts.replica.applied(Index(height))
        self.parts.proposer.wake()

    def _leadership_changed(self) -> None:
        core = self.parts.replica.core
        logger.info(
            "leadership",
            extra={"term": core.term, "leader": core.leader, "role": str(core.role)},
        )
        self.parts.proposer.wake()

    def _refusal(self) -> LedgerError | None:
        if self._stopping:
            return LedgerError(Code.STOPPING)
        return self.parts.duties.refusal() or self.parts.disk_watch.refusal()


def _tiles(foundation: Foundation, parts: Parts, ports: Ports) -> Any:
    """The port of tiles. Its HTTP server is imported here, and only for a node that has one."""
    address, records = foundation.configuration.tiles.listen, foundation.records
    if address is None:
        return None
    part = importlib.import_module("twinledger.node.tiles.server")
    shown = None if records.insecure else lambda: records.shown(foundation.held.held)
    tiles = Tiles(foundation.stores.chain, foundation.keys.log, lambda: parts.heads.certificate)
    return part.TileServer(address, tiles, ports.door, shown)


async def _first_of(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
