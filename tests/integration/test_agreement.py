"""Four real nodes: one effect of many submissions, and one head before and after a full stop."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.integration.accounts import one_leader, same_head
from tests.integration.calling import calling_as
from tests.transport_keys import channel
from twinledger.client import Receipt, connect
from twinledger.client import operations as op
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout
from twinledger.devnet.status import view_nodes

TIMES = 100


@pytest.fixture(scope="module")
def all_nodes(tmp_path_factory) -> Iterator[Devnet]:
    made = Devnet(create(tmp_path_factory.mktemp("agreement") / "devnet", 4))
    try:
        yield made
    finally:
        made.down()


@pytest.fixture
def devnet(all_nodes: Devnet) -> Devnet:
    """All of them up, whatever an earlier test left."""
    asyncio.run(all_nodes.up())
    return all_nodes


def test_one_transaction_sent_a_hundred_times_through_a_leader_change_has_one_effect(devnet):
    asyncio.run(send_a_hundred_times(devnet, devnet.layout))


async def send_a_hundred_times(devnet: Devnet, layout: Layout) -> None:
    identity = layout.identity()
    async with connect(profile=layout.profile, identity=identity) as ledger:
        await ledger.submit(op.create_twin("counter"))
        signed = ledger.sign(op.update_twin("counter", [op.increment_property("count", 1)]))
        leader = await one_leader(layout)

        async def send(number: int) -> Receipt:
            # Each caller begins at another node and knows the others when that one fails it.
            begin = number % len(layout.nodes)
            addresses = layout.client_addresses[begin:] + layout.client_addresses[:begin]
            async with connect(
                addresses, profile=layout.profile, identity=identity, timeout_seconds=60
            ) as sender:
                return await sender.send(signed)

        first = asyncio.gather(*(send(number) for number in range(TIMES // 2)))
        await devnet.kill(leader)
        second = asyncio.gather(*(send(number) for number in range(TIMES // 2)))
        receipts = [*await first, *await second]
        await devnet.restart(leader)
        assert len(receipts) == TIMES
        assert len({(r.transaction_id, r.height, r.index) for r in receipts}) == 1
        await same_head(layout)
        twin = await ledger.twins.get("counter")
        assert twin.version == 2
        assert [p.value for p in twin.properties] == [1]


def test_all_nodes_stopped_and_started_have_the_same_head_and_replay_nothing_away(devnet):
    asyncio.run(stop_and_start_all(devnet, devnet.layout))


async def stop_and_start_all(devnet: Devnet, layout: Layout) -> None:
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        receipt = await ledger.submit(op.create_twin("kept-over-night"))
    height = await same_head(layout)
    before = await block_hashes(layout, height)
    report = devnet.down()
    assert not report.killed
    await devnet.up()
    await same_head(layout)
    assert await block_hashes(layout, height) == before
    for view in await view_nodes(layout):
        assert view.status is not None
        # A new leader's no-op comes on top; nothing is ever behind what was there.
        assert view.status.applied_height >= height
        async with connect(
            view.entry.client_address,
            profile=layout.profile,
            identity=layout.identity(),
            discover=False,
        ) as ledger:
            twin = await ledger.twins.get("kept-over-night")
            assert twin.version == 1
            assert (await ledger.transaction(receipt.transaction_id)).receipt == receipt


async def block_hashes(layout: Layout, height: int) -> list[set[bytes]]:
    """The header hashes at each height, over all nodes: one each when they agree."""
    chains = []
    for address in layout.client_addresses:
        async with connect(
            address, profile=layout.profile, identity=layout.identity(), discover=False
        ) as ledger:
            chains.append([block.header_hash async for block in ledger.blocks(0, height)])
    assert all(len(set(level)) == 1 for level in zip(*chains, strict=True))
    return [set(level) for level in zip(*chains, strict=True)]


def channel_to(layout: Layout, number: int) -> grpc.Channel:
    node = layout.profile.nodes[number]
    return channel(node.client_address, node.certificates[0])


def called(layout: Layout, number: int, opened: grpc.Channel) -> grpc.Channel:
    """The channel to a node, with calls made as the first member's admin."""
    node_id = layout.profile.nodes[number].node_id
    return calling_as(layout.identity(), layout.chain_id, node_id, opened)


def test_a_node_answers_the_standard_health_and_reflection_services(devnet):
    with channel_to(devnet.layout, 0) as opened:
        health = health_pb2_grpc.HealthStub(opened)
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=60)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        stub = reflection_pb2_grpc.ServerReflectionStub(called(devnet.layout, 0, opened))
        (response,) = stub.ServerReflectionInfo(iter([request]), timeout=60)
        names = {service.name for service in response.list_services_response.service}
        assert {
            "twinledger.v1.LedgerService",
            "twinledger.v1.TwinService",
            "twinledger.v1.ConsortiumService",
            "twinledger.v1.OperatorService",
            "grpc.health.v1.Health",
        } <= names


def test_a_linearizable_height_covers_what_another_node_acknowledged(devnet):
    """A write acknowledged by one node is covered by the height any other node confirms later."""
    layout = devnet.layout

    async def story() -> None:
        async with AsyncExitStack() as opened:
            writer, *readers = [
                await opened.enter_async_context(
                    connect(
                        address, profile=layout.profile, identity=layout.identity(), discover=False
                    )
                )
                for address in layout.client_addresses
            ]
            for number in range(10):
                receipt = await writer.submit(op.create_twin(f"linear-{number}"))
                for reader in readers:
                    assert await reader.linearize() >= receipt.height
                    assert (await reader.head()).height >= receipt.height

    asyncio.run(story())
