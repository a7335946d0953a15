"""Consensus messages to protobuf and back.

The core works on plain values because protobuf objects cost several times as much to make; this is
the only place that knows both. Decoding a hostile message never raises anything but ValueError.
"""

from collections.abc import Callable
from typing import Final, cast

from twinledger.consensus import (
    Append,
    AppendAccepted,
    AppendRejected,
    BadConfiguration,
    Configuration,
    Entry,
    EntryKind,
    Heartbeat,
    HeartbeatResponse,
    Index,
    Message,
    NodeId,
    PreVoteRequest,
    PreVoteResponse,
    ReadRequest,
    ReadResponse,
    Snapshot,
    SnapshotOffer,
    SnapshotStatus,
    StaleTerm,
    Term,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
    make_entry,
)
from twinledger.v1 import block_pb2, peer_service_pb2
from twinledger.v1.peer_service_pb2 import ConsensusMessage

_HASH_BYTES: Final = 32


def encode(message: Message) -> ConsensusMessage:
    """Return the wire form of a message."""
    wire = ConsensusMessage(sender=message.sender, recipient=message.recipient, term=message.term)
    _ENCODERS[type(message)](wire, message)
    return wire


def decode(wire: ConsensusMessage) -> Message:
    """Return the message these fields say.

    Raises:
        ValueError: the message says nothing, or something no message can say.
    """
    body = wire.WhichOneof("body")
    if body is None:
        raise ValueError("a consensus message without a body")
    sender, recipient, term = NodeId(wire.sender), NodeId(wire.recipient), Term(wire.term)
    return _DECODERS[body](sender, recipient, term, getattr(wire, body))


def _encode_question(wire: ConsensusMessage, m: PreVoteRequest | VoteRequest) -> None:
    if isinstance(m, VoteRequest):
        wire.vote_request.last_index = m.last_index
        wire.vote_request.last_term = m.last_term
        wire.vote_request.transfer = m.transfer
        wire.vote_request.SetInParent()
    else:
        wire.pre_vote_request.last_index = m.last_index
        wire.pre_vote_request.last_term = m.last_term
        wire.pre_vote_request.SetInParent()


def _encode_answer(wire: ConsensusMessage, m: PreVoteResponse | VoteResponse) -> None:
    answer = wire.vote_response if isinstance(m, VoteResponse) else wire.pre_vote_response
    answer.granted = m.granted
    answer.SetInParent()


def _encode_append(wire: ConsensusMessage, m: Append) -> None:
    append = wire.append
    append.SetInParent()
    append.previous_index = m.previous_index
    append.previous_term = m.previous_term
    append.previous_hash = m.previous_hash
    append.commit = m.commit
    for entry in m.entries:
        append.entries.add(
            term=entry.term,
            kind=cast("block_pb2.EntryKind.ValueType", int(entry.kind)),
            payload=entry.payload,
        )


def _decode_append(
    sender: NodeId, recipient: NodeId, term: Term, wire: peer_service_pb2.AppendEntries
) -> Append:
    previous_hash = wire.previous_hash
    if len(previous_hash) != _HASH_BYTES:
        raise ValueError("a rolling hash has 32 bytes")
    entries = list[Entry]()
    index, rolling = wire.previous_index, previous_hash
    for item in wire.entries:
        index += 1
        entry = make_entry(
            rolling, Index(index), Term(item.term), EntryKind(item.kind), item.payload
        )
        rolling = entry.hash
        entries.append(entry)
    return Append(
        sender,
        recipient,
        term,
        Index(wire.previous_index),
        Term(wire.previous_term),
        previous_hash,
        tuple(entries),
        Index(wire.commit),
    )


def _encode_accepted(wire: ConsensusMessage, m: AppendAccepted) -> None:
    wire.append_accepted.index = m.index
    wire.append_accepted.SetInParent()


def _encode_rejected(wire: ConsensusMessage, m: AppendRejected) -> None:
    wire.append_rejected.previous_index = m.previous_index
    wire.append_rejected.hint_index = m.hint_index
    wire.append_rejected.hint_term = m.hint_term
    wire.append_rejected.SetInParent()


