"""What waits to leave: messages at once, promises after the sync they depend on.

A ticket stands for one Persist that the driver has and has not reported. When the log is truncated
below a ticket's end, the ticket's claim shrinks: entries it wrote were overwritten, and even if the
same entries come back, only the later write counts (etcd's append race, ABA).
"""

from collections import deque
from dataclasses import dataclass

from twinledger.consensus.messages import Message
from twinledger.consensus.types import Index, Term


@dataclass(slots=True)
class Ticket:
    """One outstanding Persist."""

    sequence: int
    end: Index
    """Everything up to here is durable once this Persist is synced; 0 if it carried no entry."""
    own_vote: Term | None
    """The term in which this Persist makes the node's vote for itself durable."""


class Outbox:
    """Messages, promises and outstanding persists of one node."""

    __slots__ = ("messages", "promises", "sequence", "tickets")

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.promises: list[Message] = []
        self.tickets: deque[Ticket] = deque()
        self.sequence = 0

    def take_messages(self) -> tuple[Message, ...]:
        """Hand over what may leave at once."""
        if not self.messages:
            return ()
        messages = tuple(self.messages)
        self.messages.clear()
        return messages

    def take_promises(self) -> tuple[Message, ...]:
        """Hand over what may leave once everything before it is durable."""
        if not self.promises:
            return ()
        promises = tuple(self.promises)
        self.promises.clear()
        return promises

    def issue(self, end: Index, own_vote: Term | None) -> int:
        """Note a new Persist and return its sequence."""
        self.sequence += 1
        self.tickets.append(Ticket(self.sequence, end, own_vote))
        return self.sequence

    def settle(self, sequence: int) -> list[Ticket]:
        """Remove and return the tickets up to this sequence."""
        settled: list[Ticket] = []
        while self.tickets and self.tickets[0].sequence <= sequence:
            settled.append(self.tickets.popleft())
        return settled

    def supersede(self, from_index: Index) -> None:
        """Take back what outstanding persists claim about this index and above."""
        for ticket in self.tickets:
            ticket.end = min(ticket.end, Index(from_index - 1))
