"""What an operator asks of a node before it is stopped: to hand leadership over, and to drain.

A node that drains takes no writes (DRAINING, so that clients move on), keeps handing leadership
over should it come to lead, and ends what it has begun. It votes, orders and serves reads as ever.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from twinledger.consensus import ConsensusError, NodeId, Term
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.feed import Feed
from twinledger.node.pool import Pool
from twinledger.node.replica import Replica

_RETRY_AFTER_US: Final = 50_000
"""Other nodes take it at once; the delay only keeps a client from asking this one in a circle."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Duties:
    """Leads the node out of service and back."""

    node_id: NodeId
    replica: Replica
    pool: Pool
    feed: Feed[Any]
    draining: bool = False

    async def transfer(self, to: NodeId | None) -> tuple[NodeId, Term]:
        """Hand leadership over, to the furthest voter unless one is named; tell who leads then.

        Raises:
            LedgerError: NOT_LEADING, TRANSFER_FAILED.
        """
        core = self.replica.core
        if not self.replica.leads:
            raise LedgerError(Code.NOT_LEADING, _who_leads(core.leader))
        target = to or self.replica.furthest_voter()
        if target is None:
            raise LedgerError(Code.TRANSFER_FAILED, "no other voter is connected")
        try:
            self.replica.transfer_to(target)
        except ConsensusError as error:
            raise LedgerError(Code.TRANSFER_FAILED, str(error)) from error
        return await self._successor(target)

    async def _successor(self, target: NodeId) -> tuple[NodeId, Term]:
        """Wait until another leads, or the attempt is over."""
        core = self.replica.core
        for _ in range(self.replica.max_hand_over_ticks):
            if core.leader not in (None, self.node_id):
                return core.leader, core.term
            if self.replica.leads and core.transferee is None:
                break
            await asyncio.sleep(self.replica.tick_s)
        raise LedgerError(Code.TRANSFER_FAILED, f"{target} did not take over in time")

    def drain(self) -> None:
        """Take no more writes."""
        if not self.draining:
            logger.info("the node drains")
        self.draining = True
        self.look()

    def undo(self) -> None:
        """Take writes again."""
        if self.draining:
            logger.info("the node takes writes again")
        self.draining = False

    def look(self) -> None:
        """Hand leadership over while draining. Called again and again."""
        if self.draining and self.replica.leads:
            self.replica.transfer_leadership()

    def refusal(self) -> LedgerError | None:
        """Return why no write is taken now; None when writes are."""
        if not self.draining:
            return None
        return LedgerError(Code.DRAINING, retry_after_us=_RETRY_AFTER_US)

    def waits_for(self) -> list[str]:
        """Say, a sentence each, why the draining node must not be stopped yet."""
        if not self.draining:
            return []
        said = []
        if self.replica.leads:
            said.append("It still leads: no other voter has taken over.")
        if len(self.pool):
            said.append(f"Transactions that wait here to be ordered: {len(self.pool)}.")
        if self.feed.awaited:
            said.append(f"Answers that are awaited here: {self.feed.awaited}.")
        return said + self._lost_quorum()

    def _lost_quorum(self) -> list[str]:
        """Say so when the others alone could not order."""
        configuration, peers = self.replica.core.configuration, self.replica.transport.peers
        for voters in (configuration.voters, configuration.outgoing):
            if self.node_id not in voters:
                continue
            others = [node for node in voters if node in peers and peers[node].connected]
            needed = _majority(voters)
            if len(others) < needed:
                told = f"{len(others)} of {len(voters)} voters answer, and it takes {needed}"
                return [f"Without it {told} to order: writes would stop."]
        return []


def _majority(voters: Sequence[NodeId]) -> int:
    return len(voters) // 2 + 1


def _who_leads(leader: NodeId | None) -> str:
    return f"{leader} leads" if leader else "nobody is known to lead"
