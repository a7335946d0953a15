"""Gets waiting transactions ordered: the leader makes blocks, a follower forwards to the leader.

A block holds what is waiting when there is room for one more in flight, never what a timer says.
A new leader proposes nothing until it has executed its own no-op: then it has seen every
transaction of earlier leaders, and no transaction can stand in two blocks.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from twinledger.consensus import NodeId, NotLeader, ProposalsFull, TransferInProgress
from twinledger.ledger.block import BlockBody
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.node.feed import Feed
from twinledger.node.pool import Pending, Pool
from twinledger.node.replica import Replica, now_us
from twinledger.node.transport import Transport
from twinledger.v1.peer_service_pb2 import ForwardRefusal

_FORWARD_TRANSACTIONS: Final = 1000
_FORWARD_BYTES: Final = 4 << 20
_BLOCK_OVERHEAD_BYTES: Final = 16
"""The time field; each transaction costs up to `_FRAME_BYTES` besides its own bytes."""
_FRAME_BYTES: Final = 6
_RETRY_S: Final = 0.1

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Proposer:
    """Moves transactions from the pool towards a block."""

    pool: Pool
    replica: Replica
    transport: Transport
    limits: Callable[[], Limits]
    feed: Feed[Any]
    max_blocks_in_flight: int
    refused: Callable[[Pending, LedgerError], None] = lambda _pending, _error: None
    """Told of a transaction the leader will not take, however often it is sent."""
    _waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look again: something waits, a block was executed, or the leadership changed."""
        self.pool.follow(self.replica.leadership)
        if self.replica.leads:
            self._propose()
        elif self.pool.waiting:
            self._waiting.set()

    async def run(self) -> None:
        """Forward to the leader whenever this node does not lead."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            while self.pool.waiting and (leader := self._leader_elsewhere()) is not None:
                await self._forward(leader)

    def _propose(self) -> None:
        proposed = False
        while self.pool.waiting and self._room():
            pending = self._take_block()
            body = BlockBody(now_us(), tuple(p.raw for p in pending)).encode()
            try:
                self.replica.propose(body)
            except (NotLeader, ProposalsFull, TransferInProgress):
                # It stays in the pool: the next executed block or leadership wakes us again.
                self.pool.give_back((p.id for p in pending), self.pool.leadership)
                break
            proposed = True
        if proposed:
            self.replica.advance()

    def _room(self) -> bool:
        executed = self.feed.height
        return (
            executed >= self.replica.first_index_led
            and self.replica.core.last_index - executed < self.max_blocks_in_flight
        )

    def _take_block(self) -> list[Pending]:
        limits = self.limits()
        count = limits.max_block_transactions
        frames = count * _FRAME_BYTES + _BLOCK_OVERHEAD_BYTES
        return self.pool.take(count, limits.max_block_bytes - frames)

    def _leader_elsewhere(self) -> NodeId | None:
        leader = self.replica.core.leader
        return leader if leader in self.transport.peers else None

    async def _forward(self, leader: NodeId) -> None:
        leadership = self.pool.leadership
        pending = self.pool.take(_FORWARD_TRANSACTIONS, _FORWARD_BYTES)
        try:
            refusals = await self.transport.peers[leader].forward([p.raw for p in pending])
        except LedgerError as error:
            logger.warning(
                "could not forward to the leader", extra={"leader": leader, "reason": error.detail}
            )
            self.pool.give_back((p.id for p in pending), leadership)
            await asyncio.sleep(_RETRY_S)
            return
        if refusals:
            await self._take_refusals(pending, refusals, leadership)

    async def _take_refusals(
        self,
        pending: list[Pending],
        refusals: list[ForwardRefusal],
        leadership: tuple[int, str] | None,
    ) -> None:
        delay_us = 0
        for refusal in refusals:
            transaction = pending[refusal.position]
            error = refusal.error
            if error.retry_after_us or error.code == Code.NO_LEADER:
                self.pool.give_back([transaction.id], leadership)
                delay_us = max(delay_us, error.retry_after_us)
            else:
                self.refused(transaction, LedgerError(Code(error.code), error.message))
        await asyncio.sleep(max(_RETRY_S, delay_us / 1e6))
