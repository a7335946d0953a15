"""A voter loses power right after its vote left, and restarts within the same election.

If vote or term were not on its disk before the answer left, it would vote again, for another, in
the same term: two leaders.
"""

import pytest

from tests.unit.consensus.cluster import Cluster
from twinledger.consensus import HardState, NodeId, Role, Term, VoteRequest, VoteResponse


def ask(cluster: Cluster, candidate: str, term: int) -> list[VoteResponse]:
    """Ask c for its vote; return the answers that have left it."""
    cluster["c"].step(
        VoteRequest(NodeId(candidate), NodeId("c"), Term(term), cluster["c"].last_index, Term(0))
    )
    answers = cluster.nodes["c"].work()
    return [answer for answer in answers if isinstance(answer, VoteResponse)]


def test_a_vote_survives_the_power_cut_that_follows_it() -> None:
    cluster = Cluster("abc")
    assert [answer.granted for answer in ask(cluster, "a", 5)] == [True]

    cluster.crash("c")
    cluster.restart("c")

    assert cluster["c"].term == 5
    assert [answer.granted for answer in ask(cluster, "b", 5)] == [False]
    assert [answer.granted for answer in ask(cluster, "a", 5)] == [True]


def test_a_vote_does_not_leave_before_it_is_synced() -> None:
    cluster = Cluster("abc")
    cluster.nodes["c"].hold_syncs = True
    assert ask(cluster, "a", 5) == []

    cluster.nodes["c"].hold_syncs = False
    (answer,) = cluster.nodes["c"].work()

    assert cluster.disk("c").hard_state == HardState(Term(5), NodeId("a"))
    assert answer == VoteResponse(NodeId("c"), NodeId("a"), Term(5), granted=True)


def test_a_vote_asked_for_twice_still_waits_for_the_sync_of_the_first() -> None:
    cluster = Cluster("abc")
    cluster.nodes["c"].hold_syncs = True
    assert ask(cluster, "a", 5) == []
    assert ask(cluster, "a", 5) == []


def test_a_term_survives_even_without_a_vote() -> None:
    cluster = Cluster("abc")
    cluster.give_log("c", 1, 1, term=1)
    refused = VoteRequest(NodeId("a"), NodeId("c"), Term(7), cluster["c"].last_index, Term(0))
    cluster["c"].step(
        VoteRequest(refused.sender, NodeId("c"), Term(7), refused.last_index, Term(1))
    )
    cluster.nodes["c"].work()

    cluster.crash("c")
    cluster.restart("c")

    assert cluster["c"].term == 7


@pytest.mark.parametrize("peers", ["b", "bc", "bcde"])
def test_a_candidate_asks_nobody_before_its_own_vote_is_synced(peers: str) -> None:
    cluster = Cluster("a" + peers, pre_vote=False)
    cluster.nodes["a"].hold_syncs = True
    cluster.tick("a", times=19, settle=False)
    assert cluster["a"].role is Role.CANDIDATE
    assert cluster.waiting(VoteRequest) == []

    cluster.nodes["a"].hold_syncs = False
    assert len(cluster.waiting(VoteRequest)) == len(peers)
    assert cluster.disk("a").hard_state == HardState(Term(1), NodeId("a"))
