"""A leader that orders not is alarmed at; a majority of callers, and nobody less, replaces it."""

import asyncio
from collections.abc import Callable, Collection

import pytest

from tests.unit.node.led import BEFORE, ME, Led
from twinledger.consensus import Configuration, NodeId
from twinledger.ledger.transaction import TransactionId
from twinledger.node.leader_calls import LeaderCalls, enough
from twinledger.node.leader_watch import LeaderWatch
from twinledger.node.order_alarm import OrderAlarm
from twinledger.node.pool import Pending
from twinledger.v1.peer_service_pb2 import LeadershipCall

WITHIN_S = 10.0
LED = (1, "before")
A, B, C, D = map(NodeId, "abcd")


def waiting(came_s: float) -> Pending:
    return Pending(TransactionId(bytes(32)), b"", 1 << 60, came_s)


def test_a_transaction_that_waits_longer_than_the_bound_raises_one_alarm_that_names_the_leader():
    alarm = OrderAlarm(WITHIN_S)
    assert not alarm.look(0, LED, waiting(0))
    assert not alarm.look(9.9, LED, waiting(0))
    assert alarm.look(10, LED, waiting(0))
    assert not alarm.look(11, LED, waiting(0))
    assert alarm.standing is not None
    assert alarm.standing.sentence.startswith("before leads and has not ordered a transaction")


@pytest.mark.parametrize("settled", [None, waiting(9)])
def test_the_alarm_ends_when_the_transaction_is_ordered(settled: Pending | None):
    alarm = OrderAlarm(WITHIN_S)
    alarm.look(0, LED, waiting(0))
    assert alarm.look(10, LED, waiting(0))
    alarm.look(11, LED, settled)
    assert alarm.standing is None


@pytest.mark.parametrize("after", [(2, "another"), None])
def test_a_new_leader_begins_anew(after: tuple[int, str] | None):
    alarm = OrderAlarm(WITHIN_S)
    alarm.look(0, LED, waiting(0))
    assert not alarm.look(10, after, waiting(0))
    assert not alarm.look(19, after, waiting(0))


def test_a_call_counts_while_it_is_repeated_and_only_against_the_leadership_it_names():
    calls = LeaderCalls()
    calls.note(A, LED, 0)
    calls.note(B, (2, "before"), 0)
    assert calls.against(LED, 4) == {A}
    assert calls.against(LED, 5) == frozenset()


@pytest.mark.parametrize(
    ("configuration", "callers", "so"),
    [
        (Configuration((A, B, C, D)), {A, B}, False),
        (Configuration((A, B, C, D)), {A, B, C}, True),
        (Configuration((A, B, C)), {A}, False),
        (Configuration((A, B)), {A}, False),
        (Configuration((A, B, C)), {A, NodeId("x"), NodeId("y")}, False),
        (Configuration((A, B, C), outgoing=(C, D)), {A, B}, False),
        (Configuration((A, B, C), outgoing=(C, D)), {A, C, D}, True),
    ],
)
def test_enough_is_a_majority_of_all_who_order(
    configuration: Configuration, callers: Collection[NodeId], so: bool
):
    assert enough(configuration, callers) is so


def watch(node: Led, now: list[float]) -> LeaderWatch:
    node.pool.now_s = lambda: now[0]
    return LeaderWatch(ME, node.replica, node.pool, OrderAlarm(WITHIN_S), now_s=lambda: now[0])


def told(story: Callable[[Led, LeaderWatch, list[float]], None]) -> None:
    async def run() -> None:
        node, now = Led(), [0.0]
        story(node, watch(node, now), now)

    asyncio.run(run())


def test_who_is_alarmed_alone_goes_on_following() -> None:
    def story(node: Led, watching: LeaderWatch, now: list[float]) -> None:
        node.connect()
        node.take_block(b"one")
        node.pool.add(TransactionId(bytes(32)), b"", expires_at_us=1 << 60)
        watching.look()
        now[0] = 11
        assert watching.look() is not None
        assert node.core.leader == BEFORE
        assert [said for said in watching.warnings() if "Call for another" in said]
        assert node.replica.transport.peers[BEFORE]._leadership_call is not None

    told(story)


def test_who_calls_with_a_majority_hears_the_leader_no_more_for_a_while_and_then_again() -> None:
    async def story() -> None:
        node, now = Led(), [0.0]
        watching = watch(node, now)
        node.connect()
        node.take_block(b"one")
        watching.call()
        watching.received(BEFORE, LeadershipCall(term=1, leader_id=BEFORE))
        assert node.core.leader is None
        node.follow(term=1)
        assert node.core.leader is None
        for _ in range(60):
            node.replica._come_back()
        node.follow(term=1)
        assert node.core.leader == BEFORE

    asyncio.run(story())


def test_others_calls_do_not_make_a_node_leave_a_leader_it_has_nothing_against() -> None:
    def story(node: Led, watching: LeaderWatch, _: list[float]) -> None:
        node.take_block(b"one")
        watching.received(BEFORE, LeadershipCall(term=1, leader_id=BEFORE))
        watching.received(NodeId("x"), LeadershipCall(term=1, leader_id=BEFORE))
        assert node.core.leader == BEFORE

    told(story)


def test_a_leader_hands_over_when_a_majority_calls() -> None:
    async def story() -> None:
        node, now = Led(), [0.0]
        watching = watch(node, now)
        node.connect()
        node.take_block(b"one")
        node.lead()
        call = LeadershipCall(term=2, leader_id=ME)
        watching.received(BEFORE, call)
        assert node.core.transferee is None
        watching.received(ME, call)
        assert node.core.transferee == BEFORE

    asyncio.run(story())
