"""Voters change only because the ledger says so, and a power cut must not wedge that.

Four nodes. A proposal passes at height p; the leader appends a configuration entry that names p;
two nodes accept it, for p is committed as far as they know; all four lose power. If their disks
kept the entry and forgot the commit index, a naive check of the warrant ("p is not committed here:
wait") would block for ever: the two with the entry cannot commit p without the others, who cannot
take the entry, and the two without it cannot win, for their logs are shorter. Therefore the entry
is synced together with a commit index of at least p, and whoever leads resends that commit index.
"""

import pytest

from tests.unit.consensus.cluster import GENESIS, Cluster, chain
from twinledger.consensus import (
    Append,
    BadConfiguration,
    ChangeInProgress,
    Configuration,
    EntryKind,
    Heartbeat,
    HeartbeatResponse,
    Index,
    NodeId,
    Role,
    Term,
    Verdict,
    VerdictPending,
    VerdictRefused,
    WarrantNotCommitted,
    make_entry,
)

A, B, C, D, E = map(NodeId, "abcde")


def applied_warrant(cluster: Cluster, name: str) -> None:
    """Judge as a driver does: only from the executed state at the warrant height."""

    def verdict(configuration: Configuration) -> Verdict:
        executed = cluster.disk(name).applied >= configuration.warrant
        return Verdict.ACCEPT if executed else Verdict.WAIT

    cluster.nodes[name].verdict = verdict


def four_nodes() -> Cluster:
    cluster = Cluster("abcd", learners="e")
    for name in "abcde":
        applied_warrant(cluster, name)
    cluster.elect("a")
    cluster.tick(times=2)
    return cluster


def test_four_nodes_survive_a_power_cut_between_the_warrant_and_its_entry() -> None:
    cluster = four_nodes()
    warrant = cluster.propose("a", b"e may vote")
    cluster.isolate("a", "b")
    index = cluster["a"].propose_configuration((A, B, C, D, E), (), warrant)
    cluster.settle()
    assert cluster.disk("b").last_index() == index > cluster["b"].commit
    assert cluster.disk("c").last_index() == warrant

    # Power fails everywhere, and none of the four had applied anything durably.
    cluster.crash("a", "b", "c", "d", "e")
    for name in "abcd":
        cluster.disk(name).applied = Index(0)
    cluster.heal()
    cluster.restart("a", "b", "c", "d")
    cluster.elect("b")
    cluster.tick(times=6)

    assert {cluster[name].commit for name in "abcd"} == {cluster["b"].last_index}
    assert cluster["d"].configuration.voters == (A, B, C, D, E)


def test_a_follower_takes_the_entry_only_once_it_knows_the_warrant_committed() -> None:
    cluster = four_nodes()
    cluster.crash("d")
    cluster.nodes["d"].verdict = lambda _: Verdict.ACCEPT
    warrant = cluster.propose("a", b"e may vote")
    index = cluster["a"].propose_configuration((A, B, C, D, E), (), warrant)
    cluster.settle()
    cluster.restart("d")
    cluster.tick(times=4)

    assert cluster.disk("d").last_index() == index
    assert cluster.disk("d").commit >= warrant


def test_no_driver_is_asked_about_a_warrant_that_is_not_known_to_be_committed() -> None:
    cluster = Cluster("abcd", learners="e")
    cluster.crash("a", "c", "d", "e")
    first, second = chain(1, 1)
    target = Configuration((A, B, C), learners=(E,), removed=(D,), warrant=Index(2))
    change = make_entry(second.hash, Index(3), Term(1), EntryKind.CONFIGURATION, target.encode())
    for commit, last in ((1, 2), (2, 3)):
        cluster["b"].step(
            Append(
                A, B, Term(1), Index(0), Term(0), GENESIS, (first, second, change), Index(commit)
            )
        )
        cluster.nodes["b"].work()
        assert cluster["b"].last_index == last
    assert cluster["b"].configuration == target


def test_a_step_whose_majorities_may_miss_each_other_is_refused_whatever_the_ledger_says() -> None:
    cluster = Cluster("abcd", learners="e")
    cluster.crash("a", "c", "d", "e")
    first, second = chain(1, 1)
    target = Configuration((A,), learners=(E,), removed=(B, C, D), warrant=Index(1))
    change = make_entry(second.hash, Index(3), Term(1), EntryKind.CONFIGURATION, target.encode())
    cluster["b"].step(
        Append(A, B, Term(1), Index(0), Term(0), GENESIS, (first, second, change), Index(2))
    )
    cluster.nodes["b"].work()

    assert cluster["b"].last_index == second.index
    assert cluster["b"].dropped["configuration_refused"] == 1
    assert cluster["b"].leader is None


