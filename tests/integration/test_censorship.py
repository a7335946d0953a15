"""A leader that leaves one member's transactions out is named, called against, and replaced."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.accounts import one_leader
from twinledger.client import LedgerError, connect
from twinledger.client import operations as op
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout

CENSOR = "utility-1"
OTHERS = ("maintenance-1", "sensors-1", "regulator-1")
PROGRAM = (str(Path(__file__).with_name("censoring_node.py")),)
WITHIN_S = 120


@pytest.fixture
def devnet(tmp_path: Path) -> Iterator[Devnet]:
    settings = {"consensus": {"order_within_s": 2}}
    net = Devnet(create(tmp_path / "devnet", 4, settings=settings))
    net.process(net.layout.node(CENSOR)).start(PROGRAM)
    try:
        asyncio.run(net.up())
        yield net
    finally:
        net.down()


def test_a_leader_that_censors_is_named_by_all_and_loses_its_leadership(devnet: Devnet) -> None:
    asyncio.run(story(devnet.layout))


async def story(layout: Layout) -> None:
    sensors = layout.node("sensors-1")
    async with (
        connect(profile=layout.profile, identity=layout.identity("utility/admin")) as favoured,
        connect(
            sensors.client_address,
            profile=layout.profile,
            identity=layout.identity("sensors/admin"),
            discover=False,
            timeout_seconds=WITHIN_S,
        ) as censored,
    ):
        deadline = time.monotonic() + WITHIN_S
        while not all(named_by(layout, name) for name in OTHERS):
            # A machine that stands still for a moment takes the leadership away all by itself.
            assert time.monotonic() < deadline
            await make_leader(layout, CENSOR)
            # Ordering goes on: nothing in consensus tells this leader from a good one.
            await favoured.submit(op.create_twin(f"favoured-{time.monotonic_ns()}"))
            receipt = await censored.submit(op.create_twin(f"censored-{time.monotonic_ns()}"))
            assert receipt.outcome == "COMMITTED"
    assert await one_leader(layout) != CENSOR


def named_by(layout: Layout, name: str) -> bool:
    log = (layout.node_folder(layout.node(name)) / "node.log").read_text()
    censored = f"{CENSOR} leads and has not ordered a transaction" in log
    return censored and "the leader is followed no more" in log


async def make_leader(layout: Layout, name: str) -> None:
    """Have whoever leads hand over to this node."""
    deadline = time.monotonic() + WITHIN_S
    while (leader := await one_leader(layout)) != name:
        assert time.monotonic() < deadline
        entry = layout.node(leader)
        async with connect(
            entry.client_address,
            profile=layout.profile,
            identity=layout.identity(f"{entry.member}/admin"),
            discover=False,
        ) as ledger:
            with suppress(LedgerError):  # it may not lead any more: then once more
                await ledger.node(leader).transfer_leadership(name)
