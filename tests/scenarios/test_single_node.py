"""A cluster of one elects itself and commits alone, but only what its disk has (etcd #14370)."""

from tests.unit.consensus.cluster import PATIENCE, Cluster
from twinledger.consensus import Role


def test_it_leads_only_after_its_own_vote_is_synced() -> None:
    cluster = Cluster("a")
    cluster.nodes["a"].hold_syncs = True
    cluster.tick("a", times=PATIENCE)
    assert cluster.role("a") is Role.CANDIDATE

    cluster.nodes["a"].hold_syncs = False
    cluster.settle()

    assert cluster.role("a") is Role.LEADER


def test_nothing_is_committed_before_it_is_synced() -> None:
    cluster = Cluster("a")
    leader = cluster.elect("a")
    cluster.nodes["a"].hold_syncs = True

    cluster.propose("a", b"one")
    assert leader.commit == 1
    cluster.nodes["a"].hold_syncs = False
    cluster.settle()

    assert leader.commit == 2
    assert cluster.payloads("a") == [b"one"]


def test_nothing_acknowledged_is_lost_in_a_power_cut() -> None:
    cluster = Cluster("a")
    cluster.elect("a")
    cluster.propose("a", b"one")

    cluster.crash("a")
    cluster.restart("a")
    cluster.elect("a")

    assert cluster.payloads("a") == [b"one"]
    assert cluster["a"].term == 2


def test_a_read_is_confirmed_at_once() -> None:
    cluster = Cluster("a")
    cluster.elect("a").read_index(b"read")
    cluster.settle()
    assert [(read.context, read.index) for read in cluster.nodes["a"].reads] == [(b"read", 1)]
