"""Many transactions over one stream: few messages, a bounded window, nothing lost or doubled."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.unit.client import clock
from tests.unit.client.conftest import Nodes
from tests.unit.client.fake_node import FakeNode, Refusal, Silence
from tests.unit.client.looped import looped
from twinledger.client import (
    Code,
    Identity,
    Ledger,
    LedgerError,
    Operation,
    OutcomeUnknown,
    Stage,
    Wait,
    connect,
    operations,
    pipeline,
)

TIMEOUT_S = 60.0


def updates(count: int) -> list[Operation]:
    return [
        operations.update_twin("pump-7", [operations.set_property("flow", float(number))])
        for number in range(count)
    ]


@looped
async def test_many_transactions_take_few_messages_and_each_has_one_outcome(
    node: FakeNode, identity: Identity
) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        outcomes = [outcome async for outcome in ledger.submit_many(updates(500))]
    assert sorted(outcome.position for outcome in outcomes) == list(range(500))
    assert all(outcome.receipt.committed for outcome in outcomes)
    assert node.ledger.height == 500
    assert len(node.messages) < 100


@looped
async def test_outcomes_belong_to_the_transactions_at_their_positions(
    node: FakeNode, identity: Identity
) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        given = [ledger.sign(update) for update in updates(50)]
        outcomes = {o.position: o async for o in ledger.submit_many(given)}
    for position, transaction in enumerate(given):
        assert outcomes[position].transaction is transaction
        assert outcomes[position].receipt.transaction_id == transaction.id


@looped
async def test_no_more_than_the_window_is_in_flight(node: FakeNode, identity: Identity) -> None:
    asked: list[int] = []
    taken = 0

    def source() -> Iterator[Operation]:
        for update in updates(40):
            asked.append(len(asked) + 1 - taken)
            yield update

    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        async for _ in ledger.submit_many(source(), window=7):
            taken += 1
    assert taken == 40
    # One more may have been drawn from the source, waiting for room.
    assert max(asked) <= 8
    assert max(node.messages) <= 7


@looped
async def test_a_lost_stream_is_opened_at_the_next_node_and_the_same_bytes_are_sent_again(
    nodes: Nodes, identity: Identity
) -> None:
    first, second = nodes(2)
    first.hang_up_after.append(20)
    second.hang_up_after.append(30)
    async with connect(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        outcomes = [o async for o in ledger.submit_many(updates(200), window=64)]
    assert sorted(outcome.position for outcome in outcomes) == list(range(200))
    assert all(outcome.receipt.committed for outcome in outcomes)
    assert first.ledger.height == 200
    assert len(set(first.received + second.received)) == 200


@looped
async def test_a_node_that_stops_in_the_middle_loses_nothing(
    nodes: Nodes, identity: Identity
) -> None:
    first, second = nodes(2)
    done = 0
    async with connect(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        async for outcome in ledger.submit_many(updates(300), window=16):
            assert outcome.receipt.committed
            done += 1
            if done == 100:
                await asyncio.to_thread(first.stop)
    assert done == 300
    assert first.ledger.height == 300
    assert second.received


@looped
async def test_a_transaction_that_found_no_room_is_sent_again(
    node: FakeNode, identity: Identity
) -> None:
    node.steps.extend(Refusal("POOL_FULL", retry_after_us=10_000) for _ in range(25))
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        outcomes = [outcome async for outcome in ledger.submit_many(updates(50))]
    assert all(outcome.receipt.committed for outcome in outcomes)
    assert sum(Counter(node.received).values()) == 75


@looped
async def test_a_node_that_takes_nothing_any_more_is_left(nodes: Nodes, identity: Identity) -> None:
    first, second = nodes(2)
    first.steps.extend(Refusal("STOPPING") for _ in range(5))
    async with connect(
        [first.address, second.address], insecure=True, verify=False, identity=identity
    ) as ledger:
        outcomes = [outcome async for outcome in ledger.submit_many(updates(5))]
    assert all(outcome.receipt.committed for outcome in outcomes)
    assert second.received


@looped
async def test_what_befalls_one_transaction_stays_with_it(
    node: FakeNode, identity: Identity
) -> None:
    node.steps.append(Refusal("BAD_SIGNATURE"))
    node.ledger.outcomes.append("VERSION_MISMATCH")
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        outcomes = {o.position: o async for o in ledger.submit_many(updates(3))}
    codes = {position: o.error.code if o.error else None for position, o in outcomes.items()}
    assert codes == {0: Code.BAD_SIGNATURE, 1: Code.VERSION_MISMATCH, 2: None}
    with pytest.raises(LedgerError):
        _ = outcomes[0].receipt


@looped
async def test_silence_until_the_deadline_leaves_the_outcome_unknown(
    node: FakeNode, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.put_into(pipeline, monkeypatch)
    node.steps.append(Silence())
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        many = ledger.submit_many(updates(2), timeout_seconds=TIMEOUT_S)
        answered = await anext(many)
        now.put_forward(TIMEOUT_S)
        (unknown,) = [outcome async for outcome in many]
    assert (answered.position, answered.error) == (1, None)
    assert isinstance(unknown.error, OutcomeUnknown)


@looped
async def test_refusals_until_the_deadline_say_so(
    node: FakeNode, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.put_into(pipeline, monkeypatch)
    node.steps.append(Refusal("POOL_FULL", retry_after_us=3_600_000_000))
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        many = ledger.submit_many(updates(2), timeout_seconds=TIMEOUT_S)
        assert (await anext(many)).position == 1
        now.put_forward(TIMEOUT_S)
        (refused,) = [outcome async for outcome in many]
    assert refused.error is not None
    assert refused.error.code is Code.POOL_FULL


@looped
async def test_a_source_that_fails_raises_once_the_outcomes_before_it_are_there(
    node: FakeNode, identity: Identity
) -> None:
    async def source() -> AsyncIterator[Operation]:
        for update in updates(3):
            yield update
        raise LedgerError(Code.BAD_REQUEST, "line 4")

    found: list[int] = []

    async def take_all(ledger: Ledger) -> None:
        async for outcome in ledger.submit_many(source()):
            found.append(outcome.position)  # noqa: PERF401 - kept when the source raises

    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        with pytest.raises(LedgerError, match="line 4"):
            await take_all(ledger)
    assert sorted(found) == [0, 1, 2]


@looped
async def test_without_waiting_an_outcome_only_says_that_a_node_took_charge(
    node: FakeNode, identity: Identity
) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        outcomes = [o async for o in ledger.submit_many(updates(3), wait=Wait.NONE)]
    assert [o.status.stage for o in outcomes if o.status] == [Stage.PENDING] * 3
    with pytest.raises(LedgerError):
        _ = outcomes[0].receipt


@looped
async def test_outcomes_can_wait_until_they_are_certified(
    node: FakeNode, identity: Identity
) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        outcomes = [o async for o in ledger.submit_many(updates(3), wait=Wait.CERTIFIED)]
    assert [o.status.stage for o in outcomes if o.status] == [Stage.CERTIFIED] * 3
    assert all(o.receipt.committed for o in outcomes)


@looped
async def test_nothing_to_submit_ends_at_once(node: FakeNode, identity: Identity) -> None:
    async with connect(node.address, insecure=True, verify=False, identity=identity) as ledger:
        assert [outcome async for outcome in ledger.submit_many([])] == []
