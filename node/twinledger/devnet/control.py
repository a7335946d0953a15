"""Brings a devnet's nodes up, down, and to a sudden end."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from twinledger.client import connect
from twinledger.devnet.layout import DEFAULT_IDENTITY, Layout, NodeEntry
from twinledger.devnet.process import NodeProcess
from twinledger.devnet.status import NodeView, agreed_leader, leader_of, view_nodes
from twinledger.ledger.codes import Code
from twinledger.ledger.errors import LedgerError
from twinledger.storage import DataFolder

LEADER: Final = "leader"
"""Stands for the node that leads now, wherever a node's name is asked for."""

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.2
"""Between two looks; each costs every node a connection while it starts."""


@dataclass(frozen=True, slots=True)
class DownReport:
    """Which nodes were stopped, and which of them had to be killed because they would not."""

    stopped: tuple[str, ...]
    killed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Devnet:
    """A devnet's nodes as processes."""

    layout: Layout

    def process(self, node: NodeEntry) -> NodeProcess:
        """The process of a node."""
        return NodeProcess(self.layout.node_folder(node))

    async def up(self, ready_seconds: float = READY_SECONDS) -> list[NodeView]:
        """Starts every node that is down; returns when all answer and follow one leader.

        Raises:
            LedgerError: a node stopped (its own code) or did not answer in time; the message names
                it and ends with the end of its log.
        """
        started_us = time.time_ns() // 1000
        for node in self.layout.nodes:
            if self.process(node).pid is None:
                self.process(node).start()
        return await self._until(_follow_one, self.layout.nodes, ready_seconds, started_us)

    async def _until(
        self,
        ready: Callable[[Sequence[NodeView]], bool],
        nodes: Sequence[NodeEntry],
        ready_seconds: float,
        since_us: int,
    ) -> list[NodeView]:
        names = {node.name for node in nodes}
        deadline = time.monotonic() + ready_seconds
        while True:
            views = await view_nodes(self.layout)
            wanted = [view for view in views if view.entry.name in names]
            if ready(wanted):
                return views
            for view in wanted:
                if view.pid is None:
                    raise self._stopped(view.entry, since_us)
            if time.monotonic() > deadline:
                raise self._not_ready(wanted, ready_seconds)
            await asyncio.sleep(_POLL_SECONDS)

    def _stopped(self, node: NodeEntry, since_us: int) -> LedgerError:
        process = self.process(node)
        said = f"{node.name} stopped; its log {process.log} ends: {process.log_tail().strip()}"
        last = DataFolder.last_exit(process.folder / "data")
        code = Code.INTERNAL
        if last is not None and last.time_us >= since_us:
            with suppress(ValueError):
                code = Code(last.code)
        return LedgerError(code, said)

    def _not_ready(self, views: Sequence[NodeView], seconds: float) -> LedgerError:
        for view in views:
            if view.status is None:
                process = self.process(view.entry)
                return LedgerError(
                    Code.CONNECTION_LOST,
                    f"{view.entry.name} did not answer at {view.entry.client_address} within"
                    f" {seconds:g} s; its log {process.log} ends: {process.log_tail().strip()}",
                )
        return LedgerError(Code.NO_LEADER, f"all nodes answer, none led within {seconds:g} s")

    async def resolve(self, name: str) -> NodeEntry:
        """The node of this name, or the one that leads.

        Raises:
            LedgerError: NO_SUCH_NODE, or NO_LEADER.
        """
        if name != LEADER:
            return self.layout.node(name)
        leader = leader_of(await view_nodes(self.layout))
        if leader is None:
            raise LedgerError(Code.NO_LEADER, "no running node says that it leads")
        return leader.entry

    async def kill(self, name: str) -> NodeEntry:
        """Ends a node (or `leader`) with SIGKILL.

        Raises:
            LedgerError: NO_SUCH_NODE when there is none, or it is down; NO_LEADER.
        """
        node = await self.resolve(name)
        self.process(node).kill()
        return node

    async def restart(self, name: str, ready_seconds: float = READY_SECONDS) -> NodeEntry:
        """Starts a node (or `leader`) again, stopping it first if it runs; waits for its answer.

        Raises:
            LedgerError: as `kill` and `up` do.
        """
        node = await self.resolve(name)
        process = self.process(node)
        process.ask_to_stop()
        process.end(time.monotonic() + STOP_SECONDS)
        started_us = time.time_ns() // 1000
        process.start()
        # No leader is waited for: too few nodes may be up, and then this one is to be started too.
        await self._until(_answer, [node], ready_seconds, started_us)
        return node

    async def drain(self, node: NodeEntry, ready_seconds: float = READY_SECONDS) -> None:
        """Has a node that runs end what it began, until it is safe to stop.

        Raises:
            LedgerError: NOT_DRAINED, and then it takes writes again; CONNECTION_LOST when it does
                not answer.
        """
        admin = self.layout.identity(f"{node.member}/{DEFAULT_IDENTITY}")
        async with connect(
            node.client_address,
            profile=self.layout.profile,
            identity=admin,
            timeout_seconds=ready_seconds,
            discover=False,
        ) as ledger:
            asked = ledger.node(node.client_address)
            try:
                await asked.drain()
            except LedgerError:
                with suppress(LedgerError):
                    await asked.take_writes()
                raise

    async def rolling_restart(
        self,
        restarted: Callable[[NodeEntry], None] = lambda _: None,
        ready_seconds: float = READY_SECONDS,
    ) -> None:
        """Starts every node again, one after the other; each is drained before it is stopped.

        No client's call fails meanwhile, and writes go on. `restarted` is told of each. Stops at
        the first node that cannot be drained or does not come back.

        Raises:
            LedgerError: as `drain` and `restart` do.
        """
        for node in self.layout.nodes:
            if self.process(node).pid is not None:
                await self.drain(node, ready_seconds)
            await self.restart(node.name, ready_seconds)
            restarted(node)

    def down(self, stop_seconds: float = STOP_SECONDS) -> DownReport:
        """Stops every node that runs: asks all at once, and kills those that stay too long."""
        running = [node for node in self.layout.nodes if self.process(node).pid is not None]
        for node in running:
            self.process(node).ask_to_stop()
        deadline = time.monotonic() + stop_seconds
        killed = [node.name for node in running if self.process(node).end(deadline)]
        return DownReport(tuple(node.name for node in running), tuple(killed))


def _answer(views: Sequence[NodeView]) -> bool:
    return all(view.status is not None for view in views)


def _follow_one(views: Sequence[NodeView]) -> bool:
    return agreed_leader(views) is not None
