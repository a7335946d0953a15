"""Cut wires, one-way cuts, slow wires and paused processes between real nodes, under load.

Through all of it nothing acknowledged is lost, no read is stale, and when the wires are whole again
there is a leader and writes go on. How soon is what the simulation and `scripts/bench --failover`
say: here the machine may be busy.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import grpc
import pytest

from tests.integration.accounts import (
    THINK_S,
    WITHIN_S,
    Accounts,
    check_counters,
    check_node,
    load,
    one_leader,
    same_head,
)
from tests.integration.links import Links
from twinledger.client import Ledger, LedgerError, connect
from twinledger.client import operations as op
from twinledger.client.nodes import Endpoint, Node, endpoints_of
from twinledger.client.read_tokens import ReadTokens
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout
from twinledger.devnet.status import view_nodes
from twinledger.v1.ledger_service_pb2 import GetReadHeightRequest
from twinledger.v1.twin_service_pb2 import GetTwinRequest

CALLS = 8
FAULT_S = 1.5
"""How long a fault lasts: several election timeouts (300 to 600 ms)."""


class World(NamedTuple):
    devnet: Devnet
    layout: Layout
    links: Links


@pytest.fixture(scope="module")
def wired(tmp_path_factory) -> Iterator[World]:
    layout = create(tmp_path_factory.mktemp("partitions") / "devnet", 3)
    devnet = Devnet(layout)
    with Links(layout) as links:
        try:
            yield World(devnet, layout, links)
        finally:
            links.heal()
            devnet.down()


@pytest.fixture
def world(wired: World) -> World:
    """Every wire whole and every node up, whatever an earlier test left."""
    wired.links.heal()
    asyncio.run(wired.devnet.up())
    return wired


class Faults:
    """What is done to the wires and the processes."""

    def __init__(self, world: World) -> None:
        self._devnet, self._layout, self._links = world

    async def isolate_the_leader(self) -> None:
        self._links.isolate(await one_leader(self._layout))

    async def silence_the_leader(self) -> None:
        """It hears everybody, nobody hears it."""
        leader = await one_leader(self._layout)
        for far in self._others(leader):
            self._links.cut(leader, far)

    async def deafen_the_leader(self) -> None:
        """Everybody hears it, it hears nobody: it must not lead on without a majority."""
        leader = await one_leader(self._layout)
        for near in self._others(leader):
            self._links.cut(near, leader)

    async def part_two_and_leave_a_bridge(self) -> None:
        """Two nodes cannot talk; the third can talk to both."""
        leader = await one_leader(self._layout)
        far = self._others(leader)[0]
        self._links.cut(leader, far)
        self._links.cut(far, leader)

    async def slow_every_wire(self) -> None:
        names = [node.name for node in self._layout.nodes]
        for near in names:
            for far in self._others(near):
                self._links.slow(near, far, 0.05)

    async def pause_the_leader(self) -> None:
        leader = self._layout.node(await one_leader(self._layout))
        pid = self._devnet.process(leader).pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        self._paused = pid

    def heal(self) -> None:
        self._links.heal()
        with suppress(AttributeError):
            os.kill(self._paused, signal.SIGCONT)
            del self._paused

    def _others(self, name: str) -> list[str]:
        return [node.name for node in self._layout.nodes if node.name != name]


FAULTS = [name for name in vars(Faults) if not name.startswith("_") and name != "heal"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_loses_nothing_shows_nothing_stale_and_heals(world, fault):
    asyncio.run(through_a_fault(world, fault))


async def through_a_fault(world: World, fault: str) -> None:
    layout, faults, accounts = world.layout, Faults(world), Accounts()
    # Each fault has counters of its own: the devnet is shared.
    prefix = f"{fault}-"
    await one_leader(layout)
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        stop, seen = asyncio.Event(), Register()
        await ledger.submit(op.create_twin(prefix + "register"))
        async with load(ledger, accounts, CALLS, prefix, THINK_S):
            witness = asyncio.gather(
                write_register(stop, ledger, prefix + "register", seen),
                read_register(stop, layout, prefix + "register", seen),
            )
            await getattr(faults, fault)()
            await asyncio.sleep(FAULT_S)
            faults.heal()
            await one_leader(layout)
            await acknowledged_after(seen)
            stop.set()
            await witness
        height = await same_head(layout)
        for address in layout.client_addresses:
            await check_node(layout, address, accounts, height)
        await check_counters(ledger, accounts, CALLS, prefix)
        assert not accounts.failed
        assert seen.reads > 0


class Register:
    """What was written last and acknowledged, and how often it was read."""

    acknowledged = 0
    reads = 0


async def write_register(stop: asyncio.Event, ledger: Ledger, twin: str, seen: Register) -> None:
    """Write 1, 2, 3, ...; note each only when it is acknowledged."""
    number = 0
    while not stop.is_set():
        number += 1
        await ledger.submit(
            op.update_twin(twin, [op.set_property("n", number)]), timeout_seconds=60
        )
        seen.acknowledged = number


async def read_register(stop: asyncio.Event, layout: Layout, twin: str, seen: Register) -> None:
    """Read linearizably at random nodes; a read never shows less than was acknowledged before."""
    chance = random.Random(twin)
    while not stop.is_set():
        before = seen.acknowledged
        endpoint = chance.choice(endpoints_of(layout.profile))
        with suppress(grpc.RpcError):  # a node cut off cannot confirm anything: it says so
            value = await linearizable_value(layout, endpoint, twin)
            assert value >= before, (
                f"{endpoint.address} showed {value} after {before} was acknowledged"
            )
            seen.reads += 1


async def linearizable_value(layout: Layout, endpoint: Endpoint, twin: str) -> int:
    node = Node.at(endpoint, ReadTokens(layout.identity(), layout.chain_id))
    try:
        answer = await node.ledger.GetReadHeight(GetReadHeightRequest(), timeout=2)
        request = GetTwinRequest(twin_id=twin, min_height=answer.height)
        read = await node.twins.GetTwin(request, timeout=2)
    finally:
        await node.channel.close(None)
    return next((p.value.int_value for p in read.twin.properties), 0)


async def acknowledged_after(seen: Register) -> None:
    """Wait until something more is acknowledged: writes go on."""
    before, deadline = seen.acknowledged, time.monotonic() + WITHIN_S
    while seen.acknowledged <= before:
        assert time.monotonic() < deadline, "no write is acknowledged after healing"
        await asyncio.sleep(0.02)


def test_a_minority_never_acknowledges(world):
    asyncio.run(ask_a_minority(world))


async def ask_a_minority(world: World) -> None:
    layout, links = world.layout, world.links
    leader = layout.node(await one_leader(layout))
    (own,) = (e for e in endpoints_of(layout.profile) if e.address == leader.client_address)
    links.isolate(leader.name)
    try:
        async with connect(
            leader.client_address,
            profile=layout.profile,
            identity=layout.identity(),
            discover=False,
        ) as alone:
            with pytest.raises(LedgerError) as unknown:
                await alone.submit(op.create_twin("never-alone"), timeout_seconds=1.5)
            assert unknown.value.code == "OUTCOME_UNKNOWN"
            with pytest.raises(grpc.RpcError):
                await linearizable_value(layout, own, "never-alone")
    finally:
        links.heal()
    await one_leader(layout)
    await same_head(layout)
    assert {view.pid is not None for view in await view_nodes(layout)} == {True}
