"""What can be known to be wrong about a message without looking at any state but our own id.

Types are the transport's business: what comes here has the fields its class says it has.
"""

from collections.abc import Mapping
from typing import Final

from twinledger.consensus.configuration import Configuration, check
from twinledger.consensus.dropped import Reason
from twinledger.consensus.errors import BadConfiguration
from twinledger.consensus.messages import (
    Append,
    AppendAccepted,
    AppendRejected,
    Heartbeat,
    HeartbeatResponse,
    Message,
    PreVoteRequest,
    ReadResponse,
    Snapshot,
    SnapshotOffer,
    SnapshotStatus,
    VoteRequest,
)
from twinledger.consensus.types import HASH_BYTES, MAX_NUMBER, EntryKind, NodeId, entry_hash

# Every field of a message that is an index, a term besides the message's own, or a round.
_NUMBERS: Final[Mapping[type[Message], tuple[str, ...]]] = {
    PreVoteRequest: ("last_index", "last_term"),
    VoteRequest: ("last_index", "last_term"),
    Append: ("previous_index", "previous_term", "commit"),
    AppendAccepted: ("index",),
    AppendRejected: ("previous_index", "hint_index", "hint_term"),
    Heartbeat: ("commit", "round"),
    HeartbeatResponse: ("round",),
    SnapshotStatus: ("index",),
    ReadResponse: ("index",),
}

_WITH_CONTENT: Final = frozenset({Append, PreVoteRequest, VoteRequest, SnapshotOffer})


def fault(node: NodeId, message: Message) -> Reason | None:
    """Return why this message cannot be right, or None."""
    if message.recipient != node:
        return Reason.WRONG_RECIPIENT
    if message.sender in ("", node):
        return Reason.UNKNOWN_SENDER
    if not 0 < message.term < MAX_NUMBER:
        return Reason.IMPOSSIBLE_TERM
    kind = type(message)
    for name in _NUMBERS.get(kind, ()):
        if not 0 <= getattr(message, name) < MAX_NUMBER:
            return Reason.IMPOSSIBLE_INDEX
    return _content_fault(message) if kind in _WITH_CONTENT else None


def _content_fault(message: Message) -> Reason | None:
    match message:
        case Append():
            return _append_fault(message)
        case PreVoteRequest() | VoteRequest():
            possible = _is_place(message.last_index, message.last_term, message.term)
            return None if possible else Reason.IMPOSSIBLE_TERM
        case SnapshotOffer():
            return _snapshot_fault(message.snapshot, message)
        case _:
            return None


def _is_place(index: int, term: int, message_term: int) -> bool:
    """Whether a log can hold this term at this index, as a node of the message's term sees it."""
    return term <= message_term and (index == 0) == (term == 0)


def _append_fault(message: Append) -> Reason | None:
    """Check that the entries continue the previous one: indexes, terms, rolling hashes."""
    if not _is_place(message.previous_index, message.previous_term, message.term):
        return Reason.IMPOSSIBLE_TERM
    if len(message.previous_hash) != HASH_BYTES:
        return Reason.BROKEN_ENTRIES
    index, term = message.previous_index, message.previous_term
    content = message.previous_hash
    for entry in message.entries:
        if entry.index != index + 1 or not term <= entry.term <= message.term or entry.term == 0:
            return Reason.BROKEN_ENTRIES
        content = entry_hash(content, entry.index, entry.term, entry.kind, entry.payload)
        if content != entry.hash:
            return Reason.BROKEN_ENTRIES
        if entry.kind is EntryKind.CONFIGURATION and not _decodes(entry.payload):
            return Reason.BAD_CONFIGURATION
        index, term = entry.index, entry.term
    return None


def _decodes(payload: bytes) -> bool:
    try:
        Configuration.decode(payload)
    except BadConfiguration:
        return False
    return True


def _snapshot_fault(snapshot: Snapshot, message: SnapshotOffer) -> Reason | None:
    if (
        not 0 < snapshot.index < MAX_NUMBER
        or snapshot.term < 1
        or not _is_place(snapshot.index, snapshot.term, message.term)
    ):
        return Reason.IMPOSSIBLE_INDEX
    if len(snapshot.hash) != HASH_BYTES:
        return Reason.BROKEN_ENTRIES
    try:
        check(snapshot.configuration)
    except BadConfiguration:
        return Reason.BAD_CONFIGURATION
    return None
