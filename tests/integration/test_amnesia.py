"""A node whose whole folder was put back or wiped has no say: the others notice and refuse it."""

import asyncio
import shutil
import time

import pytest

from tests.integration.accounts import WITHIN_S, one_leader
from twinledger.client import connect
from twinledger.client import operations as op
from twinledger.consensus import NodeId
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout, NodeEntry
from twinledger.devnet.status import view_nodes
from twinledger.storage import DataFolder


@pytest.mark.parametrize("loss", ["put back from yesterday", "wiped and made again"])
def test_a_node_that_lost_what_it_acknowledged_is_refused_and_says_so(tmp_path, loss):
    layout = create(tmp_path / "devnet", 3)
    devnet = Devnet(layout)
    try:
        asyncio.run(lose_the_folder(devnet, layout, loss))
    finally:
        devnet.down()


async def lose_the_folder(devnet: Devnet, layout: Layout, loss: str) -> None:
    await devnet.up()
    victim = layout.nodes[0]
    process, data = devnet.process(victim), layout.node_folder(victim) / "data"
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        await ledger.submit(op.create_twin("first"))
        process.kill()
        yesterday = shutil.copytree(data, data.with_name("yesterday"))
        for _ in range(2):  # one start more than the copy will show when it starts
            await devnet.restart(victim.name)
            await one_leader(layout)
        process.kill()
        shutil.rmtree(data)
        if loss == "put back from yesterday":
            yesterday.rename(data)
        else:
            DataFolder.create(data, layout.genesis.read_bytes(), NodeId(victim.name))
        await ledger.submit(op.create_twin("without-it"))
        process.start()
        await refused_everywhere(layout, victim)
        await ledger.submit(op.create_twin("still-without-it"))


async def refused_everywhere(layout: Layout, victim: NodeEntry) -> None:
    """Wait until all other nodes refuse the victim, and it has noticed: it knows no leader."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        views = {view.entry.name: view.status for view in await view_nodes(layout)}
        others = [status for name, status in views.items() if name != victim.name and status]
        told = [any("lost what it acknowledged" in w for w in s.warnings) for s in others]
        own = views[victim.name]
        if len(told) == 2 and all(told) and own and own.warnings and not own.leader_id:
            assert any("PEER_REGRESSED" in w or "lost what it" in w for w in own.warnings)
            return
        assert time.monotonic() < deadline, views
        await asyncio.sleep(0.1)
