"""The bugs that CCF found in its own Raft by checking traces against a model (NSDI 2025).

The second, counting entries of older terms, has its own story: Figure 8. The sixth, retiring a node
before its removal is committed, is told in the stories of removed leaders and followers.
"""

import pytest

from tests.unit.consensus.cluster import GENESIS, Cluster, chain
from twinledger.consensus import (
    Append,
    AppendAccepted,
    AppendRejected,
    Configuration,
    Entry,
    Index,
    NodeId,
    PreVoteResponse,
    Role,
    Term,
    VoteResponse,
)

A, B, C, D, E = map(NodeId, "abcde")


def test_1_an_election_needs_a_majority_of_each_half_not_of_their_union() -> None:
    cluster = Cluster("abc", outsiders="de")
    cluster.configuration = Configuration(voters=(A, D, E), outgoing=(A, B, C))
    for name in "abcde":
        cluster.disk(name).configuration = cluster.configuration
        cluster.restart(name)
    cluster.crash("b", "c", "d", "e")
    cluster.campaign("a")
    cluster.nodes["a"].work()
    core = cluster["a"]
    for voter in (B, D):
        core.step(PreVoteResponse(voter, A, Term(1), granted=True))
    cluster.nodes["a"].work()
    assert cluster.role("a") is Role.CANDIDATE

    # a and b and c: three of five, a majority of the union and of the old half, not of the new.
    for voter in (B, C):
        core.step(VoteResponse(voter, A, core.term, granted=True))
    assert cluster.role("a") is Role.CANDIDATE

    core.step(VoteResponse(E, A, core.term, granted=True))
    assert cluster.role("a") is Role.LEADER


def test_1_commitment_needs_a_majority_of_each_half_too() -> None:
    cluster = Cluster("abc", learners="de")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    cluster.crash("d", "e")
    before = leader.commit

    leader.propose_configuration((A, D, E), (), Index(0))
    cluster.settle()

    assert leader.configuration.joint
    assert leader.progress[B].match == leader.progress[C].match == leader.last_index
    assert leader.commit == before


def test_3_a_refusal_never_advances_anything() -> None:
    cluster = Cluster("abc")
    leader = cluster.elect("a")
    cluster.isolate("a")
    index = cluster.propose("a", b"unknown to all")
    for peer in (B, C):
        for hint in (index, Index(99)):
            leader.step(AppendRejected(peer, A, leader.term, index, hint, leader.term))

    assert [progress.match for progress in leader.progress.values()] == [1, 1]
    assert leader.commit == 1


@pytest.fixture
def follower() -> Cluster:
    """Return a cluster in which b alone runs, and has acknowledged three entries of term 1."""
    cluster = Cluster("abc")
    cluster.crash("a", "c")
    cluster["b"].step(append(chain(1, 1, 1), commit=2))
    answers = cluster.nodes["b"].work()
    assert answers == [AppendAccepted(B, A, Term(1), Index(3))]
    return cluster


def append(entries: tuple[Entry, ...], commit: int, after: Entry | None = None) -> Append:
    """Return an Append from a to b, of term 1, whose entries follow the one given."""
    index, term, content = (after.index, after.term, after.hash) if after else (0, 0, GENESIS)
    return Append(A, B, Term(1), Index(index), Term(term), content, entries, Index(commit))


def test_4_an_early_append_that_arrives_late_cuts_nothing_off(follower: Cluster) -> None:
    follower["b"].step(append(chain(1), commit=0))
    follower.nodes["b"].work()

    assert follower.log("b") == [(1, 1), (2, 1), (3, 1)]


def test_4_nor_does_it_where_nothing_is_committed_yet() -> None:
    cluster = Cluster("abc")
    cluster.crash("a", "c")
    cluster["b"].step(append(chain(1, 1, 1), commit=0))
    cluster.nodes["b"].work()
    cluster["b"].step(append(chain(1, 1), commit=0))
    cluster.nodes["b"].work()

    assert cluster.log("b") == [(1, 1), (2, 1), (3, 1)]


def test_4_nor_does_one_that_ends_between_commit_and_the_last_entry(follower: Cluster) -> None:
    first, second, third = chain(1, 1, 1)
    follower["b"].step(append((), commit=2, after=second))
    follower.nodes["b"].work()

    assert follower.disk("b").log == [first, second, third]


def test_5_an_acknowledgement_ends_where_the_message_ended(follower: Cluster) -> None:
    """b holds three entries; what it has beyond the message may be of no leader at all."""
    second = chain(1, 1)[1]
    follower["b"].step(append((), commit=2, after=second))

    assert follower.nodes["b"].work() == [AppendAccepted(B, A, Term(1), Index(2))]


def test_5_a_new_leader_is_not_told_of_entries_it_did_not_send(follower: Cluster) -> None:
    second = chain(1, 1)[1]
    follower["b"].step(Append(C, B, Term(2), Index(2), Term(1), second.hash, (), commit=Index(2)))

    assert follower.nodes["b"].work() == [AppendAccepted(B, C, Term(2), Index(2))]


def test_commit_stops_at_the_end_of_what_the_message_carried(follower: Cluster) -> None:
    second = chain(1, 1)[1]
    follower["b"].step(Append(C, B, Term(2), Index(2), Term(1), second.hash, (), commit=Index(9)))

    assert follower["b"].commit == 2
