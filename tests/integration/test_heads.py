"""Real nodes certify what they order: closely, through kills, and never without a quorum."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator

import plyvel
import pytest

from tests.integration.accounts import (
    POLL_S,
    THINK_S,
    WITHIN_S,
    Accounts,
    load,
    one_leader,
    same_head,
)
from twinledger.client import Ledger, connect
from twinledger.client import operations as op
from twinledger.client.chain_records import NodeStatus
from twinledger.consortium.genesis import Genesis
from twinledger.consortium.witnesses import check_certificate, witness_set
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout, NodeEntry
from twinledger.devnet.status import view_nodes
from twinledger.ledger.canonical import decode, encode
from twinledger.ledger.checkpoint import origin_of
from twinledger.ledger.names import TwinId
from twinledger.ledger.operations import Section
from twinledger.storage import DataFolder, HeadMark
from twinledger.storage.chain_records import STATE_PREFIX
from twinledger.twins.state_keys import property_key

CALLS = 16
KILLS = 2
KEPT_HEIGHTS = 64
"""Enough that no reader is overtaken under load, and few enough to write more of them."""


@pytest.fixture(scope="module")
def all_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """Five members: the certifying quorum is four, the majority that orders three."""
    settings = {"storage": {"kept_heights": KEPT_HEIGHTS}}
    made = Devnet(create(tmp_path_factory.mktemp("heads") / "devnet", 5, settings=settings))
    try:
        yield made
    finally:
        made.down()


@pytest.fixture
def devnet(all_nodes: Devnet) -> Devnet:
    """All of them up, whatever an earlier test left."""
    asyncio.run(all_nodes.up())
    return all_nodes


async def until(layout: Layout, fits: Callable[[dict[str, NodeStatus]], bool]) -> None:
    """Wait until the nodes that answer are as wanted."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        found = {v.entry.name: v.status for v in await view_nodes(layout) if v.status}
        if fits(found):
            return
        assert time.monotonic() < deadline, f"not so: {found}"
        await asyncio.sleep(POLL_S)


def all_certified(found: dict[str, NodeStatus]) -> bool:
    return all(each.certified_height == each.applied_height for each in found.values())


def test_nodes_certify_under_load_and_through_kills(devnet):
    asyncio.run(certify_through_kills(devnet, devnet.layout))


async def certify_through_kills(devnet: Devnet, layout: Layout) -> None:
    accounts, chance = Accounts(), random.Random(7)
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        async with load(ledger, accounts, CALLS, think_s=THINK_S):
            await ledger.submit(op.create_twin("certified"), certified=True)
            await check_lag(ledger)
            for kill in range(KILLS):
                await asyncio.sleep(chance.uniform(0, 0.3))
                victim = layout.nodes[kill].name
                await devnet.kill(victim)
                # With one of five down a quorum of four is left.
                await ledger.submit(op.create_twin(f"without-{kill}"), certified=True)
                await devnet.restart(victim)
        await same_head(layout)
        await until(layout, all_certified)
        await check_certificates(layout)
    assert not accounts.failed