def test_a_follower_that_must_wait_takes_what_comes_before_and_the_rest_later() -> None:
    cluster = four_nodes()
    cluster.nodes["c"].hold_applies = True
    warrant = cluster.propose("a", b"e may vote")
    index = cluster["a"].propose_configuration((A, B, C, D, E), (), warrant)
    cluster.settle()
    assert cluster["c"].last_index == warrant
    assert cluster["c"].dropped["configuration_waits"] >= 1
    assert cluster["c"].leader == A

    cluster.nodes["c"].hold_applies = False
    cluster.tick(times=4)

    assert cluster["c"].last_index == cluster["c"].commit == index


def test_a_leader_does_not_spin_while_a_follower_waits() -> None:
    cluster = Cluster("abcd", learners="e", max_append_entries=1)
    leader = cluster.elect("a")
    cluster.tick(times=2)
    cluster.nodes["c"].verdict = lambda _: Verdict.WAIT
    leader.propose_configuration((A, B, C, D, E), (), Index(0))
    cluster.propose("a", b"1", b"2")
    cluster.tick(times=3)

    cluster.seen.clear()
    cluster.tick(times=10)

    assert len(cluster.sent(Append, recipient="c")) == 10
    assert cluster.payloads("b") == [b"1", b"2"]


def test_a_follower_that_refuses_counts_the_sender_as_leader_no_more() -> None:
    cluster = four_nodes()
    cluster.nodes["c"].verdict = lambda _: Verdict.REFUSE
    before = cluster["c"].last_index
    cluster["a"].propose_configuration((A, B, C), (E,), Index(0))
    cluster.settle()

    assert cluster["c"].leader is None
    assert cluster["c"].last_index == before
    cluster.seen.clear()
    cluster.tick("a")
    assert cluster.sent(Heartbeat, recipient="c")
    assert cluster.sent(HeartbeatResponse, sender="c") == []
    assert cluster["c"].dropped["refused_leader"] >= 1


def test_a_leader_refused_by_a_majority_steps_down_and_another_wins() -> None:
    cluster = four_nodes()
    for name in "bcd":
        cluster.nodes[name].verdict = lambda _: Verdict.REFUSE
    cluster["a"].propose_configuration((A, B, C), (E,), Index(0))
    cluster.settle()

    cluster.tick("a", times=10)
    assert cluster["a"].role is Role.FOLLOWER
    cluster.elect("b")

    assert cluster["a"].configuration.voters == (A, B, C, D)
    assert cluster["a"].leader == B


def test_a_warrant_below_the_one_in_force_is_refused() -> None:
    cluster = four_nodes()
    warrant = cluster.propose("a", b"e leaves")
    cluster["a"].propose_configuration((A, B, C, D), (), warrant)
    cluster.settle()

    with pytest.raises(BadConfiguration):
        cluster["a"].propose_configuration((A, B, C), (), Index(warrant - 1))


def test_a_leader_names_only_a_committed_warrant_and_asks_its_own_driver() -> None:
    cluster = four_nodes()
    leader = cluster["a"]
    with pytest.raises(WarrantNotCommitted):
        leader.propose_configuration((A, B, C), (E,), Index(leader.commit + 1))
    cluster.nodes["a"].verdict = lambda _: Verdict.WAIT
    with pytest.raises(VerdictPending):
        leader.propose_configuration((A, B, C), (E,), Index(0))
    cluster.nodes["a"].verdict = lambda _: Verdict.REFUSE
    with pytest.raises(VerdictRefused):
        leader.propose_configuration((A, B, C), (E,), Index(0))

    assert leader.configuration.voters == (A, B, C, D)


def test_one_change_at_a_time() -> None:
    cluster = four_nodes()
    cluster.isolate("a")
    cluster["a"].propose_configuration((A, B, C), (E,), Index(0))

    with pytest.raises(ChangeInProgress):
        cluster["a"].propose_configuration((A, B, C, D), (E,), Index(0))
