"""A newcomer learns first: it counts for nothing until it keeps up, then it votes."""

import pytest

from tests.unit.consensus.cluster import ELECTION_TICKS, PATIENCE, Cluster
from twinledger.consensus import Index, NodeId, NotCaughtUp, Role

A, B, C = map(NodeId, "abc")


def test_a_newcomer_may_not_vote_before_it_has_learnt() -> None:
    cluster = Cluster("ab", outsiders="c")
    leader = cluster.elect("a")

    with pytest.raises(NotCaughtUp):
        leader.propose_configuration((A, B, C), (), Index(0))


def test_a_learner_that_lags_may_not_vote_and_one_that_keeps_up_may() -> None:
    cluster = Cluster("ab", outsiders="c")
    leader = cluster.elect("a")
    cluster.isolate("c")
    leader.propose_configuration((A, B), (C,), Index(0))
    cluster.propose("a", b"one", b"two")
    cluster.tick("a", "b", times=2)
    with pytest.raises(NotCaughtUp):
        leader.propose_configuration((A, B, C), (), Index(0))

    cluster.heal()
    cluster.tick(times=4)
    leader.propose_configuration((A, B, C), (), Index(0))
    cluster.settle()

    assert cluster["c"].configuration.voters == (A, B, C)
    assert cluster.payloads("c") == [b"one", b"two"]


def test_a_learner_that_falls_silent_is_not_caught_up_any_more() -> None:
    cluster = Cluster("ab", learners="c")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    cluster.crash("c")
    cluster.tick(times=ELECTION_TICKS + 1)

    with pytest.raises(NotCaughtUp):
        leader.propose_configuration((A, B, C), (), Index(0))


def test_a_learner_does_not_count_for_commitment() -> None:
    cluster = Cluster("abc", learners="de")
    leader = cluster.elect("a")
    cluster.crash("b", "c")
    before = leader.commit

    cluster.propose("a", b"not yet")

    assert cluster.disk("d").last_index() == leader.last_index
    assert leader.commit == before


def test_a_learner_never_campaigns() -> None:
    cluster = Cluster("ab", learners="c")
    cluster.elect("a")
    cluster.isolate("c")
    cluster.tick("c", times=3 * PATIENCE)
    assert cluster["c"].role is Role.FOLLOWER


def test_a_promoted_learner_votes_although_it_may_not_know_of_its_promotion() -> None:
    """Etcd's "campaign learner must vote": b alone knows that c votes, and needs that vote."""
    cluster = Cluster("ab", learners="c")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    cluster.isolate("c")
    leader.propose_configuration((A, B, C), (), Index(0))
    cluster.settle()
    cluster.crash("a")
    cluster.heal()
    assert not cluster["c"].configuration.is_voter(C)

    cluster.elect("b")

    assert cluster["c"].configuration.voters == (A, B, C)
