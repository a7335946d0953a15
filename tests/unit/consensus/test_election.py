import pytest

from tests.unit.consensus.cluster import ELECTION, ELECTION_TICKS, PATIENCE, Cluster
from twinledger.consensus import (
    HardState,
    Index,
    NodeId,
    PreVoteRequest,
    PreVoteResponse,
    Role,
    Settings,
    StaleTerm,
    Term,
    VoteRequest,
    VoteResponse,
)

A, B, C = map(NodeId, "abc")


def asked_by_c(last_index: int, last_term: int, term: int = 9) -> VoteRequest:
    return VoteRequest(C, B, Term(term), Index(last_index), Term(last_term))


def answer(cluster: Cluster, request: VoteRequest | PreVoteRequest) -> bool:
    cluster[request.recipient].step(request)
    answers = cluster.nodes[request.recipient].work()
    (response,) = [m for m in answers if isinstance(m, VoteResponse | PreVoteResponse)]
    return response.granted


@pytest.mark.parametrize("names", ["a", "ab", "abc", "abcd", "abcde"])
def test_a_cluster_elects_one_leader(names: str) -> None:
    cluster = Cluster(names)
    cluster.elect("a")
    cluster.tick(times=2)
    assert cluster.leaders() == ["a"]
    assert {cluster[name].leader for name in names} == {A}
    assert {cluster[name].term for name in names} == {1}


@pytest.mark.parametrize(
    ("last_index", "last_term", "granted"),
    [(3, 2, True), (4, 2, True), (2, 3, True), (2, 2, False), (9, 1, False)],
)
def test_a_vote_goes_only_to_a_log_that_is_as_new_as_ours(
    last_index: int, last_term: int, granted: bool
) -> None:
    cluster = Cluster("abc")
    cluster.give_log("b", 1, 2, 2, term=2)
    assert answer(cluster, asked_by_c(last_index, last_term)) is granted
    question = PreVoteRequest(C, B, Term(19), Index(last_index), Term(last_term))
    assert answer(cluster, question) is granted


def test_one_vote_a_term() -> None:
    cluster = Cluster("abc")
    assert answer(cluster, asked_by_c(0, 0))
    assert answer(cluster, asked_by_c(0, 0))
    assert not answer(cluster, VoteRequest(A, B, Term(9), Index(7), Term(7)))
    assert answer(cluster, VoteRequest(A, B, Term(10), Index(7), Term(7)))


def test_a_follower_of_this_terms_leader_has_no_vote_left_for_others() -> None:
    cluster = Cluster("abc")
    cluster.crash("c")
    cluster.elect("a")
    cluster.restart("c")
    cluster.tick("a")
    assert (cluster["c"].leader, cluster["c"].vote) == (A, None)
    assert not answer(cluster, VoteRequest(B, C, Term(1), Index(9), Term(1)))


def test_a_pre_vote_promises_and_changes_nothing() -> None:
    cluster = Cluster("abc")
    cluster.nodes["b"].hold_syncs = True
    for sender in (A, C):
        assert answer(cluster, PreVoteRequest(sender, B, Term(1), Index(0), Term(0)))
    assert (cluster["b"].term, cluster["b"].vote) == (0, None)
    assert not cluster.nodes["b"].unsynced


def test_a_pre_vote_for_a_term_that_is_not_new_is_refused() -> None:
    cluster = Cluster("abc")
    cluster.give_log("b", 1, term=5)
    assert not answer(cluster, PreVoteRequest(C, B, Term(5), Index(9), Term(5)))


def test_a_lost_pre_vote_leaves_the_term_alone() -> None:
    cluster = Cluster("abc")
    cluster.give_log("b", 1, term=1)
    cluster.give_log("c", 1, term=1)
    cluster.campaign("a")
    cluster.settle()
    assert cluster["a"].role is Role.FOLLOWER
    assert {name: cluster.disk(name).hard_state.vote for name in "abc"} == dict.fromkeys("abc")


def test_without_pre_vote_a_candidate_raises_its_term_at_once() -> None:
    cluster = Cluster("abc", pre_vote=False)
    cluster.tick("a", times=PATIENCE, settle=False)
    assert (cluster["a"].role, cluster["a"].term) == (Role.CANDIDATE, Term(1))


def test_a_candidate_that_is_refused_by_a_quorum_follows() -> None:
    cluster = Cluster("abc", pre_vote=False)
    cluster.campaign("a")
    cluster.nodes["a"].work()
    for voter in (B, C):
        cluster["a"].step(VoteResponse(voter, A, Term(1), granted=False))
    assert cluster["a"].role is Role.FOLLOWER


def test_a_voter_counts_once_however_often_it_answers() -> None:
    cluster = Cluster("abcde", pre_vote=False)
    cluster.campaign("a")
    cluster.nodes["a"].work()
    for _ in range(3):
        cluster["a"].step(VoteResponse(B, A, Term(1), granted=True))
    assert cluster["a"].role is Role.CANDIDATE


