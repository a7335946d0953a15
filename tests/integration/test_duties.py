"""Nodes are led out of service and back while clients write: no call of theirs fails."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import grpc.aio
import pytest

from tests.integration.accounts import (
    Accounts,
    check_counters,
    check_node,
    load,
    one_leader,
    same_head,
)
from twinledger.client import Code, Ledger, LedgerError, connect
from twinledger.client import operations as op
from twinledger.client.failures import from_rpc
from twinledger.client.nodes import Node, endpoints_of
from twinledger.client.read_tokens import ReadTokens
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout, NodeEntry
from twinledger.v1.ledger_service_pb2 import SubmitRequest

CALLS = 4


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    net = Devnet(create(tmp_path_factory.mktemp("duties") / "devnet", 4))
    try:
        asyncio.run(net.up())
        yield net
    finally:
        net.down()


@asynccontextmanager
async def talking_to(layout: Layout, node: NodeEntry, member: str = "") -> AsyncIterator[Ledger]:
    """A client of one node alone, by default as the admin of its own member."""
    async with connect(
        node.client_address,
        profile=layout.profile,
        identity=layout.identity(f"{member or node.member}/admin"),
        discover=False,
        timeout_seconds=60,
    ) as ledger:
        yield ledger


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "twinledger.cli", *map(str, arguments), "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_leadership_goes_to_the_node_that_its_operator_names(devnet: Devnet) -> None:
    layout, deadline = devnet.layout, time.monotonic() + 90
    leader = asyncio.run(one_leader(layout))
    heir = next(node.name for node in layout.nodes if node.name != leader)
    while not transferred(layout, leader, heir):
        # On a busy machine another one may lead before the leader is asked, or just after.
        assert time.monotonic() < deadline
        leader = asyncio.run(one_leader(layout))
        heir = next(node.name for node in layout.nodes if node.name != leader)


def transferred(layout: Layout, leader: str, heir: str) -> bool:
    """Have the leadership given to a node; whether it has it."""
    done = transfer(layout, leader, "--to", heir)
    if done.returncode == 0:
        assert json.loads(done.stdout)["leader_id"] == heir
    else:
        assert json.loads(done.stderr)["code"] == "NOT_LEADING"
    return done.returncode == 0 and asyncio.run(one_leader(layout)) == heir


def transfer(layout: Layout, node: str, *more: str) -> "subprocess.CompletedProcess[str]":
    asked = ("node", "transfer-leadership", "--devnet", layout.path, "--node", node)
    return run(*asked, *more)


@pytest.mark.parametrize(
    ("leads", "to", "code"),
    [(False, (), "NOT_LEADING"), (True, ("--to", "nobody-1"), "TRANSFER_FAILED")],
)
def test_a_transfer_that_cannot_be_is_refused(
    devnet: Devnet, leads: bool, to: tuple[str, ...], code: str
) -> None:
    layout, deadline = devnet.layout, time.monotonic() + 90
    codes = list[str]()
    while code not in codes:
        # On a busy machine the node that is asked may have come to lead, or lead no more.
        assert time.monotonic() < deadline, codes
        leader = asyncio.run(one_leader(layout))
        asked = next(node.name for node in layout.nodes if (node.name == leader) == leads)
        refused = transfer(layout, asked, *to)
        codes += [json.loads(refused.stderr)["code"]] if refused.returncode else []


def test_another_members_admin_neither_drains_a_node_nor_moves_its_leadership(
    devnet: Devnet,
) -> None:
    async def story(layout: Layout) -> None:
        async with talking_to(layout, layout.nodes[0], member="maintenance") as ledger:
            node = ledger.node(layout.nodes[0].name)
            for call in (node.drain, node.take_writes, node.transfer_leadership):
                with pytest.raises(LedgerError) as refused:
                    await call()
                assert refused.value.code is Code.ACCESS_DENIED

    asyncio.run(story(devnet.layout))


async def asked_once(layout: Layout, name: str, transaction: bytes) -> LedgerError:
    """How a node refuses a transaction; the SDK would go on trying."""
    (way,) = (each for each in endpoints_of(layout.profile) if each.node_id == name)
    node = Node.at(way, ReadTokens(layout.identity(), layout.chain_id))
    try:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await node.ledger.Submit(SubmitRequest(transaction=transaction), timeout=60)
        return from_rpc(refused.value, way.address)
    finally:
        await node.channel.close(None)


def test_a_leader_that_drains_sends_writes_elsewhere_serves_reads_and_is_taken_back(
    devnet: Devnet,
) -> None:
    async def story(layout: Layout) -> None:
        name = await one_leader(layout)
        async with talking_to(layout, layout.node(name)) as here:
            node = here.node(name)
            await here.submit(op.create_twin("kept"))
            await node.drain()
            refused = await asked_once(layout, name, here.sign(op.create_twin("elsewhere")).raw)
            assert refused.code is Code.DRAINING
            assert refused.retry_after_us > 0
            assert (await here.twins.get("kept")).version == 1
            assert any("taken out of service" in said for said in (await node.status()).warnings)
            assert await one_leader(layout) != name
            # Whoever knows other nodes does not notice.
            async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
                await ledger.submit(op.create_twin("elsewhere"))
            await node.take_writes()
            await here.submit(op.create_twin("here-again"))

    asyncio.run(story(devnet.layout))


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_rolling_restart_under_load_fails_no_call(devnet: Devnet) -> None:
    asyncio.run(roll(devnet, devnet.layout))


async def roll(devnet: Devnet, layout: Layout) -> None:
    accounts = Accounts()
    pids = [devnet.process(node).pid for node in layout.nodes]
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        async with load(ledger, accounts, CALLS, "rolled-"), streaming(ledger) as streamed:
            done = await asyncio.to_thread(
                run, "devnet", "restart", "--rolling", "--dir", layout.path
            )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["restarted"] == [node.name for node in layout.nodes]
        assert all(devnet.process(n).pid not in pids for n in layout.nodes)
        height = await same_head(layout)
        for address in layout.client_addresses:
            await check_node(layout, address, accounts, height)
        await check_counters(ledger, accounts, CALLS, "rolled-")
    print(f"{len(accounts.acknowledged)} calls and {streamed.count} of a stream, none failed")
    assert not accounts.failed
    assert not accounts.unknown
    assert accounts.acknowledged
    assert streamed.count
    assert not streamed.failures


class Streamed:
    """What became of a stream of transactions."""

    count = 0
    failures: list[LedgerError]

    def __init__(self) -> None:
        self.failures = []


@asynccontextmanager
async def streaming(ledger: Ledger) -> AsyncIterator[Streamed]:
    """Write over one submit stream, and read what was written, until left."""
    await ledger.submit(op.create_twin("streamed"))
    told, stop = Streamed(), asyncio.Event()

    async def many() -> AsyncIterator[op.Operation]:
        while not stop.is_set():
            yield op.update_twin("streamed", [op.increment_property("count", 1)])
            await asyncio.sleep(0)

    async def write() -> None:
        async for outcome in ledger.submit_many(many(), window=8):
            told.count += 1
            if outcome.error is not None:
                told.failures.append(outcome.error)

    async def read() -> None:
        while not stop.is_set():
            await ledger.twins.get("streamed")
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        group.create_task(read())
        yield told
        stop.set()
    twin = await ledger.twins.get("streamed")
    assert [p.value for p in twin.properties] == [told.count]
