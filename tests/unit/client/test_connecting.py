"""Connecting: which chain, which nodes, and errors that are always ours."""

import grpc
import pytest

from tests.unit.client.conftest import Nodes
from tests.unit.client.fake_node import CHAIN_ID, FakeNode, Loss, Refusal
from tests.unit.client.looped import looped
from twinledger.client import Code, Identity, LedgerError, connect


@looped
async def test_without_a_chain_id_the_first_node_is_believed(node: FakeNode) -> None:
    async with connect(node.address, insecure=True, verify=False) as ledger:
        assert ledger.chain_id == CHAIN_ID


@pytest.mark.parametrize("chain_id", [CHAIN_ID, CHAIN_ID.hex()])
@looped
async def test_the_chain_that_is_meant_is_accepted(node: FakeNode, chain_id: str | bytes) -> None:
    async with connect(node.address, insecure=True, verify=False, chain_id=chain_id) as ledger:
        assert ledger.chain_id == CHAIN_ID


@looped
async def test_another_chain_is_refused(node: FakeNode) -> None:
    with pytest.raises(LedgerError) as raised:
        async with connect(node.address, insecure=True, verify=False, chain_id="ff" * 32):
            pytest.fail("it connected")
    assert raised.value.code is Code.WRONG_CHAIN


def test_a_chain_id_that_is_not_hex_is_refused() -> None:
    with pytest.raises(LedgerError) as raised:
        connect("127.0.0.1:1", chain_id="main", insecure=True, verify=False)
    assert raised.value.code is Code.BAD_REQUEST


def test_a_client_needs_an_address() -> None:
    with pytest.raises(LedgerError) as raised:
        connect([], insecure=True, verify=False)
    assert raised.value.code is Code.BAD_REQUEST


@looped
async def test_nobody_at_the_address_is_a_lost_connection(node: FakeNode) -> None:
    node.stop()
    with pytest.raises(LedgerError) as raised:
        async with connect(node.address, insecure=True, verify=False, timeout_seconds=0.3):
            pytest.fail("it connected")
    assert raised.value.code is Code.CONNECTION_LOST
    assert node.address in raised.value.message


@looped
async def test_the_other_nodes_are_learnt_unless_that_is_not_wanted(nodes: Nodes) -> None:
    first, second = nodes(2)
    async with connect(first.address, insecure=True, verify=False) as ledger:
        assert ledger.addresses == (first.address, second.address)
    async with connect(first.address, insecure=True, verify=False, discover=False) as ledger:
        assert ledger.addresses == (first.address,)


@looped
async def test_an_error_that_is_not_of_our_nodes_becomes_one_of_ours(node: FakeNode) -> None:
    async with connect(node.address, insecure=True, verify=False) as ledger:
        node.read_steps.append(Loss(status=grpc.StatusCode.PERMISSION_DENIED))
        with pytest.raises(LedgerError) as raised:
            await ledger.head()
    assert raised.value.code is Code.BAD_REQUEST


@looped
async def test_an_error_keeps_its_detail_and_says_what_to_do(node: FakeNode) -> None:
    async with connect(node.address, insecure=True, verify=False) as ledger:
        with pytest.raises(LedgerError) as raised:
            await ledger.twins.get("pump-8")
    assert raised.value.code is Code.TWIN_NOT_FOUND
    assert raised.value.detail == "pump-8"
    assert raised.value.message == "There is no such twin: pump-8."
    assert raised.value.next_step == "Check the id, or create the twin first."


@looped
async def test_an_error_without_detail_is_just_its_sentence(node: FakeNode) -> None:
    async with connect(node.address, insecure=True, verify=False) as ledger:
        node.read_steps.append(Refusal("BLOCK_NOT_FOUND", detail=""))
        with pytest.raises(LedgerError) as raised:
            await ledger.block(9)
    assert raised.value.message == "This node does not hold the block."


@looped
async def test_a_closed_client_says_so(node: FakeNode, identity: Identity) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        pass
    with pytest.raises(LedgerError) as raised:
        await ledger.head()
    assert raised.value.code is Code.BAD_REQUEST