async def check_lag(ledger: Ledger) -> None:
    """Under load the newest certificate follows the newest block closely."""
    lags = list[int]()
    for _ in range(20):
        head = await ledger.head()
        assert head.certified_height is not None
        lags.append(head.height - head.certified_height)
        await asyncio.sleep(0.02)
    print(f"certification lags by {sorted(lags)} blocks")
    assert sorted(lags)[len(lags) // 2] <= 8


async def check_certificates(layout: Layout) -> None:
    """Every node's certificate holds, and nobody is suspected."""
    genesis = Genesis.parse(layout.genesis.read_bytes())
    witnesses, origin = witness_set(genesis.consortium), origin_of(layout.chain_id)
    for view in await view_nodes(layout):
        assert view.status is not None
        assert view.status.evidence_count == 0
        assert not view.status.warnings
        address = view.entry.client_address
        async with connect(
            address, profile=layout.profile, identity=layout.identity(), discover=False
        ) as ledger:
            head = await ledger.head()
        certificate = check_certificate(head.certificate, witnesses, origin)
        assert certificate.checkpoint.height == head.certified_height == head.height


def test_without_a_quorum_of_members_ordering_goes_on_and_certification_waits(devnet):
    asyncio.run(lose_the_certifying_quorum(devnet, devnet.layout))


async def lose_the_certifying_quorum(devnet: Devnet, layout: Layout) -> None:
    leader = await one_leader(layout)
    victims = [node.name for node in layout.nodes if node.name != leader][:2]
    for victim in victims:
        await devnet.kill(victim)
    up = [node.client_address for node in layout.nodes if node.name not in victims]
    who = layout.identity()
    # What is not certified yet nobody can prove: here it is what the nodes say that counts.
    async with connect(up, profile=layout.profile, identity=who, verify=False) as ledger:
        receipt = await ledger.submit(op.create_twin("ordered"))
        await until(layout, lambda found: all(waits(each, victims) for each in found.values()))
        for number in range(KEPT_HEIGHTS + 8):
            await ledger.submit(op.create_twin(f"ordered-{number}"))
        head = await ledger.head()
        assert head.certified_height is None or head.certified_height < receipt.height
        # The newest state that can be proven stays, however many blocks come after it.
        async with connect(up, profile=layout.profile, identity=who) as proving:
            assert (await proving.twins.get("certified")).version == 1
        certified = asyncio.create_task(
            ledger.submit(op.create_twin("waits"), certified=True, timeout_seconds=WITHIN_S)
        )
        await devnet.restart(victims[0])
        await certified
    await until(layout, all_certified)


def waits(status: NodeStatus, silent: list[str]) -> bool:
    """The node says that certification waits, and for whom."""
    told = [warning for warning in status.warnings if warning.startswith("Certification waits")]
    return bool(told) and all(name in told[0] for name in silent)


def test_a_node_whose_state_was_altered_stops_and_names_the_first_difference(tmp_path):
    # A devnet of its own: what the altered node signed stays signed, so it never comes back.
    layout = create(tmp_path / "devnet", 4)
    devnet = Devnet(layout)
    try:
        asyncio.run(alter_a_value(devnet, layout))
    finally:
        devnet.down()


async def alter_a_value(devnet: Devnet, layout: Layout) -> None:
    await devnet.up()
    victim = layout.nodes[2]
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        await ledger.submit(op.create_twin("pump-7", [op.set_property("count", 41)]))
        await ledger.submit(op.create_twin("other"), certified=True)
        await same_head(layout)
        process = devnet.process(victim)
        process.ask_to_stop()
        assert not process.end(time.monotonic() + WITHIN_S)
        flip(layout, victim)
        process.start()
        await one_leader(layout)
        increment = op.increment_property("count", 1)
        receipt = await ledger.submit(op.update_twin("pump-7", [increment]), certified=True)
        await stopped(devnet, victim)
        told = DataFolder.last_exit(layout.node_folder(victim) / "data")
        assert told is not None
        assert (told.code, told.exit_code) == ("DIVERGED", 65)
        assert f"the first differing height is {receipt.height}" in told.sentence
        assert "twin pump-7, reported/count: 8 here, 42 certified" in told.sentence
        assert receipt.transaction_id.hex() in told.sentence
        await ledger.submit(op.create_twin("without-it"), certified=True)


def flip(layout: Layout, victim: NodeEntry) -> None:
    """Change a value in the state, as somebody with access to the disk could."""
    store = plyvel.DB(str(layout.node_folder(victim) / "data" / "chain"))
    key = STATE_PREFIX + property_key(TwinId("pump-7"), Section.REPORTED, "count")
    record = decode(store.get(key))
    assert isinstance(record, dict)
    assert record["value"] == 41
    store.put(key, encode(record | {"value": 7}))
    store.close()


async def stopped(devnet: Devnet, victim: NodeEntry) -> None:
    deadline = time.monotonic() + WITHIN_S
    while devnet.process(victim).pid is not None:
        assert time.monotonic() < deadline, "the altered node goes on"
        await asyncio.sleep(0.05)


def test_every_nodes_mark_is_a_head_that_it_signed(devnet):
    asyncio.run(until(devnet.layout, all_certified))
    devnet.down()
    for node in devnet.layout.nodes:
        mark = HeadMark.open(devnet.layout.node_folder(node) / "data" / "head.mark")
        assert mark is not None
        assert mark.mark.size > 1
        mark.close()
