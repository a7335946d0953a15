"""The window's bookkeeping, without any I/O."""

import pytest

from twinledger.client import Code, LedgerError, OutcomeUnknown, SignedTransaction
from twinledger.client.window import Window

BUSY = LedgerError(Code.POOL_FULL)
GONE = LedgerError(Code.CONNECTION_LOST)


def transaction(number: int, size: int = 10) -> SignedTransaction:
    return SignedTransaction(number.to_bytes(32), bytes(size), 0)


def window(count: int, size: int = 100, transaction_bytes: int = 10) -> Window:
    made = Window(size)
    made.add([transaction(n, transaction_bytes) for n in range(count)], deadline=10.0)
    return made


def test_a_window_needs_room_for_one() -> None:
    with pytest.raises(LedgerError):
        Window(0)


def test_outcomes_that_nobody_took_count_against_the_room() -> None:
    made = window(3, size=4)
    for item in made.next_message():
        made.settle(item, None, None)
    assert made.unsettled == 0
    assert made.room == 1
    assert len(made.take()) == 3
    assert made.room == 4


def test_a_message_is_bounded_in_transactions() -> None:
    made = window(300, size=1000)
    assert [len(made.next_message()) for _ in range(3)] == [256, 44, 0]


def test_a_message_is_bounded_in_bytes_but_carries_at_least_one() -> None:
    made = window(3, transaction_bytes=700_000)
    assert [len(made.next_message()) for _ in range(4)] == [1, 1, 1, 0]


def test_a_lost_stream_puts_everything_unsettled_back_in_order() -> None:
    made = window(4)
    items = made.next_message()
    made.settle(items[1], None, None)
    made.stream_lost()
    again = made.next_message()
    assert [item.position for item in again] == [0, 2, 3]
    assert all(item.uncertain for item in again)


def test_a_delayed_one_is_not_queued_twice_when_the_stream_is_lost_meanwhile() -> None:
    made = window(1)
    (item,) = made.next_message()
    made.refused_for_now(item, BUSY)
    made.stream_lost()
    made.queue_again(item)
    assert [each.position for each in made.next_message()] == [0]
    made.queue_again(item)
    assert made.next_message() == []


def test_a_second_outcome_changes_nothing() -> None:
    made = window(1)
    (item,) = made.next_message()
    made.settle(item, None, None)
    made.settle(item, None, BUSY)
    assert [outcome.error for outcome in made.take()] == [None]


def test_only_those_whose_deadline_passed_are_given_up() -> None:
    made = window(1)
    made.add([transaction(1)], deadline=20.0)
    made.give_up(15.0, GONE)
    assert [outcome.position for outcome in made.take()] == [0]
    assert made.unsettled == 1


def test_one_that_was_never_sent_is_given_up_as_not_taken() -> None:
    made = window(1)
    made.give_up(10.0, GONE)
    assert [outcome.error for outcome in made.take()] == [GONE]


def test_one_that_was_refused_is_given_up_with_its_refusal() -> None:
    made = window(1)
    (item,) = made.next_message()
    made.refused_for_now(item, BUSY)
    made.give_up(10.0, GONE)
    assert [outcome.error for outcome in made.take()] == [BUSY]


@pytest.mark.parametrize("lost", [False, True])
def test_one_that_is_or_was_in_flight_is_given_up_as_unknown(lost: bool) -> None:
    made = window(1)
    made.next_message()
    if lost:
        made.stream_lost()
    made.give_up(10.0, GONE)
    (outcome,) = made.take()
    assert isinstance(outcome.error, OutcomeUnknown)
    assert outcome.error.transaction_id == transaction(0).id


def test_a_refusal_that_leaves_the_outcome_open_is_remembered_as_such() -> None:
    made = window(1)
    (item,) = made.next_message()
    made.refused_for_now(item, LedgerError(Code.OUTCOME_UNKNOWN))
    made.give_up(10.0, GONE)
    (outcome,) = made.take()
    assert isinstance(outcome.error, OutcomeUnknown)
