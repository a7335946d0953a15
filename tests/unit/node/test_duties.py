"""A node is led out of service: it hands leadership over, drains, and says what that waits for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.unit.node.led import BEFORE, ME, Led
from twinledger.consensus import NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.transaction import TransactionId
from twinledger.node.duties import Duties

WAITING = TransactionId(b"waits".ljust(32, b"\0"))

Story = Callable[[Led, Duties], Coroutine[Any, Any, None]]


def told(story: Story) -> None:
    async def run() -> None:
        node = Led()
        await story(node, Duties(ME, node.replica, node.pool, node.feed))

    asyncio.run(run())


def leading(node: Led) -> None:
    node.connect()
    node.take_block(b"one")
    node.lead()


def test_who_does_not_lead_hands_nothing_over_and_names_who_does() -> None:
    async def story(node: Led, duties: Duties) -> None:
        node.take_block(b"one")
        with pytest.raises(LedgerError) as refused:
            await duties.transfer(None)
        assert (refused.value.code, refused.value.detail) == (Code.NOT_LEADING, "before leads")

    told(story)


def test_leadership_goes_to_whom_the_operator_names_and_the_answer_says_who_leads() -> None:
    async def story(node: Led, duties: Duties) -> None:
        leading(node)
        handing = asyncio.create_task(duties.transfer(BEFORE))
        await asyncio.sleep(0)
        assert node.core.transferee == BEFORE
        node.follow(term=3)
        assert await handing == (BEFORE, 3)

    told(story)


@pytest.mark.parametrize("to", [NodeId("stranger"), ME])
def test_leadership_does_not_go_to_who_has_no_other_vote(to: NodeId) -> None:
    async def story(node: Led, duties: Duties) -> None:
        leading(node)
        with pytest.raises(LedgerError) as refused:
            await duties.transfer(to)
        assert refused.value.code is Code.TRANSFER_FAILED
        assert node.replica.leads

    told(story)


def test_a_transfer_that_nobody_takes_up_is_told_as_failed() -> None:
    async def story(node: Led, duties: Duties) -> None:
        leading(node)
        with pytest.raises(LedgerError) as refused:
            await duties.transfer(None)
        assert refused.value.code is Code.TRANSFER_FAILED
        assert BEFORE in refused.value.detail

    told(story)


def test_a_leader_that_drains_takes_no_writes_and_hands_over_whenever_it_leads() -> None:
    async def story(node: Led, duties: Duties) -> None:
        assert duties.refusal() is None
        leading(node)
        duties.drain()
        assert node.core.transferee == BEFORE
        refusal = duties.refusal()
        assert refusal is not None
        assert (refusal.code, refusal.retry_after_us > 0) == (Code.DRAINING, True)
        assert duties.waits_for()[0] == "It still leads: no other voter has taken over."
        duties.undo()
        assert duties.refusal() is None

    told(story)


def test_draining_waits_for_what_was_begun() -> None:
    async def story(node: Led, duties: Duties) -> None:
        node.connect()
        node.take_block(b"one")
        node.pool.add(WAITING, b"waits", expires_at_us=1 << 60)
        outcomes: list[Any] = []
        node.feed.subscribe(WAITING, outcomes.append)
        duties.drain()
        first, second = duties.waits_for()[:2]
        assert first == "Transactions that wait here to be ordered: 1."
        assert second == "Answers that are awaited here: 1."

    told(story)


def test_a_node_without_which_nothing_is_ordered_is_not_safe_to_stop() -> None:
    async def story(node: Led, duties: Duties) -> None:
        node.connect()
        node.take_block(b"one")
        duties.drain()
        (reason,) = duties.waits_for()
        assert reason.startswith("Without it 1 of 2 voters answer, and it takes 2")

    told(story)
