"""The bug found in single-server changes in 2015 (Ongaro, raft-dev), and the rule against it.

s1 leads four servers in term 1, appends "s5 votes too" and is cut off before anybody has it. s2
wins term 2 and at once appends "s1 is out", which s2 and s3 alone would commit. s1 returns and wins
term 3 with s1, s4 and s5, a majority of its own five: what was committed is lost. The rule: no
configuration entry before the leader has committed an entry of its own term.
"""

import pytest

from tests.unit.consensus.cluster import Cluster
from twinledger.consensus import Append, Index, LeaderNotReady, NodeId, Role

S1, S2, S3, S4, S5 = map(NodeId, ("s1", "s2", "s3", "s4", "s5"))


@pytest.fixture
def cluster() -> Cluster:
    """Return the moment at which s2 has won, and s1 alone holds its own change."""
    cluster = Cluster((S1, S2, S3, S4), learners=(S5,))
    cluster.elect(S1)
    cluster.tick(times=2)
    cluster.isolate(S1)
    cluster[S1].propose_configuration((S1, S2, S3, S4, S5), (), Index(0))
    cluster.nodes[S1].work()
    cluster.elect(S2, quietly=True)
    return cluster


def to(name: str) -> object:
    return lambda message: isinstance(message, Append) and message.recipient == name


def test_no_change_before_the_leader_committed_in_its_own_term(cluster: Cluster) -> None:
    with pytest.raises(LeaderNotReady):
        cluster[S2].propose_configuration((S2, S3, S4), (S5,), Index(0))


def test_once_it_may_change_the_old_leader_can_win_no_more(cluster: Cluster) -> None:
    cluster.settle()
    assert cluster[S2].commit == 2
    cluster[S2].propose_configuration((S2, S3, S4), (S5,), Index(0))
    cluster.deliver(lambda message: isinstance(message, Append) and message.recipient == S3)
    cluster.deliver(lambda message: message.sender == S3)
    assert cluster[S2].commit == 3

    cluster.network.clear()
    cluster.heal()
    cluster.crash(S2, S3)
    cluster.campaign(S1)
    cluster.settle()

    assert cluster[S1].role is not Role.LEADER
    assert cluster.disk(S4).hard_state.vote == S2
