"""What a message promises must be durable at its sender before it leaves.

A vote, an own candidacy and an acknowledgement are promises: a power cut right after the message
must not make the node forget them. Everything else may leave at once. An id whose disk lost what
it had acknowledged promises nothing any more: whoever comes back in its place has a new one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from twinledger.consensus import (
    AppendAccepted,
    Message,
    NodeId,
    Role,
    VoteRequest,
    VoteResponse,
)
from twinledger.simulation.broken import InvariantBroken
from twinledger.simulation.process import Process

PROMISES: Final[frozenset[type[Message]]] = frozenset({AppendAccepted, VoteRequest, VoteResponse})
"""What promises anything. Other messages need no check."""


class Promises:
    """Every vote ever given, and the check of each promise against its sender's disk."""

    __slots__ = ("_checks", "_processes", "_votes")

    def __init__(self, processes: Mapping[NodeId, Process]) -> None:
        """`processes` are all nodes there will ever be."""
        self._processes = processes
        self._votes: dict[tuple[NodeId, int], NodeId] = {}
        self._checks: Mapping[type[Message], Callable[[Any], None]] = {
            AppendAccepted: self._acknowledgement,
            VoteRequest: self._candidacy,
            VoteResponse: self._vote,
        }

    def voted(self, voter: NodeId, term: int) -> NodeId | None:
        """Return whom a node voted for, as far as a vote or candidacy ever left it."""
        return self._votes.get((voter, term))

    def check(self, message: Message) -> None:
        """Check one of PROMISES at the moment it leaves."""
        self._checks[type(message)](message)

    def _candidacy(self, message: VoteRequest) -> None:
        self._gives(message.sender, message.term, message.sender)

    def _vote(self, message: VoteResponse) -> None:
        if message.granted:
            self._gives(message.sender, message.term, message.recipient)

    def _must_be_whole(self, sender: NodeId) -> None:
        if self._processes[sender].disk.lost:
            raise InvariantBroken("lost ids stay silent", f"{sender} promises again")

    def _gives(self, voter: NodeId, term: int, candidate: NodeId) -> None:
        self._must_be_whole(voter)
        before = self._votes.setdefault((voter, term), candidate)
        if before != candidate:
            raise InvariantBroken(
                "one vote a term", f"{voter} votes for {before} and {candidate} in term {term}"
            )
        saved = self._processes[voter].disk.hard_state
        if saved.term < term or (saved.term == term and saved.vote != candidate):
            raise InvariantBroken(
                "vote durability", f"{voter} gives a vote of term {term} it may forget"
            )

    def _acknowledgement(self, message: AppendAccepted) -> None:
        self._must_be_whole(message.sender)
        journal, index = self._processes[message.sender].disk.journal, message.index
        if index > journal.last_index():
            raise InvariantBroken(
                "acknowledgement durability", f"{message.sender} accepts {index}, not durable"
            )
        leader = self._processes.get(message.recipient)
        if leader is None or leader.raft is None or index <= journal.base:
            return
        if leader.raft.role is not Role.LEADER or leader.raft.term != message.term:
            return
        if not leader.disk.written.holds(index, journal.hash(index)):
            raise InvariantBroken(
                "acknowledgement accuracy",
                f"{message.sender} accepts {index}, which its leader does not have",
            )