def _encode_heartbeat(wire: ConsensusMessage, m: Heartbeat) -> None:
    wire.heartbeat.commit = m.commit
    wire.heartbeat.round = m.round
    wire.heartbeat.SetInParent()


def _encode_heartbeat_response(wire: ConsensusMessage, m: HeartbeatResponse) -> None:
    wire.heartbeat_response.round = m.round
    wire.heartbeat_response.SetInParent()


def _encode_stale_term(wire: ConsensusMessage, _: StaleTerm) -> None:
    wire.stale_term.SetInParent()


def _encode_timeout_now(wire: ConsensusMessage, _: TimeoutNow) -> None:
    wire.timeout_now.SetInParent()


def _encode_offer(wire: ConsensusMessage, m: SnapshotOffer) -> None:
    offer = wire.snapshot_offer
    offer.index, offer.term, offer.hash = m.snapshot.index, m.snapshot.term, m.snapshot.hash
    offer.configuration = m.snapshot.configuration.encode()
    offer.data = m.snapshot.data
    offer.SetInParent()


def _decode_offer(
    sender: NodeId, recipient: NodeId, term: Term, wire: peer_service_pb2.SnapshotDescription
) -> SnapshotOffer:
    try:
        configuration = Configuration.decode(wire.configuration)
    except BadConfiguration as error:
        raise ValueError(str(error)) from error
    snapshot = Snapshot(Index(wire.index), Term(wire.term), wire.hash, configuration, wire.data)
    return SnapshotOffer(sender, recipient, term, snapshot)


def _encode_status(wire: ConsensusMessage, m: SnapshotStatus) -> None:
    wire.snapshot_status.index = m.index
    wire.snapshot_status.SetInParent()


def _encode_read_request(wire: ConsensusMessage, m: ReadRequest) -> None:
    wire.read_request.context = m.context
    wire.read_request.SetInParent()


def _encode_read_response(wire: ConsensusMessage, m: ReadResponse) -> None:
    wire.read_response.context = m.context
    wire.read_response.index = m.index
    wire.read_response.SetInParent()


_ENCODERS: Final[dict[type, Callable[..., None]]] = {
    PreVoteRequest: _encode_question,
    VoteRequest: _encode_question,
    PreVoteResponse: _encode_answer,
    VoteResponse: _encode_answer,
    Append: _encode_append,
    AppendAccepted: _encode_accepted,
    AppendRejected: _encode_rejected,
    Heartbeat: _encode_heartbeat,
    HeartbeatResponse: _encode_heartbeat_response,
    StaleTerm: _encode_stale_term,
    TimeoutNow: _encode_timeout_now,
    SnapshotOffer: _encode_offer,
    SnapshotStatus: _encode_status,
    ReadRequest: _encode_read_request,
    ReadResponse: _encode_read_response,
}

_DECODERS: Final[dict[str, Callable[..., Message]]] = {
    "pre_vote_request": lambda s, r, t, w: PreVoteRequest(s, r, t, w.last_index, w.last_term),
    "pre_vote_response": lambda s, r, t, w: PreVoteResponse(s, r, t, w.granted),
    "vote_request": lambda s, r, t, w: VoteRequest(s, r, t, w.last_index, w.last_term, w.transfer),
    "vote_response": lambda s, r, t, w: VoteResponse(s, r, t, w.granted),
    "append": _decode_append,
    "append_accepted": lambda s, r, t, w: AppendAccepted(s, r, t, w.index),
    "append_rejected": lambda s, r, t, w: AppendRejected(
        s, r, t, w.previous_index, w.hint_index, w.hint_term
    ),
    "heartbeat": lambda s, r, t, w: Heartbeat(s, r, t, w.commit, w.round),
    "heartbeat_response": lambda s, r, t, w: HeartbeatResponse(s, r, t, w.round),
    "stale_term": lambda s, r, t, _: StaleTerm(s, r, t),
    "timeout_now": lambda s, r, t, _: TimeoutNow(s, r, t),
    "snapshot_offer": _decode_offer,
    "snapshot_status": lambda s, r, t, w: SnapshotStatus(s, r, t, w.index),
    "read_request": lambda s, r, t, w: ReadRequest(s, r, t, w.context),
    "read_response": lambda s, r, t, w: ReadResponse(s, r, t, w.context, w.index),
}
