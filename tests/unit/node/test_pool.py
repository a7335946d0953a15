"""The pool: bounded, each transaction once, and nothing lost with a leader."""

import pytest

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.transaction import TransactionId
from twinledger.node.pool import Pool


def identity(number: int) -> TransactionId:
    return TransactionId(number.to_bytes(32, "big"))


def pool_of(count: int, *, size: int = 10) -> Pool:
    pool = Pool(max_transactions=100, max_bytes=10_000)
    for number in range(count):
        pool.add(identity(number), bytes(size), expires_at_us=1_000 + number)
    return pool


def test_a_transaction_that_waits_already_is_not_counted_twice():
    pool = pool_of(1)
    pool.add(identity(0), bytes(10), 1_000)
    assert len(pool) == 1
    assert pool.total_bytes == 10


def test_a_pool_with_too_many_transactions_refuses_with_a_delay():
    pool = pool_of(100)
    with pytest.raises(LedgerError) as refused:
        pool.add(identity(100), b"x", 1)
    assert refused.value.code is Code.POOL_FULL
    assert refused.value.retry_after_us > 0


def test_a_pool_with_too_many_bytes_refuses():
    pool = pool_of(1, size=9_995)
    with pytest.raises(LedgerError) as refused:
        pool.add(identity(1), bytes(6), 1)
    assert refused.value.code is Code.POOL_FULL


def test_what_is_taken_is_bounded_in_number_and_bytes_and_keeps_its_order():
    pool = pool_of(10)
    assert [p.id for p in pool.take(3, 1_000)] == [identity(n) for n in range(3)]
    assert [p.id for p in pool.take(100, 25)] == [identity(3), identity(4)]


def test_a_transaction_larger_than_the_bound_is_taken_alone():
    pool = pool_of(2, size=50)
    assert len(pool.take(10, 20)) == 1


def test_what_was_taken_waits_no_more_until_it_is_given_back():
    pool = pool_of(2)
    taken = pool.take(2, 1_000)
    assert not pool.waiting
    pool.give_back([taken[0].id], pool.leadership)
    assert [p.id for p in pool.take(2, 1_000)] == [identity(0)]


def test_a_new_leader_is_given_everything_again():
    pool = pool_of(3)
    pool.follow((1, "a"))
    pool.take(3, 1_000)
    pool.follow((1, "a"))
    assert not pool.waiting
    pool.follow((2, "b"))
    assert len(pool.take(3, 1_000)) == 3


def test_a_settled_transaction_is_forgotten_with_its_bytes():
    pool = pool_of(2)
    pool.remove(identity(0))
    pool.remove(identity(0))
    assert len(pool) == 1
    assert pool.total_bytes == 10
    assert [p.id for p in pool.take(5, 1_000)] == [identity(1)]


def test_only_what_block_time_has_passed_expires():
    pool = pool_of(3)
    assert [p.id for p in pool.expired(1_001)] == [identity(0)]
    assert len(pool) == 2
    assert list(pool.expired(1_001)) == []


def test_a_removed_transaction_does_not_expire_again():
    pool = pool_of(1)
    pool.remove(identity(0))
    assert list(pool.expired(5_000)) == []