def test_a_vote_of_an_older_term_does_not_count() -> None:
    cluster = Cluster("abc", pre_vote=False)
    cluster.campaign("a")
    cluster.nodes["a"].work()
    cluster.tick("a", times=PATIENCE, settle=False)
    assert cluster["a"].term == 2
    cluster.nodes["a"].work()
    cluster["a"].step(VoteResponse(B, A, Term(1), granted=True))
    assert cluster["a"].role is Role.CANDIDATE


def test_a_candidate_follows_a_leader_of_its_own_term() -> None:
    cluster = Cluster("abc", pre_vote=False)
    cluster.tick("c", times=PATIENCE, settle=False)
    cluster.tick("a", times=PATIENCE, settle=False)
    while cluster.deliver(lambda m: isinstance(m, ELECTION) and C not in (m.sender, m.recipient)):
        pass
    assert (cluster["a"].role, cluster["c"].role) == (Role.LEADER, Role.CANDIDATE)
    cluster.settle()
    assert (cluster["c"].role, cluster["c"].leader) == (Role.FOLLOWER, A)


def test_a_message_of_a_past_term_is_answered_only_if_somebody_waits_for_it() -> None:
    cluster = Cluster("abc")
    cluster.give_log("b", 1, term=7)
    cluster["b"].step(PreVoteRequest(C, B, Term(3), Index(0), Term(0)))
    cluster["b"].step(VoteRequest(C, B, Term(3), Index(0), Term(0)))
    answers = cluster.nodes["b"].work()
    assert answers == [PreVoteResponse(B, C, Term(7), granted=False)]
    assert cluster["b"].dropped == {"past_term": 2}


def test_a_stale_term_is_learnt() -> None:
    cluster = Cluster("abc")
    cluster.elect("a").step(StaleTerm(B, A, Term(8)))
    assert (cluster["a"].role, cluster["a"].term) == (Role.FOLLOWER, Term(8))


def test_the_leader_counts_its_own_vote_only_when_it_is_synced() -> None:
    cluster = Cluster("abc", pre_vote=False)
    cluster.nodes["a"].hold_syncs = True
    cluster.tick("a", times=PATIENCE, settle=False)
    cluster.nodes["a"].work()
    cluster["a"].step(VoteResponse(B, A, Term(1), granted=True))
    assert cluster.role("a") is Role.CANDIDATE
    cluster.nodes["a"].sync_one()
    assert cluster.role("a") is Role.LEADER


def test_each_role_draws_a_new_timeout() -> None:
    drawn: list[int] = []

    def draw() -> int:
        drawn.append(15 + len(drawn))
        return drawn[-1]

    cluster = Cluster("abc")
    node = cluster.nodes["a"]
    node.settings = Settings(node=A, next_election_timeout=draw)
    cluster.restart("a")
    assert drawn == [15]
    cluster.tick("a", times=15, settle=False)
    assert node.core.role is Role.PRE_CANDIDATE
    assert drawn == [15, 16]


def test_a_pre_candidate_asks_again_within_one_election_timeout() -> None:
    cluster = Cluster("abc")
    cluster.tick("a", times=PATIENCE, settle=False)
    assert len(cluster.waiting(PreVoteRequest)) == 2
    cluster.tick("a", times=ELECTION_TICKS - 1, settle=False)
    assert len(cluster.waiting(PreVoteRequest)) == 2
    cluster.tick("a", settle=False)
    assert len(cluster.waiting(PreVoteRequest)) == 4


def test_a_candidate_that_lost_asks_again_within_one_election_timeout() -> None:
    cluster = Cluster("abc")
    cluster.campaign("a")
    while cluster.role("a") is Role.PRE_CANDIDATE:
        cluster.deliver(lambda message: isinstance(message, PreVoteRequest | PreVoteResponse))
    assert cluster.role("a") is Role.CANDIDATE
    for other in (B, C):
        cluster["a"].step(VoteResponse(other, A, Term(1), granted=False))
    assert (cluster.role("a"), cluster["a"].term) == (Role.FOLLOWER, 1)
    cluster.tick("a", times=ELECTION_TICKS, settle=False)
    assert cluster.role("a") is Role.PRE_CANDIDATE


def test_without_pre_vote_a_candidate_that_lost_waits_for_the_whole_time() -> None:
    cluster = Cluster("abc", pre_vote=False)
    cluster.campaign("a")
    cluster.nodes["a"].work()
    for other in (B, C):
        cluster["a"].step(VoteResponse(other, A, Term(1), granted=False))
    assert cluster.role("a") is Role.FOLLOWER
    cluster.tick("a", times=PATIENCE - 1, settle=False)
    assert (cluster.role("a"), cluster["a"].term) == (Role.FOLLOWER, 1)


def test_a_restarted_node_remembers_its_term_and_vote() -> None:
    cluster = Cluster("abc")
    cluster.disk("b").hard_state = HardState(Term(4), C)
    cluster.restart("b")
    assert (cluster["b"].term, cluster["b"].vote, cluster["b"].role) == (4, C, Role.FOLLOWER)
    assert cluster["b"].ready() is None
