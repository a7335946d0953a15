"""The feed tells everyone who waits, once, and lets them go when the node stops."""

import asyncio
from functools import partial

import pytest

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.transaction import TransactionId
from twinledger.node.feed import Feed

ID = TransactionId(bytes(32))


def test_everyone_who_waits_for_a_transaction_is_told_once():
    feed, heard = Feed[str](0), list[str]()
    feed.subscribe(ID, lambda outcome: heard.append("first " + outcome))
    feed.subscribe(ID, lambda outcome: heard.append("second " + outcome))
    feed.settle(ID, "done")
    feed.settle(ID, "again")
    assert heard == ["first done", "second done"]


def test_who_no_longer_waits_is_not_told_and_not_kept():
    feed, heard = Feed[str](0), list[str]()
    feed.subscribe(ID, heard.append)
    feed.unsubscribe(ID, heard.append)
    feed.settle(ID, "done")
    assert heard == []
    assert not feed._waiters


def test_a_height_that_was_reached_is_not_waited_for():
    asyncio.run(Feed[str](7).reached(7))


def test_who_waits_for_a_height_wakes_when_it_is_reached_and_not_before():
    async def story() -> None:
        feed = Feed[str](0)
        waiting = asyncio.create_task(feed.reached(2))
        feed.advance(1)
        await asyncio.sleep(0)
        assert not waiting.done()
        feed.advance(2)
        await waiting

    asyncio.run(story())


def test_who_waits_when_the_node_stops_is_told_so():
    async def story() -> None:
        feed = Feed[str](0)
        waiting = asyncio.create_task(feed.reached(2))
        await asyncio.sleep(0)
        feed.close()
        with pytest.raises(LedgerError) as stopped:
            await waiting
        assert stopped.value.code is Code.STOPPING

    asyncio.run(story())


def test_who_waits_for_a_certificate_is_told_once_when_its_height_is_certified():
    feed, heard = Feed[str](9), list[int]()
    for height in (3, 5, 5, 7):
        feed.when_certified(height, partial(heard.append, height))
    feed.certify(2)
    assert heard == []
    feed.certify(5)
    assert heard == [3, 5, 5]
    feed.certify(4)
    assert feed.certified_height == 5
    feed.certify(8)
    assert heard == [3, 5, 5, 7]


def test_who_no_longer_waits_for_a_certificate_is_not_told_and_not_kept():
    feed, heard = Feed[str](9), list[str]()
    told = partial(heard.append, "told")
    feed.when_certified(3, told)
    feed.forget_certified(3, told)
    feed.certify(3)
    assert heard == []
    assert not feed._certifiable
