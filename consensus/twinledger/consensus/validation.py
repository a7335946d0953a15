"""What can be known to be wrong about a message without looking at any state but our own id.

Types are the transport's business: what comes here has the fields its class says it has.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

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
    SnapshotOffer,
    SnapshotStatus,
    VoteRequest,
)
from twinledger.consensus.types import CONFIGURATION, HASH_BYTES, MAX_NUMBER, NodeId, entry_hash


def fault(node: NodeId, message: Message) -> Reason | None:
    """Return why this message cannot be right, or None."""
    if message.recipient != node:
        return Reason.WRONG_RECIPIENT
    if not message.sender or message.sender == node:
        return Reason.UNKNOWN_SENDER
    if not 0 < message.term < MAX_NUMBER:
        return Reason.IMPOSSIBLE_TERM
    check = _CHECKS.get(type(message))
    return None if check is None else check(message)


def _index_fault(message: AppendAccepted | SnapshotStatus | ReadResponse) -> Reason | None:
    return None if 0 <= message.index < MAX_NUMBER else Reason.IMPOSSIBLE_INDEX


def _heartbeat_fault(message: Heartbeat) -> Reason | None:
    possible = 0 <= message.commit < MAX_NUMBER and 0 <= message.round < MAX_NUMBER
    return None if possible else Reason.IMPOSSIBLE_INDEX


def _heartbeat_response_fault(message: HeartbeatResponse) -> Reason | None:
    return None if 0 <= message.round < MAX_NUMBER else Reason.IMPOSSIBLE_INDEX


def _rejection_fault(message: AppendRejected) -> Reason | None:
    numbers = (message.previous_index, message.hint_index, message.hint_term)
    possible = all(0 <= number < MAX_NUMBER for number in numbers)
    return None if possible else Reason.IMPOSSIBLE_INDEX


def _request_fault(message: PreVoteRequest | VoteRequest) -> Reason | None:
    if not (0 <= message.last_index < MAX_NUMBER and 0 <= message.last_term < MAX_NUMBER):
        return Reason.IMPOSSIBLE_INDEX
    possible = _is_place(message.last_index, message.last_term, message.term)
    return None if possible else Reason.IMPOSSIBLE_TERM


def _is_place(index: int, term: int, message_term: int) -> bool:
    """Whether a log can hold this term at this index, as a node of the message's term sees it."""
    return term <= message_term and (index == 0) == (term == 0)


def _append_fault(message: Append) -> Reason | None:
    if not (
        0 <= message.previous_index < MAX_NUMBER
        and 0 <= message.previous_term < MAX_NUMBER
        and 0 <= message.commit < MAX_NUMBER
    ):
        return Reason.IMPOSSIBLE_INDEX
    if not _is_place(message.previous_index, message.previous_term, message.term):
        return Reason.IMPOSSIBLE_TERM
    if len(message.previous_hash) != HASH_BYTES:
        return Reason.BROKEN_ENTRIES
    return _entries_fault(message)


def _entries_fault(message: Append) -> Reason | None:
    """Check that the entries continue the previous one: indexes, terms, rolling hashes."""
    index, term = message.previous_index, message.previous_term
    content = message.previous_hash
    for entry in message.entries:
        if entry.index != index + 1 or not term <= entry.term <= message.term or entry.term == 0:
            return Reason.BROKEN_ENTRIES
        content = entry_hash(content, entry.index, entry.term, entry.kind, entry.payload)
        if content != entry.hash:
            return Reason.BROKEN_ENTRIES
        if entry.kind is CONFIGURATION and not _decodes(entry.payload):
            return Reason.BAD_CONFIGURATION
        index, term = entry.index, entry.term
    return None


def _decodes(payload: bytes) -> bool:
    try:
        Configuration.decode(payload)
    except BadConfiguration:
        return False
    return True


def _offer_fault(message: SnapshotOffer) -> Reason | None:
    snapshot = message.snapshot
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


_CHECKS: Final[Mapping[type[Message], Callable[[Any], Reason | None]]] = {
    Append: _append_fault,
    AppendAccepted: _index_fault,
    AppendRejected: _rejection_fault,
    Heartbeat: _heartbeat_fault,
    HeartbeatResponse: _heartbeat_response_fault,
    PreVoteRequest: _request_fault,
    ReadResponse: _index_fault,
    SnapshotOffer: _offer_fault,
    SnapshotStatus: _index_fault,
    VoteRequest: _request_fault,
}
"""What else is checked of each class: every index, round, and term besides the message's own."""
