"""Decision 0004: a new leader makes no block before it has executed its own no-op."""

import asyncio
from collections.abc import Callable

from tests.unit.node.led import BEFORE, Led
from twinledger.ledger.block import BlockBody
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.transaction import TransactionId


def add(node: Led, raw: bytes) -> TransactionId:
    transaction_id = TransactionId(raw.ljust(32, b"\0"))
    node.pool.add(transaction_id, raw, expires_at_us=1 << 60)
    return transaction_id


def told(story: Callable[[Led], None]) -> None:
    async def run() -> None:
        story(Led())

    asyncio.run(run())


def test_a_new_leader_proposes_nothing_before_it_has_executed_its_own_no_op():
    def story(node: Led) -> None:
        node.take_block(b"ordered already")
        ordered = add(node, b"ordered already")
        add(node, b"waits")
        node.lead()
        no_op = node.core.last_index
        node.execute(no_op - 1, ordered)
        assert node.core.last_index == no_op
        assert node.pool.waiting

    told(story)


def test_what_an_earlier_leader_ordered_is_not_proposed_again():
    def story(node: Led) -> None:
        node.take_block(b"ordered already")
        ordered = add(node, b"ordered already")
        add(node, b"waits")
        node.lead()
        no_op = node.core.last_index
        node.execute(1, ordered)
        node.execute(no_op)
        assert node.core.last_index == no_op + 1
        last = node.replica._persists[-1].entries[-1]
        assert BlockBody.parse(last.payload).transactions == (b"waits",)

    told(story)


def test_what_could_not_be_forwarded_in_time_is_not_proposed_twice_by_who_leads_by_then():
    async def story() -> None:
        node = Led()
        node.take_block(b"ordered already")
        late = asyncio.Event()

        class Slow:
            def send(self, _: object) -> None: ...

            async def forward(self, _: object) -> list[object]:
                await late.wait()
                raise LedgerError(Code.CONNECTION_LOST)

        node.replica.transport.peers[BEFORE] = Slow()  # type: ignore[assignment]
        add(node, b"waits")
        forwarding = asyncio.create_task(node.proposer.run())
        node.proposer.wake()
        await asyncio.sleep(0)
        assert not node.pool.waiting
        node.lead()
        no_op = node.core.last_index
        node.execute(no_op)
        assert node.core.last_index == no_op + 1
        late.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not node.pool.waiting
        forwarding.cancel()

    asyncio.run(story())
