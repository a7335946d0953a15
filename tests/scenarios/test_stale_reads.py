"""Reads without a log entry must never be older than what was acknowledged before they began."""

import pytest

from tests.unit.consensus.cluster import ELECTION_TICKS, Cluster
from twinledger.consensus import (
    Append,
    Heartbeat,
    HeartbeatResponse,
    Index,
    NodeId,
    NotLeader,
    ReadRequest,
    ReadResponse,
    ReadsFull,
    ReadState,
)


def test_a_leader_that_was_cut_off_and_replaced_confirms_nothing() -> None:
    cluster = Cluster("abc")
    old = cluster.elect("a")
    cluster.isolate("a")
    cluster.elect("b")
    cluster.propose("b", b"newer")

    old.read_index(b"read")
    cluster.settle()

    assert cluster.nodes["a"].reads == []
    cluster.tick("a", times=ELECTION_TICKS)
    assert cluster.nodes["a"].aborted_reads == [b"read"]


def test_a_new_leader_confirms_nothing_before_it_has_committed_in_its_term() -> None:
    """Etcd #7331: it may not know yet what its predecessor had committed and acknowledged."""
    cluster = Cluster("abc")
    cluster.elect("a")
    cluster["a"].propose(b"acknowledged")
    cluster.deliver(lambda message: isinstance(message, Append))
    cluster.deliver(lambda message: message.recipient == "a")
    assert cluster["a"].commit == 2
    cluster.network.clear()
    cluster.crash("a")
    new = cluster.elect("b", quietly=True)
    assert new.commit == 1

    new.read_index(b"read")
    cluster.deliver(lambda message: isinstance(message, Heartbeat | HeartbeatResponse))
    assert cluster.nodes["b"].reads == []

    cluster.settle()
    assert cluster.nodes["b"].reads == [ReadState(b"read", Index(3))]


def test_an_old_acknowledgement_does_not_confirm_a_new_read() -> None:
    """Etcd #20418: acknowledgements are told apart by rounds that are never used again."""
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    leader.read_index(b"first")
    cluster.deliver(lambda message: isinstance(message, Heartbeat))
    late = cluster.waiting(HeartbeatResponse)
    assert {answer.round for answer in late} == {1}

    leader.read_index(b"second")
    cluster.deliver(lambda message: message in late)

    assert [read.context for read in cluster.nodes["a"].reads] == [b"first"]
    cluster.settle()
    assert [read.context for read in cluster.nodes["a"].reads] == [b"first", b"second"]


def test_a_round_that_never_began_confirms_nothing() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    leader.step(HeartbeatResponse(NodeId("b"), NodeId("a"), leader.term, 99))
    leader.read_index(b"read")
    cluster.nodes["a"].work()

    assert cluster.nodes["a"].reads == []
    assert leader.dropped["not_asked"] == 1


def test_a_follower_asks_the_leader() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    cluster.propose("a", b"one")
    cluster["b"].read_index(b"read")
    cluster.settle()

    assert cluster.nodes["b"].reads == [ReadState(b"read", Index(2))]


def test_a_follower_gives_up_when_no_answer_comes() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    cluster.lost = lambda message: isinstance(message, ReadRequest)
    cluster["b"].read_index(b"read")
    cluster.tick(times=ELECTION_TICKS)

    assert cluster.nodes["b"].aborted_reads == [b"read"]


def test_an_answer_nobody_waits_for_is_dropped() -> None:
    cluster = Cluster("abc")
    term = cluster.elect("a").term
    for sender in "ac":
        forged = ReadResponse(NodeId(sender), NodeId("b"), term, b"read", Index(1))
        cluster["b"].step(forged)
    assert cluster["b"].dropped == {"not_asked": 2}
    assert cluster.nodes["b"].reads == []


def test_without_a_leader_a_read_is_refused() -> None:
    cluster = Cluster("abc")
    with pytest.raises(NotLeader):
        cluster["a"].read_index(b"read")


def test_reads_wait_within_a_bound() -> None:
    cluster = Cluster("abc", max_pending_reads=2)
    leader = cluster.elect("a")
    leader.read_index(b"1")
    cluster.nodes["a"].work()
    leader.read_index(b"2")
    with pytest.raises(ReadsFull):
        leader.read_index(b"3")


def test_many_reads_share_one_round() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    for number in range(10):
        leader.read_index(b"%d" % number)
    cluster.settle()

    assert len(cluster.nodes["a"].reads) == 10
    assert len(cluster.sent(Heartbeat, round=1)) == 2
