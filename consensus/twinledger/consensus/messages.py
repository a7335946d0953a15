"""What nodes say to each other: one frozen class a message, none with two meanings.

An acceptance and a refusal of AppendEntries are different classes on purpose: one field that served
both once let a refusal advance the commit index (CCF, NSDI 2025).
"""

from twinledger.consensus.configuration import Configuration
from twinledger.consensus.types import Entry, Index, NodeId, Term
from twinledger.consensus.value import value


@value
class PreVoteRequest:
    """Would you vote for me in `term`? Asks before any term is raised (dissertation, 9.6)."""

    sender: NodeId
    recipient: NodeId
    term: Term
    """The term the sender would campaign in, one above its own."""
    last_index: Index
    last_term: Term


@value
class PreVoteResponse:
    """Answers a PreVoteRequest. Promises nothing."""

    sender: NodeId
    recipient: NodeId
    term: Term
    """Granted: the term that was asked about. Refused: the sender's own term."""
    granted: bool


@value
class VoteRequest:
    """Asks for a vote (dissertation, section 3.4). Leaves after the candidate's own sync."""

    sender: NodeId
    recipient: NodeId
    term: Term
    last_index: Index
    last_term: Term
    transfer: bool = False
    """The leader asked for this election, so that hearing from it lately is no reason to refuse."""


@value
class VoteResponse:
    """Answers a VoteRequest. A grant leaves only after (term, vote) is synced."""

    sender: NodeId
    recipient: NodeId
    term: Term
    granted: bool


@value
class Append:
    """AppendEntries: entries that follow the one at `previous_index` (dissertation, 3.5)."""

    sender: NodeId
    recipient: NodeId
    term: Term
    previous_index: Index
    previous_term: Term
    previous_hash: bytes
    """The rolling hash at `previous_index`: logs match by content, not only by term."""
    entries: tuple[Entry, ...]
    commit: Index


@value
class AppendAccepted:
    """The log matches the sender of the Append up to `index`, durably."""

    sender: NodeId
    recipient: NodeId
    term: Term
    index: Index
    """The end of what the message carried, not of the log."""


@value
class AppendRejected:
    """The log does not match at `previous_index`. Never advances anything."""

    sender: NodeId
    recipient: NodeId
    term: Term
    previous_index: Index
    """Of the Append that is answered: stale refusals are told apart by it."""
    hint_index: Index
    """The highest index at which the logs may still match."""
    hint_term: Term
    """The term at `hint_index` in the refuser's log, so that a probe skips a whole term."""


@value
class Heartbeat:
    """I still lead. Numbered: an acknowledgement proves leadership after its round began."""

    sender: NodeId
    recipient: NodeId
    term: Term
    commit: Index
    """At most what the recipient is known to match."""
    round: int


@value
class HeartbeatResponse:
    """Acknowledges one Heartbeat, by its round."""

    sender: NodeId
    recipient: NodeId
    term: Term
    round: int


@value
class StaleTerm:
    """Your message was of a past term; mine is `term`. Frees a node stuck in a higher term."""

    sender: NodeId
    recipient: NodeId
    term: Term


@value
class TimeoutNow:
    """Campaign at once: the leader hands over (dissertation, section 3.10)."""

    sender: NodeId
    recipient: NodeId
    term: Term


@value
class Snapshot:
    """What stands in for the log up to `index`. `data` belongs to the driver."""

    index: Index
    term: Term
    hash: bytes
    configuration: Configuration
    """In force after the entry at `index`."""
    data: bytes
    """Opaque: what the driver needs to fetch, verify and install the state."""


@value
class SnapshotOffer:
    """The entries you need are compacted away: take this instead (dissertation, section 5.3)."""

    sender: NodeId
    recipient: NodeId
    term: Term
    snapshot: Snapshot


@value
class SnapshotStatus:
    """The recipient of an offer gave up on it. Success is an AppendAccepted instead."""

    sender: NodeId
    recipient: NodeId
    term: Term
    index: Index
    """The offered snapshot's index."""


@value
class ReadRequest:
    """A follower asks from which index it may serve a read (dissertation, section 6.4)."""

    sender: NodeId
    recipient: NodeId
    term: Term
    context: bytes


@value
class ReadResponse:
    """Answers a ReadRequest after the leader confirmed that it still led."""

    sender: NodeId
    recipient: NodeId
    term: Term
    context: bytes
    index: Index


Message = (
    PreVoteRequest
    | PreVoteResponse
    | VoteRequest
    | VoteResponse
    | Append
    | AppendAccepted
    | AppendRejected
    | Heartbeat
    | HeartbeatResponse
    | StaleTerm
    | TimeoutNow
    | SnapshotOffer
    | SnapshotStatus
    | ReadRequest
    | ReadResponse
)
