"""A client ledger of its own: what was acknowledged, held against what every node's chain holds."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from twinledger.client import Ledger, LedgerError, OutcomeUnknown, connect
from twinledger.client import operations as op
from twinledger.devnet.layout import Layout
from twinledger.devnet.status import agreed_leader, view_nodes

WITHIN_S: Final = 90.0
"""By then a busy machine has done what an idle one does at once. Nothing waits for this to pass."""
POLL_S: Final = 0.2
"""Between two looks at all nodes: a look costs each of them a connection."""
THINK_S: Final = 0.1
"""What a caller of a moderate load waits between its calls."""


@dataclass(slots=True)
class Accounts:
    """Every transaction a load sent: acknowledged with its receipt, or left open."""

    acknowledged: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Transaction id to height and index."""
    unknown: set[bytes] = field(default_factory=set)
    failed: list[LedgerError] = field(default_factory=list)


@asynccontextmanager
async def load(
    ledger: Ledger, accounts: Accounts, calls: int, prefix: str = "", think_s: float = 0.0
) -> AsyncIterator[None]:
    """Have `calls` callers submit one after the other, each adding one to a counter of its own.

    Between an answer and its next call a caller waits `think_s`. Without that they take all that
    the machine has, whatever it is, and everything that a test waits for takes the longer.
    """
    await asyncio.gather(
        *(ledger.submit(op.create_twin(f"{prefix}counter-{caller}")) for caller in range(calls))
    )
    stop = asyncio.Event()
    callers = [
        asyncio.create_task(
            _call_until(stop, ledger, accounts, f"{prefix}counter-{caller}", think_s)
        )
        for caller in range(calls)
    ]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*callers)


async def _call_until(
    stop: asyncio.Event, ledger: Ledger, accounts: Accounts, twin_id: str, think_s: float
) -> None:
    while not stop.is_set():
        signed = ledger.sign(op.update_twin(twin_id, [op.increment_property("count", 1)]))
        try:
            receipt = await ledger.send(signed, timeout_seconds=60)
        except OutcomeUnknown:
            accounts.unknown.add(signed.id)
        except LedgerError as error:
            accounts.failed.append(error)
        else:
            accounts.acknowledged[signed.id] = (receipt.height, receipt.index)
        await asyncio.sleep(think_s)


async def more_acknowledged(accounts: Accounts, before: int) -> None:
    """Wait until more than `before` transactions are acknowledged: writes go on."""
    deadline = time.monotonic() + WITHIN_S
    while len(accounts.acknowledged) <= before:
        assert time.monotonic() < deadline, "nothing more is acknowledged"
        await asyncio.sleep(0.02)


async def one_leader(layout: Layout) -> str:
    """Wait until every node answers and follows one leader; return its name."""
    deadline = time.monotonic() + WITHIN_S
    while (leader := agreed_leader(views := await view_nodes(layout))) is None:
        assert time.monotonic() < deadline, f"the nodes do not agree on a leader: {views}"
        await asyncio.sleep(POLL_S)
    return leader.entry.name


async def same_head(layout: Layout) -> int:
    """Wait until all nodes have executed the same height and agree on its head; return it."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        views = await view_nodes(layout)
        heads = {(v.status.applied_height, v.status.head) if v.status else None for v in views}
        head = heads.pop()
        if not heads and head is not None:
            return head[0]
        heads.add(head)
        assert time.monotonic() < deadline, f"the nodes' heads do not become equal: {heads}"
        await asyncio.sleep(POLL_S)


async def check_node(layout: Layout, address: str, accounts: Accounts, height: int) -> None:
    """Hold one node's whole chain against what was acknowledged: each exactly once, in place."""
    found: Counter[bytes] = Counter()
    places: dict[bytes, tuple[int, int]] = {}
    async with connect(
        address, profile=layout.profile, identity=layout.identity(), discover=False
    ) as ledger:
        async for block in ledger.blocks(0, height):
            for index, receipt in enumerate(block.receipts):
                if receipt.committed:
                    found[receipt.transaction_id] += 1
                    places[receipt.transaction_id] = (block.height, index)
    lost = accounts.acknowledged.keys() - found.keys()
    doubled = [transaction_id for transaction_id, count in found.items() if count > 1]
    moved = [i for i, place in accounts.acknowledged.items() if places.get(i) != place]
    assert not lost, f"{len(lost)} acknowledged transactions are lost at {address}"
    assert not doubled, f"{len(doubled)} transactions took effect twice at {address}"
    assert not moved, f"{len(moved)} receipts name another place than the chain of {address}"


async def check_counters(ledger: Ledger, accounts: Accounts, calls: int, prefix: str = "") -> None:
    """The counters' sum is what was acknowledged, and at most what is unknown besides."""
    total = 0
    for caller in range(calls):
        twin = await ledger.twins.get(f"{prefix}counter-{caller}")
        count = next((p.value for p in twin.properties if p.path == "count"), 0)
        assert isinstance(count, int)
        total += count
    least = len(accounts.acknowledged)
    assert least <= total <= least + len(accounts.unknown)
