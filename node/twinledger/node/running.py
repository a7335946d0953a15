"""A running node: its tasks, what a new block or leadership sets off, and how it ends."""

import asyncio
import itertools
import logging
from dataclasses import dataclass
from typing import Final, Self

from twinledger.client.key_files import AskPassphrase, passphrase_of_environment
from twinledger.consensus import Index
from twinledger.execution.results import Execution
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.assembly import Parts, assemble
from twinledger.node.configuration import Configuration
from twinledger.node.foundation import Foundation
from twinledger.node.serving import Ports
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
    _stopping: bool = False

    @classmethod
    async def start(
        cls,
        folder: DataFolder,
        configuration: Configuration,
        ask: AskPassphrase = passphrase_of_environment,
    ) -> Self:
        """Open the stores, put the parts together, and open the ports.

        Raises:
            LedgerError: what is wrong with genesis, keys, data or addresses.
            StorageFailure: the disk refused.
        """
        foundation = Foundation.open(folder, configuration, ask)
        try:
            parts = assemble(foundation)
            node = cls(foundation, parts, Ports(foundation, parts))
            parts.applier.executed = node._executed
            parts.replica.leadership_changed = node._leadership_changed
            parts.submission.refusing = node._refusal
            await node.ports.open()
        except BaseException:
            foundation.stores.close()
            raise
        logger.info("the node is up", extra={"height": parts.feed.height})
        return node

    async def run_until(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; raises what must stop the node before that."""
        parts = self.parts
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(parts.replica.run(), name="replica"),
                group.create_task(parts.applier.run(parts.replica.committed), name="applier"),
                group.create_task(parts.proposer.run(), name="forwarder"),
                group.create_task(parts.replica.transport.run(), name="transport"),
                group.create_task(self._keep_house(), name="housekeeping"),
            ]
            await stop.wait()
            await self._leave()
            for task in tasks:
                task.cancel()

    async def close(self) -> None:
        """Close ports, threads and stores, in this order."""
        self.parts.feed.close()
        await self.ports.close()
        self.parts.threads.shutdown()
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
        for beat in itertools.count():
            disk_watch.look()
            self.parts.replica.note_acknowledged(memory)
            if beat % _SAVE_MEMORY_EVERY == 0 and not disk_watch.low:
                memory.save()
            # Something may wait that nothing else will wake: a refused proposal, a lost forward.
            self.parts.proposer.wake()
            await asyncio.sleep(_HOUSEKEEPING_S)

    def _executed(self, execution: Execution) -> None:
        height = execution.header.height
        self.parts.submission.executed(execution)
        self.parts.feed.advance(height)
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
        return self.parts.disk_watch.refusal()
