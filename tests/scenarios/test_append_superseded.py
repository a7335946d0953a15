"""The append race (ABA) of asynchronous writes, from etcd's transcripts.

A follower's write of entry A is still under way when another leader overwrites A with B, and a
third one brings A back. Then the first write of A is reported as synced. It says nothing about A
now: the write of B comes after it, and a power cut between B and the second A leaves B on the disk.
"""

import pytest

from tests.unit.consensus.cluster import GENESIS, Cluster, chain
from twinledger.consensus import Append, AppendAccepted, Entry, Index, NodeId, Term

LEADERS = {1: NodeId("a"), 2: NodeId("b"), 3: NodeId("d")}
C = NodeId("c")


def append(term: int, entries: tuple[Entry, ...], commit: int = 0) -> Append:
    return Append(LEADERS[term], C, Term(term), Index(0), Term(0), GENESIS, entries, Index(commit))


@pytest.fixture
def cluster() -> Cluster:
    """Return a cluster in which c has three writes under way: A, then B, then A again."""
    cluster = Cluster("abcde")
    node = cluster.nodes["c"]
    node.hold_syncs = True
    for message in (append(1, chain(1)), append(2, chain(2)), append(3, chain(1, 3), commit=2)):
        node.core.step(message)
        assert not [m for m in node.work() if isinstance(m, AppendAccepted)]
    assert len(node.unsynced) == 3
    return cluster


def test_the_first_write_does_not_make_the_second_coming_durable(cluster: Cluster) -> None:
    node = cluster.nodes["c"]

    (answer,) = node.sync_one()

    assert answer == AppendAccepted(C, NodeId("a"), Term(1), Index(1))
    assert cluster.log("c") == [(1, 1)]
    assert node.core.commit == 2
    assert node.work() == []
    assert node.applied == []


def test_only_the_last_write_counts(cluster: Cluster) -> None:
    node = cluster.nodes["c"]
    node.sync_one()
    node.sync_one()
    node.work()
    assert cluster.log("c") == [(1, 2)]
    assert node.applied == []

    (answer,) = node.sync_one()
    node.work()

    assert answer == AppendAccepted(C, NodeId("d"), Term(3), Index(2))
    assert [entry.term for entry in node.applied] == [1, 3]


def test_a_leader_does_not_count_a_superseded_write_of_its_own() -> None:
    """The same, where it would commit: the node comes to lead while its writes are under way."""
    cluster = Cluster("a")
    cluster.elect("a")
    node = cluster.nodes["a"]
    node.hold_syncs = True
    node.core.propose(b"one")
    node.work()
    node.core.propose(b"two")
    node.work()

    node.sync_one()
    node.work()

    assert node.core.commit == 2
