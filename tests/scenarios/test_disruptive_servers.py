"""Nodes that time out again and again must not disturb a leader that works (dissertation, 4.2.3).

One was removed and does not know it; one was cut off and returns. PreVote keeps both from raising
terms, and followers that hear from a leader do not answer them.
"""

from tests.unit.consensus.cluster import ELECTION_TICKS, PATIENCE, Cluster
from twinledger.consensus import Index, NodeId, PreVoteRequest, Role, Term, VoteRequest

A, B, C, D = map(NodeId, "abcd")


def test_a_removed_node_that_does_not_know_it_disturbs_nobody() -> None:
    cluster = Cluster("abcd")
    leader = cluster.elect("a")
    cluster.isolate("d")
    leader.propose_configuration((A, B, C), (), Index(0))
    cluster.settle()
    assert leader.configuration.removed == (D,)
    cluster.tick("a", "b", "c", times=ELECTION_TICKS)
    cluster.heal()

    for _ in range(3):
        cluster.tick("d", times=PATIENCE)
        cluster.tick("a", "b", "c", times=3)

    assert cluster["d"].role is Role.PRE_CANDIDATE
    assert (leader.role, leader.term) == (Role.LEADER, Term(1))
    assert leader.dropped["removed_sender"] == len(cluster.sent(PreVoteRequest, recipient="a")) > 3


def test_without_prevote_a_removed_node_still_disturbs_nobody() -> None:
    cluster = Cluster("abcd", pre_vote=False)
    leader = cluster.elect("a")
    cluster.isolate("d")
    leader.propose_configuration((A, B, C), (), Index(0))
    cluster.tick("a", "b", "c", times=ELECTION_TICKS)
    cluster.heal()

    cluster.tick("d", times=PATIENCE)

    assert cluster["d"].term == 2
    assert (leader.role, leader.term) == (Role.LEADER, Term(1))
    assert cluster.sent(VoteRequest, sender="d", term=2)


def test_a_node_that_was_cut_off_returns_without_raising_the_term() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    cluster.isolate("c")
    cluster.tick(times=4 * PATIENCE)
    assert cluster["c"].role is Role.PRE_CANDIDATE
    assert cluster["c"].term == 1

    cluster.heal()
    cluster.tick(times=3)

    assert (leader.role, leader.term) == (Role.LEADER, Term(1))
    assert cluster["c"].leader == "a"


def test_followers_that_hear_from_the_leader_do_not_answer_a_pre_vote() -> None:
    cluster = Cluster("abc")
    cluster.elect("a")
    cluster["b"].step(PreVoteRequest(C, B, Term(2), Index(9), Term(1)))

    assert cluster.nodes["b"].work() == []
    assert cluster["b"].dropped == {"leader_alive": 1}


def test_a_leader_without_a_quorum_steps_down_within_an_election_timeout() -> None:
    cluster = Cluster("abcde")
    cluster.elect("a")
    cluster.isolate("a", "b")

    cluster.tick("a", "b", times=9)
    assert cluster.role("a") is Role.LEADER
    cluster.tick("a", "b", times=1)

    assert cluster.role("a") is Role.FOLLOWER
    assert cluster["a"].term == 1


def test_a_leader_with_a_bare_quorum_stays() -> None:
    cluster = Cluster("abcde")
    cluster.elect("a")
    cluster.isolate("a", "b", "c")

    cluster.tick("a", "b", "c", times=3 * PATIENCE)

    assert cluster.role("a") is Role.LEADER
