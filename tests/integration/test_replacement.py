"""A member whose only node lost its disk replaces it, and moves it, by its admin alone, under load.

The commands are those of docs/operations/replace.md, as they stand there.
"""

import asyncio
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.accounts import Accounts, check_counters, check_node, load, same_head
from tests.integration.pages import OPERATIONS, Terminal, blocks_of
from twinledger.client import Ledger, connect
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout, profile_path

CALLS = 4
WITHIN_S = 180
LOST, NEW = "sensors-1", "sensors-2"


@pytest.fixture
def devnet(tmp_path: Path) -> Iterator[Devnet]:
    net = Devnet(create(tmp_path / "D", 4, settings={"consensus": {"tick_ms": 200}}))
    try:
        asyncio.run(net.up())
        yield net
    finally:
        net.down()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_lost_node_is_replaced_and_moved_by_its_members_admin_alone_under_load(
    devnet: Devnet, terminal: Terminal
) -> None:
    asyncio.run(story(devnet, terminal))


async def story(devnet: Devnet, terminal: Terminal) -> None:
    layout, accounts = devnet.layout, Accounts()
    lost = layout.node(LOST)
    replacing, moving = blocks_of(OPERATIONS / "replace.md")
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        async with load(ledger, accounts, CALLS):
            devnet.process(lost).kill()
            shutil.rmtree(layout.node_folder(lost) / "data")
            await asyncio.to_thread(terminal.run, replacing)
            await voting(ledger, layout, NEW)
            before = await address_of(ledger, layout)
            await asyncio.to_thread(terminal.run, moving)
            assert await address_of(ledger, layout) != before
        others = replace(layout, nodes=tuple(n for n in layout.nodes if n != lost))
        height = await same_head(others)
        address = await address_of(ledger, layout)
        await reached(layout, address, height)
        for each in (*others.client_addresses, address):
            await check_node(layout, each, accounts, height)
        await check_counters(ledger, accounts, CALLS)
    assert accounts.acknowledged
    assert not accounts.failed
    assert not accounts.unknown


async def voting(ledger: Ledger, layout: Layout, name: str) -> None:
    """Wait until a node votes, and have the devnet's profile say where it is."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        now = await ledger.consortium(timeout_seconds=WITHIN_S)
        votes = {node.node_id: node.voter for m in now.members for node in m.nodes}
        if votes.get(name):
            return
        assert time.monotonic() < deadline, votes
        await asyncio.sleep(0.2)


async def address_of(ledger: Ledger, layout: Layout) -> str:
    """Where the ledger says that the new node is; the profile learns it too."""
    now = await ledger.consortium(timeout_seconds=WITHIN_S)
    layout.profile.with_nodes(now.trusted_nodes, now.height).save(profile_path(layout.path))
    (found,) = (n for m in now.members for n in m.nodes if n.node_id == NEW)
    return found.client_address


async def reached(layout: Layout, address: str, height: int) -> None:
    """Wait until the node at an address has executed a height."""
    deadline = time.monotonic() + WITHIN_S
    async with connect(
        address,
        profile=layout.profile,
        identity=layout.identity(),
        discover=False,
        timeout_seconds=WITHIN_S,
    ) as ledger:
        while (await ledger.status(timeout_seconds=WITHIN_S)).applied_height < height:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
