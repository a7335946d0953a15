"""Reads back from single nodes what the demonstration shows and counts."""

import asyncio
import time
from collections.abc import Collection

from twinledger.client import Direction, Identity, TwinUpdate, connect
from twinledger.demos.water.chain import read_chain
from twinledger.demos.water.network import FEEDS, READING, Kind
from twinledger.demos.water.result import Downstream, LevelReading
from twinledger.demos.water.tally import NodeChain, Tally, TransactionId, count_blocks, tally
from twinledger.devnet.layout import Layout, NodeEntry
from twinledger.devnet.status import NodeView, view_nodes
from twinledger.ledger.errors import Code, LedgerError

EQUAL_HEADS_SECONDS = 60.0
"""How long the nodes get to reach one head once nothing more is sent."""

_LOOK_SECONDS = 0.1
_MAX_DEPTH = 1_000


async def await_equal_heads(layout: Layout) -> int:
    """Returns the height when all nodes answer and have executed the same block last.

    Raises:
        LedgerError: HEIGHT_NOT_REACHED when they do not in time, saying where each one is.
    """
    deadline = time.monotonic() + EQUAL_HEADS_SECONDS
    while True:
        views = await view_nodes(layout)
        heads = {_head(view) for view in views}
        head = heads.pop()
        if not heads and head is not None:
            return head[0]
        if time.monotonic() > deadline:
            where = ", ".join(f"{view.entry.name} at {_head(view)}" for view in views)
            raise LedgerError(Code.HEIGHT_NOT_REACHED, f"the nodes' heads stay apart: {where}")
        await asyncio.sleep(_LOOK_SECONDS)


def _head(view: NodeView) -> tuple[int, str] | None:
    status = view.status
    return (status.applied_height, status.head.hex()) if status else None


async def count(layout: Layout, acknowledged: Collection[TransactionId], height: int) -> Tally:
    """Streams every block up to a height from every node, and counts what was acknowledged."""
    chains = await asyncio.gather(*(_count_node(layout, node, height) for node in layout.nodes))
    names = (node.name for node in layout.nodes)
    return tally(acknowledged, dict(zip(names, chains, strict=True)))


async def _count_node(layout: Layout, node: NodeEntry, height: int) -> NodeChain:
    # Only this node is asked: another one's answer would hide what this one does not have.
    async with connect(
        node.client_address, profile=layout.profile, identity=layout.identity(), discover=False
    ) as ledger:
        blocks = read_chain(ledger.blocks(0, height), layout.chain_id)
        return count_blocks([block async for block in blocks])


async def read_as(
    layout: Layout, node: NodeEntry, identity: Identity, tank: str, pump: str
) -> tuple[tuple[LevelReading, ...], Downstream]:
    """A tank's levels and what lies downstream of a pump, as one member's node tells it."""
    async with connect(
        node.client_address, profile=layout.profile, identity=identity, discover=False
    ) as ledger:
        history = [
            _level(update)
            async for update in ledger.twins.history(tank)
            if update.operation.HasField("update_twin")
        ]
        trace = await ledger.twins.trace(
            pump, Direction.DOWNSTREAM, max_depth=_MAX_DEPTH, names=[FEEDS]
        )
    levels: list[list[str]] = [[] for _ in range(1 + max(twin.depth for twin in trace.twins))]
    for twin in trace.twins:
        levels[twin.depth].append(twin.id)
    return tuple(history), Downstream(pump, tuple(tuple(level) for level in levels))


def _level(update: TwinUpdate) -> LevelReading:
    (change,) = update.operation.update_twin.changes
    if change.path != READING[Kind.TANK] or update.origin.observed_at_us is None:
        raise ValueError(f"version {update.version} of {update.twin_id} is no level reading")
    return LevelReading(
        version=update.version,
        observed_at_us=update.origin.observed_at_us,
        level_m=change.set.double_value,
        author=update.origin.authors[0],
        height=update.origin.cursor.height,
    )
