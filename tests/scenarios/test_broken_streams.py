"""A leader that is killed closes its streams, and its followers need not wait for its silence.

But a stream may break while its leader works: that must cost the leader nothing, as long as others
hear from it. The driver only tells what it saw; PreVote and stickiness decide.
"""

from itertools import product

import pytest

from tests.unit.consensus.cluster import ELECTION_TICKS, PATIENCE, Cluster
from twinledger.consensus import NodeId, Role, Term

A, B, C, D = map(NodeId, "abcd")


def led_by_a(names: str = "abcd", *, without: str | None = None) -> Cluster:
    cluster = Cluster(names, **({} if without is None else {without: False}))  # type: ignore[arg-type]
    cluster.elect("a")
    cluster.tick()
    assert all(cluster[name].leader == A for name in names)
    return cluster


def test_the_followers_of_a_killed_leader_elect_another_before_its_silence_would_tell() -> None:
    cluster = led_by_a()
    cluster.propose("a", b"acknowledged")
    cluster.crash("a")
    for name in "bcd":
        cluster[name].hung_up(A)

    cluster.tick("b", times=ELECTION_TICKS)

    assert cluster.leaders() == ["b"]
    assert cluster.payloads("b") == [b"acknowledged"]


def test_a_leader_whose_stream_to_one_follower_broke_stays() -> None:
    cluster = led_by_a()
    cluster["b"].hung_up(A)
    assert cluster["b"].leader is None

    cluster.tick("b", times=ELECTION_TICKS)
    assert cluster.role("b") is Role.PRE_CANDIDATE
    assert {cluster[name].dropped["leader_alive"] for name in "acd"} == {1}

    cluster.tick()
    assert {cluster[name].leader for name in "abcd"} == {A}
    assert {cluster[name].term for name in "abcd"} == {1}


def test_a_follower_that_hears_no_more_of_its_leader_asks_in_vain_for_as_long_as_others_do() -> (
    None
):
    cluster = led_by_a()
    cluster.cuts.add(("a", "b"))
    cluster["b"].hung_up(A)
    cluster.tick(times=5 * PATIENCE)

    assert cluster.leaders() == ["a"]
    assert {cluster[name].term for name in "abcd"} == {1}

    cluster.heal()
    cluster.tick()
    assert cluster["b"].leader == A


def test_two_of_five_that_lost_their_leader_cannot_depose_it() -> None:
    cluster = led_by_a("abcde")
    cluster.cuts |= set(product("a", "bc"))
    for name in "bc":
        cluster[name].hung_up(A)
    cluster.tick(times=5 * PATIENCE)

    assert cluster.leaders() == ["a"]
    assert {cluster[name].term for name in "abcde"} == {1}


def test_a_quorum_that_lost_its_leader_elects_another_which_holds_what_was_committed() -> None:
    cluster = led_by_a()
    cluster.propose("a", b"acknowledged")
    cluster.cuts |= set(product("a", "bcd"))
    for name in "bcd":
        cluster[name].hung_up(A)
    cluster.tick("b", times=ELECTION_TICKS)
    assert (cluster.role("b"), cluster["b"].term) == (Role.LEADER, 2)

    cluster.heal()
    cluster.tick(times=2)
    assert cluster.leaders() == ["b"]
    assert [cluster.payloads(name) for name in "abcd"] == [[b"acknowledged"]] * 4


def test_reads_under_way_are_given_up_when_the_stream_of_the_leader_breaks() -> None:
    cluster = led_by_a()
    cluster["b"].read_index(b"b1")
    cluster["b"].hung_up(A)
    cluster.nodes["b"].work()
    assert cluster.nodes["b"].aborted_reads == [b"b1"]


def test_the_broken_stream_of_one_who_does_not_lead_means_nothing() -> None:
    cluster = led_by_a()
    for name, other in product("abcd", "bcd"):
        cluster[name].hung_up(NodeId(other))
    assert {cluster[name].leader for name in "abcd"} == {A}
    assert cluster.leaders() == ["a"]


def test_a_leader_is_not_unseated_by_itself() -> None:
    cluster = led_by_a()
    cluster["a"].hung_up(A)
    assert cluster.leaders() == ["a"]


@pytest.mark.parametrize("guard", ["pre_vote", "check_quorum"])
def test_without_prevote_and_check_quorum_a_broken_stream_means_nothing(guard: str) -> None:
    cluster = led_by_a(without=guard)
    cluster["b"].hung_up(A)
    cluster.tick("b", times=ELECTION_TICKS)
    assert (cluster["b"].leader, cluster["b"].role) == (A, Role.FOLLOWER)
    assert cluster["b"].term == Term(1)
