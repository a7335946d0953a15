"""Reads: never behind what the client has seen, page after page, whichever node answers."""

from pathlib import Path

import pytest

from tests.unit.client.conftest import Nodes
from tests.unit.client.fake_node import FakeNode, Loss
from tests.unit.client.looped import looped
from twinledger.client import (
    Code,
    Direction,
    Identity,
    LedgerError,
    NodeRole,
    Role,
    TracedRelationship,
    connect,
)
from twinledger.v1 import consortium_service_pb2, operation_pb2


@looped
async def test_a_read_asks_for_the_height_of_the_last_receipt(
    node: FakeNode, identity: Identity
) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        await ledger.twins.get("pump-7")
        receipt = await ledger.twins.update("pump-7", set={"flow": 13.0})
        twin = await ledger.twins.get("pump-7")
    assert [request.min_height for request in node.reads] == [0, receipt.height]
    assert twin.version == 1


@looped
async def test_a_history_waits_for_a_node_that_lags(nodes: Nodes, identity: Identity) -> None:
    first, second = nodes(2)
    async with connect(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        await ledger.twins.update("pump-7", set={"flow": 13.0})
        first.stop()
        second.behind.extend([0, 0, 0])
        history = [update async for update in ledger.twins.history("pump-7")]
    assert [update.version for update in history] == [1]
    assert not second.behind


@looped
async def test_after_linearizing_reads_see_what_others_were_told(
    node: FakeNode, identity: Identity
) -> None:
    async with connect(node.address, insecure=True, verify=False) as reader:
        async with connect(node.address, insecure=True, verify=False, identity=identity) as writer:
            await writer.twins.update("pump-7", set={"flow": 13.0})
        assert await reader.linearize() == 1
        await reader.twins.get("pump-7")
    assert node.reads[-1].min_height == 1


@looped
async def test_a_read_is_repeated_at_the_next_node(nodes: Nodes) -> None:
    first, second = nodes(2)
    async with connect([first.address, second.address], insecure=True, verify=False) as ledger:
        first.read_steps.append(Loss())
        await ledger.twins.get("pump-7")
    assert len(second.reads) == 1


@looped
async def test_lists_and_histories_are_read_to_their_end(
    node: FakeNode, identity: Identity
) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        for flow in range(5):
            await ledger.twins.update("pump-7", set={"flow": flow})
        listed = [twin.id async for twin in ledger.twins.list()]
        versions = [update.version async for update in ledger.twins.history("pump-7")]
        later = [u.version async for u in ledger.twins.history("pump-7", after_version=3)]
    assert listed == ["twin-1", "twin-2", "twin-3"]
    assert versions == [1, 2, 3, 4, 5]
    assert later == [4, 5]


@looped
async def test_a_trace_follows_relationships(node: FakeNode) -> None:
    async with connect(node.address, insecure=True, verify=False) as ledger:
        trace = await ledger.twins.trace("pump-7", Direction.UPSTREAM, names=["feeds"])
    assert [(twin.id, twin.depth) for twin in trace.twins] == [("pump-7", 0), ("tank-1", 1)]
    assert trace.relationships == (TracedRelationship("pump-7", "feeds", "tank-1"),)
    assert node.reads[0].direction == 2
    assert list(node.reads[0].names) == ["feeds"]


@looped
async def test_blocks_heads_and_nodes_are_read(node: FakeNode, identity: Identity) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        receipt = await ledger.twins.update("pump-7", set={"flow": 13.0})
        block = await ledger.block(receipt.height)
        head = await ledger.head()
        status = await ledger.status()
        consortium = await ledger.consortium()
        with pytest.raises(LedgerError) as raised:
            await ledger.block(99)
    assert block.height == 1
    assert block.receipts[0].transaction_id == receipt.transaction_id
    assert block.header_hash == block.header.hash()
    assert head.header_hash == head.header.hash()
    assert status.role is NodeRole.LEADER
    assert consortium.client_addresses == (node.address,)
    assert raised.value.code is Code.BLOCK_NOT_FOUND


@looped
async def test_identities_are_listed(node: FakeNode) -> None:
    record = consortium_service_pb2.IdentityRecord(
        identity="utility/gateway",
        public_key=bytes(32),
        role=operation_pb2.ROLE_DEVICE,
        revoked=True,
    )
    node.identities.append(record)
    async with connect(node.address, insecure=True, verify=False) as ledger:
        (found,) = [identity async for identity in ledger.identities.list()]
    assert (found.identity, found.role, found.revoked) == ("utility/gateway", Role.DEVICE, True)


@pytest.mark.parametrize("height", [-1, -(2**70)])
@looped
async def test_a_negative_height_is_refused(node: FakeNode, height: int) -> None:
    async with connect(node.address, insecure=True, verify=False) as ledger:
        with pytest.raises(LedgerError):
            await ledger.block(height)
        with pytest.raises(LedgerError):
            ledger.blocks(height)


def test_reading_needs_no_server_part() -> None:
    folder = Path(__file__).parents[3] / "node" / "twinledger" / "client"
    for source in folder.glob("*.py"):
        text = source.read_text()
        for part in ("twinledger.execution", "plyvel", "networkx", "twinledger.storage"):
            assert f"import {part}" not in text
            assert f"from {part}" not in text
