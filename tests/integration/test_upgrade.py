"""Two releases side by side: the newer knows one protocol version more, which the members begin.

A node that was not upgraded in time stops before that height, says why, and goes on once it is.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.accounts import Accounts, check_node, load, same_head
from tests.integration.membership import WITHIN_S, Membership
from twinledger.client import Ledger, connect
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout, NodeEntry
from twinledger.ledger.governance_operations import ChangeProtocol
from twinledger.storage import DataFolder

CALLS = 4
NEWER = (str(Path(__file__).with_name("newer_node.py")),)
EX_CONFIG = 78


@pytest.fixture
def devnet(tmp_path: Path) -> Iterator[Devnet]:
    net = Devnet(create(tmp_path / "devnet", 4))
    try:
        asyncio.run(net.up())
        yield net
    finally:
        net.down()


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_members_upgrade_one_by_one_and_begin_a_new_version_and_who_did_not_stops_before_it(
    devnet: Devnet,
) -> None:
    asyncio.run(story(devnet, devnet.layout))


async def story(devnet: Devnet, layout: Layout) -> None:
    *upgraded, late = layout.nodes
    accounts = Accounts()
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        async with load(ledger, accounts, CALLS):
            for node in upgraded:
                await devnet.drain(node, WITHIN_S)
                await start_newer(devnet, node)
            begins = (await ledger.head()).height + 60
            await Membership(devnet, ledger).decide(ChangeProtocol(2, begins))
            await stopped(devnet, late)
            await until(ledger, begins)
        last = DataFolder.last_exit(layout.node_folder(late) / "data")
        assert last is not None
        assert (last.code, last.exit_code) == ("PROTOCOL_UNKNOWN", EX_CONFIG)
        assert f"version 2 from height {begins} on" in last.sentence
        assert (await ledger.governed()).protocol.at(begins) == 2
        devnet.process(late).start(NEWER)
        height = await same_head(layout)
        assert height >= begins
        for address in layout.client_addresses:
            await check_node(layout, address, accounts, height)
    assert accounts.acknowledged
    assert not accounts.failed
    assert not accounts.unknown


async def start_newer(devnet: Devnet, node: NodeEntry) -> None:
    process = devnet.process(node)
    process.ask_to_stop()
    await asyncio.to_thread(process.end, time.monotonic() + 60)
    process.start(NEWER)
    async with connect(
        node.client_address,
        profile=devnet.layout.profile,
        identity=devnet.layout.identity(),
        discover=False,
        timeout_seconds=WITHIN_S,
    ) as ledger:
        await ledger.status()


async def until(ledger: Ledger, height: int) -> None:
    """Wait until a height is executed."""
    deadline = time.monotonic() + WITHIN_S
    while (await ledger.head()).height < height:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def stopped(devnet: Devnet, node: NodeEntry) -> None:
    deadline = time.monotonic() + WITHIN_S
    while devnet.process(node).pid is not None:
        assert time.monotonic() < deadline, f"{node.name} goes on"
        await asyncio.sleep(0.1)
