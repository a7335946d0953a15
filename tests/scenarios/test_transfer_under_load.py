"""Leadership is handed over while proposals wait: nothing is lost, nobody waits for a timeout."""

import pytest

from tests.unit.consensus.cluster import ELECTION_TICKS, Cluster
from twinledger.consensus import (
    Append,
    AppendAccepted,
    NodeId,
    NotLeader,
    TimeoutNow,
    TransferInProgress,
    TransferRefused,
)

B = NodeId("b")


def test_the_target_is_told_only_when_it_holds_everything() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    leader.propose(b"one")
    leader.transfer_leadership(B)

    assert cluster.waiting(TimeoutNow) == []
    cluster.deliver(lambda message: isinstance(message, Append) and message.recipient == B)
    assert cluster.waiting(TimeoutNow) == []
    cluster.deliver(lambda message: isinstance(message, AppendAccepted))
    assert [message.recipient for message in cluster.waiting(TimeoutNow)] == [B]

    cluster.settle()
    assert cluster.leaders() == ["b"]
    assert {cluster[name].term for name in "abc"} == {2}
    assert [cluster.payloads(name) for name in "abc"] == [[b"one"]] * 3


def test_proposals_are_refused_while_leadership_is_handed_over() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    leader.propose(b"one")
    leader.transfer_leadership(B)

    with pytest.raises(TransferInProgress) as raised:
        leader.propose(b"two")

    assert raised.value.to == B


def test_a_transfer_to_a_dead_node_is_given_up() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    cluster.crash("b")
    leader.propose(b"one")
    leader.transfer_leadership(B)

    cluster.tick("a", "c", times=ELECTION_TICKS)

    assert leader.transferee is None
    cluster.propose("a", b"two")
    assert cluster.payloads("c") == [b"one", b"two"]


def test_only_another_voter_can_be_the_target() -> None:
    cluster = Cluster("abc", learners="d")
    leader = cluster.elect("a")
    for target in ("a", "d", "x"):
        with pytest.raises(TransferRefused):
            leader.transfer_leadership(NodeId(target))
    with pytest.raises(NotLeader):
        cluster["b"].transfer_leadership(NodeId("c"))


def test_only_the_leader_can_make_a_follower_campaign() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")

    cluster["b"].step(TimeoutNow(NodeId("c"), B, cluster["b"].term))

    assert cluster["b"].term == 1
    assert cluster["b"].dropped == {"not_asked": 1}
