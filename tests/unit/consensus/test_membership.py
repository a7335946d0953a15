import pytest

from tests.unit.consensus.cluster import Cluster
from twinledger.consensus import (
    Append,
    ChangeInProgress,
    Configuration,
    EntryKind,
    Index,
    NodeId,
    Verdict,
)

A, B, C, D, E = map(NodeId, "abcde")
NOW = Index(0)


def test_a_configuration_is_in_force_when_appended_not_when_committed() -> None:
    cluster = Cluster("abc", learners="d")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    cluster.crash("c", "d")
    index = leader.propose_configuration((A, B, C, D), (), NOW)
    assert leader.configuration.voters == (A, B, C, D)
    cluster.settle()
    assert cluster["b"].configuration.voters == (A, B, C, D)

    # Two of the old three hold it; of the new four that is no majority.
    assert leader.commit == index - 1


def test_truncation_brings_the_configuration_before_back() -> None:
    cluster = Cluster("abc", learners="d")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    cluster.isolate("a")
    leader.propose_configuration((A, B, C, D), (), NOW)
    cluster.settle()
    cluster.elect("b")
    cluster.heal()
    cluster.tick(times=2)

    assert cluster["a"].configuration.voters == (A, B, C)


def test_a_restart_finds_the_configuration_in_the_log() -> None:
    cluster = Cluster("abc", learners="d")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    cluster.isolate("a")
    leader.propose_configuration((A, B, C, D), (), NOW)
    cluster.settle()
    cluster.crash("a")
    assert cluster.disk("a").configuration.voters == (A, B, C)
    cluster.restart("a")
    assert cluster["a"].configuration.voters == (A, B, C, D)


def test_a_restart_finds_a_committed_configuration_that_was_not_applied() -> None:
    cluster = Cluster("abc", learners="d")
    cluster.nodes["b"].hold_applies = True
    leader = cluster.elect("a")
    cluster.tick(times=2)
    leader.propose_configuration((A, B, C, D), (), NOW)
    cluster.settle()
    cluster.crash("b")
    assert cluster.disk("b").applied == 0
    cluster.restart("b")
    assert cluster["b"].configuration.voters == (A, B, C, D)


def test_a_swap_passes_through_a_joint_configuration_and_leaves_it_by_itself() -> None:
    cluster = Cluster("abc", learners="de")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    leader.propose_configuration((A, D, E), (), NOW)
    cluster.settle()

    kinds = [e.payload for e in cluster.disk("a").log if e.kind is EntryKind.CONFIGURATION]
    joint, final = map(Configuration.decode, kinds)
    assert (joint.voters, joint.outgoing) == ((A, D, E), (A, B, C))
    assert final == Configuration((A, D, E), removed=(B, C))
    assert leader.configuration == final
    assert leader.commit == leader.last_index


def test_a_new_leader_leaves_a_joint_configuration_that_the_old_one_entered() -> None:
    cluster = Cluster("abc", learners="de")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    cluster.nodes["a"].verdict = lambda target: Verdict.ACCEPT if target.joint else Verdict.WAIT
    leader.propose_configuration((B, D, E), (), NOW)
    cluster.settle()
    assert leader.configuration.joint
    cluster.crash("a")

    cluster.elect("b")

    assert cluster["b"].configuration == Configuration((B, D, E), removed=(A, C))


def test_leaving_waits_for_the_driver_and_then_happens() -> None:
    cluster = Cluster("abc", learners="de")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    cluster.nodes["a"].verdict = lambda target: Verdict.ACCEPT if target.joint else Verdict.WAIT
    leader.propose_configuration((A, D, E), (), NOW)
    cluster.settle()
    cluster.tick(times=3)
    assert leader.configuration.joint

    cluster.nodes["a"].verdict = lambda _: Verdict.ACCEPT
    cluster.tick(times=1)
    assert not leader.configuration.joint


def test_a_follower_that_lets_a_change_wait_is_asked_with_one_entry_a_heartbeat() -> None:
    """It has the change's warrant still to execute, and no time to look at what comes after."""
    cluster = Cluster("abcd")
    leader = cluster.elect("a")
    cluster.nodes["c"].verdict = lambda _: Verdict.WAIT
    change = leader.propose_configuration((A, B, C), (), NOW)
    cluster.propose("a", *[b"after"] * 50)
    begin = len(cluster.seen)
    cluster.tick("a", times=20)
    asked = [m for m in cluster.seen[begin:] if isinstance(m, Append) and m.recipient == C]
    assert cluster["c"].last_index == change - 1
    assert 10 <= len(asked) <= 20
    assert {len(message.entries) for message in asked} == {1}

    cluster.nodes["c"].verdict = lambda _: Verdict.ACCEPT
    cluster.tick("a", times=2)
    assert cluster["c"].last_index == leader.last_index


def test_while_joint_no_other_change_is_taken() -> None:
    cluster = Cluster("abc", learners="de")
    leader = cluster.elect("a")
    cluster.tick(times=2)
    cluster.nodes["a"].verdict = lambda target: Verdict.ACCEPT if target.joint else Verdict.WAIT
    index = leader.propose_configuration((A, D, E), (), NOW)
    cluster.settle()
    assert leader.commit >= index
    with pytest.raises(ChangeInProgress):
        leader.propose_configuration((A, B), (), NOW)


def test_a_pending_change_blocks_the_next_until_it_is_committed() -> None:
    cluster = Cluster("abcd")
    leader = cluster.elect("a")
    leader.propose_configuration((A, B, C), (), NOW)
    with pytest.raises(ChangeInProgress):
        leader.propose_configuration((A, B), (), NOW)
    cluster.settle()
    leader.propose_configuration((A, B), (), NOW)


def test_a_node_that_is_being_removed_is_still_replicated_to() -> None:
    cluster = Cluster("abcd")
    leader = cluster.elect("a")
    cluster.crash("c")
    cluster.isolate("d")
    removal = leader.propose_configuration((A, B, C), (), NOW)
    cluster.settle()
    assert set(leader.progress) == {B, C, D}
    assert leader.commit == removal

    cluster.propose("a", b"after")
    cluster.heal()
    cluster.tick(times=2)
    assert cluster.disk("d").last_index() == removal
    assert cluster["d"].configuration.removed == (D,)
    assert set(leader.progress) == {B, C}


def test_the_leader_parts_from_a_removed_node_that_stays_silent() -> None:
    cluster = Cluster("abcd")
    leader = cluster.elect("a")
    cluster.isolate("d")
    leader.propose_configuration((A, B, C), (), NOW)
    cluster.settle()
    assert D in leader.progress
    cluster.tick(times=10)
    assert D not in leader.progress


def test_changing_learners_only_needs_no_joint_configuration() -> None:
    cluster = Cluster("abc", outsiders="de")
    leader = cluster.elect("a")
    leader.propose_configuration((A, B, C), (D, E), NOW)
    cluster.settle()
    assert leader.configuration.learners == (D, E)
    assert cluster["d"].configuration.learners == (D, E)


def test_the_configuration_entry_carries_its_warrant() -> None:
    cluster = Cluster("abcd")
    leader = cluster.elect("a")
    warrant = cluster.propose("a", b"d leaves")
    index = leader.propose_configuration((A, B, C), (), warrant)
    cluster.settle()
    entry = cluster.disk("b").log[index - 1]
    assert Configuration.decode(entry.payload).warrant == warrant
