"""One transaction survives lost connections, busy nodes and silence; or its failure has a code."""

import grpc
import pytest

from tests.unit.client.conftest import Nodes
from tests.unit.client.fake_node import FakeNode, Loss, Refusal, Silence
from tests.unit.client.looped import looped
from twinledger.client import (
    Code,
    Cursor,
    Identity,
    LedgerError,
    OutcomeUnknown,
    Rejected,
    Stage,
    connect,
    operations,
)


@looped
async def test_an_update_returns_its_receipt(node: FakeNode, identity: Identity) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        receipt = await ledger.twins.update("pump-7", set={"flow": 13.0}, expected_version=1)
    assert receipt.committed
    assert receipt.cursor == Cursor(1, 0)
    assert [(e.kind, e.subject, e.version) for e in receipt.events] == [
        ("TWIN_UPDATED", "pump-7", 1)
    ]


@pytest.mark.parametrize(
    "loss",
    [
        Loss(),
        Loss(taken=True),
        Loss(status=grpc.StatusCode.CANCELLED),
        Loss(taken=True, status=grpc.StatusCode.INTERNAL),
    ],
)
@looped
async def test_a_lost_connection_sends_the_same_bytes_to_the_next_node(
    nodes: Nodes, identity: Identity, loss: Loss
) -> None:
    first, second = nodes(2)
    first.steps.append(loss)
    async with connect(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        receipt = await ledger.twins.update("pump-7", set={"flow": 13.0})
    assert first.received == second.received
    assert first.ledger.height == receipt.height == 1


@looped
async def test_a_node_that_is_gone_is_replaced_by_one_that_the_ledger_names(
    nodes: Nodes, identity: Identity
) -> None:
    first, second = nodes(2)
    async with connect(first.address, insecure=True, verify=False, identity=identity) as ledger:
        await ledger.twins.update("pump-7", set={"flow": 1.0})
        first.stop()
        receipt = await ledger.twins.update("pump-7", set={"flow": 2.0})
    assert receipt.height == 2
    assert len(second.received) == 1


@pytest.mark.parametrize("code", ["POOL_FULL", "NO_LEADER", "STOPPING", "OVERLOADED", "DISK_LOW"])
@looped
async def test_a_refusal_that_waiting_helps_is_tried_again_with_the_same_bytes(
    nodes: Nodes, identity: Identity, code: str
) -> None:
    first, second = nodes(2)
    first.steps.append(Refusal(code, retry_after_us=20_000))
    second.steps.append(Refusal(code, retry_after_us=20_000))
    async with connect(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        receipt = await ledger.twins.update("pump-7", set={"flow": 13.0})
    assert receipt.height == 1
    assert len(set(first.received + second.received)) == 1
    assert len(first.received + second.received) == 3


@looped
async def test_a_deadline_that_passes_in_silence_leaves_the_outcome_unknown_and_safe_to_ask_again(
    node: FakeNode, identity: Identity
) -> None:
    node.steps.append(Silence())
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        with pytest.raises(OutcomeUnknown) as raised:
            await ledger.twins.update("pump-7", set={"flow": 13.0}, timeout_seconds=0.3)
        unknown = raised.value
        receipt = await ledger.send(unknown.transaction)
    assert unknown.code is Code.OUTCOME_UNKNOWN
    assert unknown.transaction_id == receipt.transaction_id
    assert len(set(node.received)) == 1
    assert node.ledger.height == 1


@looped
async def test_a_deadline_that_passes_in_refusals_says_so_because_nothing_was_taken(
    node: FakeNode, identity: Identity
) -> None:
    beyond_the_deadline_us = 3_600_000_000
    node.steps.append(Refusal("NO_LEADER", retry_after_us=50_000))
    node.steps.append(Refusal("NO_LEADER", retry_after_us=beyond_the_deadline_us))
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        with pytest.raises(LedgerError) as raised:
            await ledger.twins.update("pump-7", set={"flow": 13.0})
    assert raised.value.code is Code.NO_LEADER
    assert not isinstance(raised.value, OutcomeUnknown)
    assert len(node.received) == 2


@looped
async def test_an_expiry_after_a_lost_connection_leaves_the_outcome_unknown(
    nodes: Nodes, identity: Identity
) -> None:
    first, second = nodes(2)
    first.steps.append(Loss(taken=True))
    second.steps.append(Refusal("EXPIRED"))
    async with connect(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        with pytest.raises(OutcomeUnknown):
            await ledger.twins.update("pump-7", set={"flow": 13.0})


@looped
async def test_an_expiry_alone_is_final(node: FakeNode, identity: Identity) -> None:
    node.steps.append(Refusal("EXPIRED"))
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        with pytest.raises(LedgerError) as raised:
            await ledger.twins.update("pump-7", set={"flow": 13.0})
    assert raised.value.code is Code.EXPIRED


@looped
async def test_a_rejection_inside_a_block_carries_its_code_and_receipt(
    node: FakeNode, identity: Identity
) -> None:
    node.ledger.outcomes.append("VERSION_MISMATCH")
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        with pytest.raises(Rejected) as raised:
            await ledger.twins.update("pump-7", set={"flow": 13.0}, expected_version=9)
    assert raised.value.code is Code.VERSION_MISMATCH
    assert raised.value.receipt.height == 1
    assert raised.value.receipt.failed_operation == 0
    assert "Read the twin" in raised.value.next_step


@looped
async def test_a_stage_that_says_expired_is_an_error(node: FakeNode, identity: Identity) -> None:
    node.ledger.outcomes.append("EXPIRED")
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        with pytest.raises(LedgerError) as raised:
            await ledger.twins.update("pump-7", set={"flow": 13.0})
    assert raised.value.code is Code.EXPIRED


@pytest.mark.parametrize("code", ["BAD_SIGNATURE", "UNKNOWN_SIGNER", "ACCESS_DENIED", "TOO_LARGE"])
@looped
async def test_a_refusal_that_waiting_does_not_help_is_raised_at_once(
    node: FakeNode, identity: Identity, code: str
) -> None:
    node.steps.append(Refusal(code, detail="of utility/gateway"))
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        with pytest.raises(LedgerError) as raised:
            await ledger.twins.update("pump-7", set={"flow": 13.0})
    assert raised.value.code is Code(code)
    assert raised.value.detail == "of utility/gateway"
    assert len(node.received) == 1


@looped
async def test_posting_returns_before_a_block_holds_the_transaction(
    node: FakeNode, identity: Identity
) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        transaction = ledger.sign(operations.retire_twin("pump-7"))
        status = await ledger.post(transaction)
        later = await ledger.transaction(transaction.id)
    assert status.stage is Stage.PENDING
    assert later.stage is Stage.COMMITTED
    assert later.receipt is not None


@looped
async def test_a_submission_can_wait_until_it_is_certified(
    node: FakeNode, identity: Identity
) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        receipt = await ledger.submit(operations.retire_twin("pump-7"), certified=True)
    assert receipt.committed


@looped
async def test_a_client_without_an_identity_cannot_sign(node: FakeNode) -> None:
    async with connect(node.address, insecure=True, verify=False) as ledger:
        with pytest.raises(LedgerError) as raised:
            await ledger.twins.retire("pump-7")
    assert raised.value.code is Code.BAD_REQUEST


@looped
async def test_a_transaction_needs_an_operation(node: FakeNode, identity: Identity) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        with pytest.raises(LedgerError) as raised:
            await ledger.submit()
    assert raised.value.code is Code.NO_OPERATIONS
