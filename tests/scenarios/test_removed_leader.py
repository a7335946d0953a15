"""A leader proposes its own removal: it leads until that is committed, then leaves (4.2.2)."""

import pytest

from tests.unit.consensus.cluster import PATIENCE, Cluster
from twinledger.consensus import (
    Append,
    AppendAccepted,
    Heartbeat,
    Index,
    NodeId,
    NodeRemoved,
    NotLeader,
    Role,
)

A, B, C = map(NodeId, "abc")


def test_it_leads_on_but_does_not_count_itself_until_the_removal_is_committed() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    removal = leader.propose_configuration((B, C), (), Index(0))
    cluster.deliver(lambda message: isinstance(message, Append) and message.recipient == B)
    cluster.deliver(lambda message: isinstance(message, AppendAccepted))

    # a and b hold it, two of the old three: of the new two it is b alone.
    assert (leader.role, leader.commit) == (Role.LEADER, removal - 1)

    cluster.deliver(lambda message: isinstance(message, Append) and message.recipient == C)
    cluster.deliver(lambda message: isinstance(message, AppendAccepted))
    assert (leader.role, leader.commit) == (Role.FOLLOWER, removal)


def test_a_successor_leads_at_once_and_nobody_waits() -> None:
    cluster = Cluster("abc")
    cluster.elect("a").propose_configuration((B, C), (), Index(0))

    cluster.settle()

    assert cluster.leaders() in (["b"], ["c"])
    assert {cluster[name].term for name in "bc"} == {2}
    assert cluster[cluster.leaders()[0]].configuration.removed == (A,)


def test_a_leader_can_swap_itself_out_with_others() -> None:
    cluster = Cluster("abc", learners="de")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    leader.propose_configuration((B, NodeId("d"), NodeId("e")), (), Index(0))

    cluster.settle()

    (successor,) = cluster.leaders()
    assert successor in {"b", "d", "e"}
    assert cluster[successor].configuration.removed == (A, C)
    assert not cluster[successor].configuration.joint
    assert cluster.propose(successor, b"after") == cluster[successor].commit


def test_it_takes_no_more_proposals_and_never_campaigns_again() -> None:
    cluster = Cluster("abc")
    cluster.elect("a").propose_configuration((B, C), (), Index(0))
    cluster.settle()

    with pytest.raises(NotLeader):
        cluster["a"].propose(b"too late")
    cluster.tick("a", times=5 * PATIENCE)
    assert cluster["a"].role is Role.FOLLOWER


def test_a_removed_id_never_comes_back() -> None:
    cluster = Cluster("abc")
    cluster.elect("a").propose_configuration((B, C), (), Index(0))
    cluster.settle()
    leader = cluster[cluster.leaders()[0]]
    for voters, learners in (((B, C), (A,)), ((A, B, C), ())):
        with pytest.raises(NodeRemoved):
            leader.propose_configuration(voters, learners, Index(0))


def test_a_voter_that_is_being_removed_may_campaign_until_that_is_committed() -> None:
    """The dissertation's Figure 4.6: only it has a log that can win, and nobody else could commit.

    b led, appended that c alone votes from now on, and lost power before c heard of it. c needs b's
    vote, as far as it knows, and cannot have it, for b's log is longer. So b must lead once more.
    """
    cluster = Cluster("bc")
    leader = cluster.elect("b")
    index = leader.propose_configuration((C,), (B,), Index(0))
    cluster.nodes["b"].work()
    cluster.crash("b")
    cluster.restart("b")
    assert not cluster["b"].configuration.is_voter(B)

    cluster.campaign("c")
    cluster.settle()
    assert cluster.leaders() == []
    cluster.campaign("b")
    cluster.settle()

    assert cluster["b"].commit > index
    assert cluster["b"].configuration.learners == (B,)
    assert cluster.leaders() == ["c"]


def test_a_removed_follower_is_told_that_its_removal_is_committed() -> None:
    """CCF's sixth bug: a node that is being removed must take part until that is committed."""
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    removal = leader.propose_configuration((A, B), (), Index(0))

    cluster.settle()

    assert cluster["c"].commit == removal
    assert cluster["c"].configuration.removed == (C,)
    assert list(leader.progress) == [B]
    assert cluster.sent(Heartbeat, recipient="c", commit=removal)
