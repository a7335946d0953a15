"""What views of a devnet's nodes tell together; they are never of one moment."""

from pathlib import Path

import pytest

from twinledger.client import Profile, TrustedNode
from twinledger.client.chain_records import NodeStatus
from twinledger.devnet.layout import NodeEntry
from twinledger.devnet.status import NodeView, _ways, agreed_leader, leader_of
from twinledger.v1.operator_service_pb2 import GetStatusResponse, NodeRole

A, B, C = "a-1", "b-1", "c-1"
LEADS, FOLLOWS = NodeRole.NODE_ROLE_LEADER, NodeRole.NODE_ROLE_FOLLOWER


def view(name: str, leader: str, role: NodeRole.ValueType = FOLLOWS, term: int = 1) -> NodeView:
    message = GetStatusResponse(node_id=name, leader_id=leader, role=role, term=term)
    return silent(name, NodeStatus.from_message(message))


def silent(name: str, status: NodeStatus | None = None) -> NodeView:
    return NodeView(NodeEntry(name, name[0], "127.0.0.1:1", "127.0.0.1:2"), Path(), 1, status)


def test_the_leader_is_the_one_that_all_follow_and_that_says_so() -> None:
    views = [view(A, B), view(B, B, LEADS), view(C, B)]
    assert agreed_leader(views) is views[1]


@pytest.mark.parametrize(
    "views",
    [
        [view(A, ""), view(B, "")],
        [view(A, B), view(B, B)],  # it led when the first was asked
        [view(A, B), silent(B)],
        [view(A, A, LEADS), view(B, B, LEADS)],
        [view(A, B), view(B, B, LEADS), view(C, A)],
        [view(A, B), view(B, B, LEADS), silent(C)],
    ],
)
def test_without_one_that_all_follow_and_that_says_so_there_is_none(views: list[NodeView]) -> None:
    assert agreed_leader(views) is None


def test_of_two_that_say_that_they_lead_the_one_of_the_newer_term_does() -> None:
    views = [view(A, A, LEADS, term=1), view(B, B, LEADS, term=2)]
    assert leader_of(views) is views[1]


def test_a_node_is_asked_where_it_was_made_to_listen_and_where_the_ledger_has_it() -> None:
    moved = TrustedNode(A, "127.0.0.1:9", "127.0.0.1:2", (b"old", b"new"))
    other = TrustedNode(B, "127.0.0.1:1", "127.0.0.1:3", (b"other",))
    ways = _ways(Profile(bytes(32), (moved, other)), silent(A).entry)
    assert [(way.address, way.certificate) for way in ways] == [
        ("127.0.0.1:1", b"new"),
        ("127.0.0.1:1", b"old"),
        ("127.0.0.1:9", b"new"),
        ("127.0.0.1:9", b"old"),
    ]
    assert len(_ways(Profile(bytes(32), (other,)), NodeEntry(B, "b", "127.0.0.1:1", ""))) == 1
