"""Consensus messages survive the wire, and hostile ones raise nothing but ValueError."""

import contextlib
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger import consensus
from twinledger.node import consensus_wire
from twinledger.v1.peer_service_pb2 import ConsensusMessage

# Numbers and names stand here without their NewTypes, which the wire does not know either.
c: Any = consensus
GENESIS = bytes(range(32))
FIRST = c.make_entry(GENESIS, 8, 3, c.EntryKind.BLOCK, b"")
SECOND = c.make_entry(
    FIRST.hash, 9, 3, c.EntryKind.CONFIGURATION, c.Configuration(("a", "b")).encode()
)
ENDS = ("a", "b", 7)

MESSAGES: list[Any] = [
    c.PreVoteRequest(*ENDS, 5, 4),
    c.PreVoteResponse(*ENDS, True),
    c.PreVoteResponse(*ENDS, False),
    c.VoteRequest(*ENDS, 0, 0),
    c.VoteRequest(*ENDS, 5, 4, True),
    c.VoteResponse(*ENDS, False),
    c.Append(*ENDS, 7, 2, GENESIS, (FIRST, SECOND), 6),
    c.Append(*ENDS, 0, 0, GENESIS, (), 0),
    c.AppendAccepted(*ENDS, 0),
    c.AppendRejected(*ENDS, 4, 3, 2),
    c.Heartbeat(*ENDS, 0, 0),
    c.HeartbeatResponse(*ENDS, 12),
    c.StaleTerm(*ENDS),
    c.TimeoutNow(*ENDS),
    c.SnapshotOffer(*ENDS, c.Snapshot(9, 3, GENESIS, c.Configuration(("a",)), b"where")),
    c.SnapshotStatus(*ENDS, 9),
    c.ReadRequest(*ENDS, b"context"),
    c.ReadResponse(*ENDS, b"context", 0),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_every_message_comes_back_as_it_was_sent(message):
    wire = ConsensusMessage.FromString(consensus_wire.encode(message).SerializeToString())
    assert consensus_wire.decode(wire) == message


def test_every_kind_of_message_is_tried():
    assert {type(message) for message in MESSAGES} == set(consensus_wire._ENCODERS)


def test_a_message_that_says_nothing_is_refused():
    with pytest.raises(ValueError, match="without a body"):
        consensus_wire.decode(ConsensusMessage(sender="a"))


def test_an_unknown_entry_kind_is_refused():
    wire = consensus_wire.encode(MESSAGES[6])
    wire.append.entries[0].kind = cast("Any", 9)
    with pytest.raises(ValueError, match="9"):
        consensus_wire.decode(wire)


def test_a_short_rolling_hash_is_refused():
    wire = consensus_wire.encode(MESSAGES[6])
    wire.append.previous_hash = b"short"
    with pytest.raises(ValueError, match="32 bytes"):
        consensus_wire.decode(wire)


@given(
    st.sampled_from(MESSAGES),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
)
def test_altered_bytes_decode_or_are_refused_with_value_error(message, edits):
    data = bytearray(consensus_wire.encode(message).SerializeToString())
    for position, value in edits:
        if data:
            data[position % len(data)] = value
    wire = ConsensusMessage()
    try:
        wire.ParseFromString(bytes(data))
    except Exception:  # noqa: BLE001 - protobuf refuses it: the handler's business
        return
    with contextlib.suppress(ValueError):
        consensus_wire.decode(wire)
