"""Streams of updates and blocks are taken up again where they broke: no gap, nothing twice."""

import asyncio
from contextlib import aclosing

import pytest

from tests.unit.client import clock
from tests.unit.client.conftest import Nodes
from tests.unit.client.fake_node import FakeLedger, FakeNode, Loss, Refusal
from tests.unit.client.looped import looped, until
from twinledger.client import (
    Code,
    Cursor,
    Identity,
    LedgerError,
    Operation,
    attempts,
    connect,
    operations,
)
from twinledger.client.session import TIMEOUT_SECONDS
from twinledger.client.twin_records import updates_of_block
from twinledger.v1 import block_pb2, twin_service_pb2


@looped
async def test_watching_begins_after_a_cursor(node: FakeNode, identity: Identity) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        first = await ledger.twins.update("pump-7", set={"flow": 1.0})
        await ledger.twins.update("pump-7", set={"flow": 2.0})
        async with aclosing(ledger.watch("pump-7", after=first.cursor)) as updates:
            update = await anext(updates)
    assert update.version == 2
    assert update.cursor == Cursor(2, 0)
    assert list(node.reads[0].twin_ids) == ["pump-7"]


@looped
async def test_a_watch_goes_on_behind_the_last_update_when_its_stream_breaks(
    nodes: Nodes, identity: Identity
) -> None:
    first, second = nodes(2)
    first.hang_up_after.append(2)
    second.hang_up_after.append(3)
    async with connect(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        for flow in range(9):
            await ledger.twins.update("pump-7", set={"flow": flow})
        versions = []
        async with aclosing(ledger.watch("pump-7", after=Cursor(0, 0))) as updates:
            async for update in updates:
                versions.append(update.version)
                if update.version == 9:
                    break
    assert versions == list(range(1, 10))
    assert [request.after.height for request in first.reads + second.reads] == [0, 5, 2]


@looped
async def test_a_watch_from_now_on_misses_nothing_when_it_breaks_before_the_first_update(
    nodes: Nodes, identity: Identity
) -> None:
    first, second = nodes(2)
    async with connect(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        await ledger.twins.update("pump-7", set={"flow": 1.0})
        first.hang_up_after.append(0)
        async with aclosing(ledger.watch("pump-7")) as updates:
            waiting = asyncio.ensure_future(anext(updates))
            await until(lambda: bool(second.reads))
            first.ledger.commit(ledger.signed(_update(2.0)).raw)
            update = await waiting
    assert [request.after.height for request in first.reads + second.reads] == [1, 1]
    assert update.version == 2


@looped
async def test_a_watch_that_cannot_be_is_refused_at_once(node: FakeNode) -> None:
    async with connect(node.address, insecure=True, verify=False) as ledger:
        node.read_steps.append(Refusal("BAD_REQUEST"))
        async with aclosing(ledger.watch("pump-7", after=Cursor(0, 0))) as updates:
            with pytest.raises(LedgerError) as raised:
                await anext(updates)
    assert raised.value.code is Code.BAD_REQUEST


@looped
async def test_a_watch_gives_up_when_no_node_serves_it_for_the_clients_timeout(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.put_into(attempts, monkeypatch)
    async with connect(node.address, insecure=True, verify=False) as ledger:
        node.read_steps.extend([Loss()] * 100)
        async with aclosing(ledger.watch("pump-7", after=Cursor(0, 0))) as updates:
            waiting = asyncio.ensure_future(anext(updates))
            await until(lambda: len(node.read_steps) < 99)
            now.put_forward(TIMEOUT_SECONDS)
            with pytest.raises(LedgerError) as raised:
                await waiting
    assert raised.value.code is Code.CONNECTION_LOST


@looped
async def test_blocks_come_once_each_though_the_stream_breaks(
    nodes: Nodes, identity: Identity
) -> None:
    first, second = nodes(2)
    first.hang_up_after.append(2)
    async with connect(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        for flow in range(5):
            await ledger.twins.update("pump-7", set={"flow": flow})
        heights = [block.height async for block in ledger.blocks(1, 5)]
        assert [block.height async for block in ledger.blocks(3, 2)] == []
    assert heights == [1, 2, 3, 4, 5]
    assert second.reads[0].from_height == 3


@looped
async def test_a_block_out_of_order_is_not_passed_on(
    node: FakeNode, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = FakeLedger.block

    def skipping(ledger: FakeLedger, height: int) -> block_pb2.Block:
        return honest(ledger, height + 1 if height == 1 else height)

    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        for flow in range(3):
            await ledger.twins.update("pump-7", set={"flow": flow})
        monkeypatch.setattr(FakeLedger, "block", skipping)
        with pytest.raises(LedgerError) as raised:
            _ = [block async for block in ledger.blocks(0, 2)]
    assert raised.value.code is Code.INTERNAL


def test_a_cursor_inside_a_transaction_repeats_rather_than_drops() -> None:
    def message(height: int, index: int, twin_id: str) -> twin_service_pb2.TwinUpdate:
        cursor = twin_service_pb2.Cursor(height=height, index=index)
        return twin_service_pb2.TwinUpdate(
            twin_id=twin_id, origin=twin_service_pb2.Origin(cursor=cursor)
        )

    block = [message(7, 0, "a"), message(7, 2, "b"), message(7, 2, "c"), message(7, 3, "d")]
    updates = updates_of_block(block, before=Cursor(6, 9))
    assert [(u.twin_id, u.cursor) for u in updates] == [
        ("a", Cursor(7, 0)),
        ("b", Cursor(7, 0)),
        ("c", Cursor(7, 2)),
        ("d", Cursor(7, 3)),
    ]


def test_a_cursor_reads_what_it_writes() -> None:
    assert Cursor.parse(str(Cursor(12, 3))) == Cursor(12, 3)
    for text in ("12", "12:", ":3", "a:b", "-1:0", ""):
        with pytest.raises(LedgerError):
            Cursor.parse(text)


def _update(flow: float) -> Operation:
    return operations.update_twin("pump-7", [operations.set_property("flow", flow)])
