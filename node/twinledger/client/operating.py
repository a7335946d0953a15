"""What operators ask of one node: how it is, to hand leadership over, and to drain.

No other node answers in its place: such a call is for the node it names or for none.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from twinledger.client.attempts import Attempts, Deadline
from twinledger.client.chain_records import NodeStatus
from twinledger.client.nodes import Node
from twinledger.client.session import Session
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1 import operator_service_pb2

Answer = TypeVar("Answer")

_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Leadership:
    """Who leads now.

    Attributes:
        leader_id: The node.
        term: The term it leads.
    """

    leader_id: str
    term: int


class OperatedNode:
    """One node, for the admins and operators of its member."""

    def __init__(self, session: Session, name: str) -> None:
        """Use `Ledger.node`."""
        self._session = session
        self._name = name

    async def status(self, *, timeout_seconds: float | None = None) -> NodeStatus:
        """How it is; auditors and the staff of other members may ask too."""

        async def attempt(node: Node, seconds: float) -> NodeStatus:
            request = operator_service_pb2.GetStatusRequest()
            return NodeStatus.from_message(await node.operator.GetStatus(request, timeout=seconds))

        return await self._run(attempt, timeout_seconds)

    async def transfer_leadership(
        self, to: str | None = None, *, timeout_seconds: float | None = None
    ) -> Leadership:
        """Has it hand leadership to another node and waits until that leads.

        Args:
            to: The id of the node that shall lead; None for the one that is furthest.
            timeout_seconds: How long to try.

        Raises:
            LedgerError: NOT_LEADING; TRANSFER_FAILED, and then it leads as before.
        """

        async def attempt(node: Node, seconds: float) -> Leadership:
            request = operator_service_pb2.TransferLeadershipRequest(to=to or "")
            answer = await node.operator.TransferLeadership(request, timeout=seconds)
            return Leadership(answer.leader_id, answer.term)

        return await self._run(attempt, timeout_seconds)

    async def call_for_another_leader(self, *, timeout_seconds: float | None = None) -> Leadership:
        """Has a node that follows call for another leader, and waits until there is one.

        The leader goes when the nodes of a majority of those who order call, each for itself.

        Raises:
            LedgerError: TRANSFER_FAILED, naming who called.
        """
        deadline = Deadline(self._seconds(timeout_seconds))

        async def attempt(node: Node, seconds: float) -> tuple[str, Sequence[str]]:
            request = operator_service_pb2.TransferLeadershipRequest(call=True)
            answer = await node.operator.TransferLeadership(request, timeout=seconds)
            return answer.leader_id, answer.callers

        before, callers = await self._run(attempt, deadline.remaining)
        while deadline.remaining > _POLL_SECONDS:
            status = await self.status(timeout_seconds=deadline.remaining)
            if status.leader_id not in (None, before):
                return Leadership(status.leader_id or "", status.term)
            await asyncio.sleep(_POLL_SECONDS)
        said = f"{before} leads on; the calls of {', '.join(callers)} are too few"
        raise LedgerError(Code.TRANSFER_FAILED, said)

    async def drain(self, *, timeout_seconds: float | None = None) -> None:
        """Has it take no more writes, and waits until it is safe to stop.

        It hands over leadership and ends what it has begun; reads go on. It drains until it is
        started again, or until `take_writes`, also when this raises.

        Raises:
            LedgerError: NOT_DRAINED, saying what it still waits for.
        """
        deadline = Deadline(self._seconds(timeout_seconds))
        while waits_for := await self._drain(undo=False, seconds=deadline.remaining):
            if deadline.remaining <= _POLL_SECONDS:
                raise LedgerError(Code.NOT_DRAINED, " ".join(waits_for).rstrip("."))
            await asyncio.sleep(_POLL_SECONDS)

    async def take_writes(self, *, timeout_seconds: float | None = None) -> None:
        """Ends its draining."""
        await self._drain(undo=True, seconds=self._seconds(timeout_seconds))

    async def _drain(self, *, undo: bool, seconds: float) -> tuple[str, ...]:
        async def attempt(node: Node, seconds: float) -> tuple[str, ...]:
            request = operator_service_pb2.DrainRequest(undo=undo)
            return tuple((await node.operator.Drain(request, timeout=seconds)).waits_for)

        return await self._run(attempt, seconds)

    def _seconds(self, timeout_seconds: float | None) -> float:
        return self._session.timeout_seconds if timeout_seconds is None else timeout_seconds

    async def _run(
        self, attempt: Callable[[Node, float], Awaitable[Answer]], timeout_seconds: float | None
    ) -> Answer:
        nodes = self._session.nodes.only(self._name)
        try:
            return await Attempts(nodes, Deadline(self._seconds(timeout_seconds))).run(attempt)
        finally:
            await nodes.close()
