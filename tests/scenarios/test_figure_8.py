"""The Raft paper's Figure 8, and CCF's second bug: entries of older terms are not counted.

s1 led term 2 and kept an entry to itself; so did s5, in term 3. s1 leads again, in term 4, and
brings its old entry to a majority. That does not commit it: s5 can still win and overwrite it. Only
once an entry of term 4 itself is on a majority is all before it safe.
"""

import pytest

from tests.unit.consensus.cluster import Cluster
from twinledger.consensus import Append, AppendAccepted, Message, Role


@pytest.fixture
def cluster() -> Cluster:
    """Return the moment (c): s1 has won term 4, s5 is down."""
    cluster = Cluster(("s1", "s2", "s3", "s4", "s5"), max_append_entries=1)
    cluster.give_log("s1", 1, 2, term=3)
    cluster.give_log("s2", 1, term=3)
    cluster.give_log("s3", 1, term=3)
    cluster.give_log("s4", 1, term=3)
    cluster.give_log("s5", 1, 3, term=3)
    cluster.crash("s5")
    cluster.elect("s1", quietly=True)
    return cluster


def bring_old_entry_to(cluster: Cluster, name: str) -> None:
    """Let s1 and this node talk until the node holds s1's entry of term 2, and no more."""

    def belongs(message: Message) -> bool:
        pair = {message.sender, message.recipient} == {"s1", name}
        would_fit = isinstance(message, Append) and message.previous_index == 2
        return pair and not (would_fit and cluster.log(name) == [(1, 1), (2, 2)])

    while cluster.deliver(belongs):
        pass
    assert cluster.log(name) == [(1, 1), (2, 2)]


def test_an_old_entry_on_a_majority_is_not_committed(cluster: Cluster) -> None:
    bring_old_entry_to(cluster, "s2")
    bring_old_entry_to(cluster, "s3")

    accepted = {m.sender for m in cluster.sent(AppendAccepted, recipient="s1", index=2)}
    assert accepted == {"s2", "s3"}
    assert cluster["s1"].commit == 0


def test_the_other_leader_may_still_overwrite_it(cluster: Cluster) -> None:
    bring_old_entry_to(cluster, "s2")
    bring_old_entry_to(cluster, "s3")
    cluster.network.clear()
    cluster.crash("s1")
    cluster.restart("s5")

    cluster.elect("s5")

    assert cluster["s5"].term == 5
    for name in ("s2", "s3", "s4", "s5"):
        assert cluster.log(name) == [(1, 1), (2, 3), (3, 5)]


def test_an_entry_of_the_own_term_commits_everything_before_it(cluster: Cluster) -> None:
    cluster.settle()

    assert cluster["s1"].commit == 3
    cluster.crash("s1")
    cluster.restart("s5")
    cluster.campaign("s5")
    cluster.settle()
    assert cluster["s5"].role is not Role.LEADER
