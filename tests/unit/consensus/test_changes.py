from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from twinledger.consensus import BadConfiguration, ChangeInProgress, Configuration, Index, NodeId
from twinledger.consensus.changes import (
    begin_anew,
    is_step,
    leave_joint,
    next_configuration,
    simple,
)

A, B, C, D, E = map(NodeId, "abcde")
NODES = st.sets(st.sampled_from([A, B, C, D, E]))
P = Index(9)


def test_one_voter_more_is_one_step() -> None:
    assert next_configuration(Configuration((A, B)), (A, B, C), (), P) == Configuration(
        (A, B, C), warrant=P
    )


def test_one_voter_less_is_one_step_and_the_voter_is_gone_for_ever() -> None:
    assert next_configuration(Configuration((A, B)), (A,), (), P) == Configuration(
        (A,), removed=(B,), warrant=P
    )


def test_a_voter_that_becomes_a_learner_is_not_removed() -> None:
    assert next_configuration(Configuration((A, B)), (A,), (B,), P).removed == ()


def test_a_swap_goes_through_a_joint_configuration() -> None:
    joint = next_configuration(Configuration((A, B, C), learners=(D,)), (A, B, D), (), P)
    assert joint == Configuration((A, B, D), outgoing=(A, B, C), warrant=P)
    assert leave_joint(joint) == Configuration((A, B, D), removed=(C,), warrant=P)


def test_majorities_that_may_miss_each_other_are_never_one_step() -> None:
    for voters in ((A, D), (A, B, D, E), (A,)):
        with pytest.raises(BadConfiguration):
            simple(Configuration((A, B, C)), voters, (), P)


def test_a_demoted_voter_learns_only_when_the_joint_configuration_is_left() -> None:
    joint = next_configuration(Configuration((A, B, C)), (A,), (B,), P)
    assert (joint.learners, joint.learners_next) == ((), (B,))
    left = leave_joint(joint)
    assert (left.learners, left.removed) == ((B,), (C,))


def test_a_joint_configuration_must_be_left_first() -> None:
    joint = Configuration((A,), outgoing=(A, B))
    for voters in ((A,), (A, B), (C, D)):
        with pytest.raises(ChangeInProgress):
            next_configuration(joint, voters, (), P)


def test_what_begins_anew_has_new_voters_alone_and_removes_everybody_before() -> None:
    joint = Configuration((A, B), outgoing=(A,), removed=(NodeId("x"),))
    for before in (Configuration((A, B), learners=(C,), removed=(NodeId("x"),)), joint):
        anew = begin_anew(before, (E, D), P, b"why")
        gone = (*before.members, NodeId("x"))
        assert anew == Configuration((D, E), removed=gone, warrant=P, record=b"why")
        assert is_step(before, anew)


@pytest.mark.parametrize(
    "other",
    [
        {"removed": (A,)},
        {"learners": (C,)},
        {"outgoing": (C,)},
        {"record": b""},
        {"voters": (A, D), "removed": (B,)},
    ],
)
def test_nothing_else_begins_anew(other: dict[str, Any]) -> None:
    before = Configuration((A, B))
    anew = begin_anew(before, (D, E), P, b"why")
    assert not is_step(before, replace(anew, **other))


def test_who_was_there_before_does_not_begin_anew() -> None:
    for before in (Configuration((A, B)), Configuration((B,), removed=(A,))):
        with pytest.raises(BadConfiguration):
            begin_anew(before, (A, D), P, b"why")
    with pytest.raises(BadConfiguration):
        begin_anew(Configuration((B,)), (A,), P, b"")


def test_the_next_step_has_no_record_any_more() -> None:
    anew = begin_anew(Configuration((A,)), (B, C), P, b"why")
    assert next_configuration(anew, (B, C), (D,), P).record == b""
    joint = next_configuration(anew, (D, E), (), P)
    assert (joint.record, leave_joint(joint).record) == (b"", b"")


def test_there_is_always_a_voter() -> None:
    with pytest.raises(BadConfiguration):
        next_configuration(Configuration((A,)), (), (A,), P)


def test_nobody_votes_and_learns_at_once() -> None:
    with pytest.raises(BadConfiguration):
        next_configuration(Configuration((A,)), (A,), (A,), P)


@given(NODES.filter(bool), NODES, NODES.filter(bool), NODES)
def test_every_target_is_reached_and_nobody_is_forgotten(
    voters: set[NodeId], learners: set[NodeId], goal: set[NodeId], goal_learners: set[NodeId]
) -> None:
    start = Configuration(tuple(sorted(voters)), learners=tuple(sorted(learners - voters)))
    step = next_configuration(start, goal, goal_learners - goal, P)
    end = leave_joint(step) if step.joint else step

    assert set(end.voters) == goal
    assert set(end.learners) == goal_learners - goal
    assert set(end.removed) == set(start.members) - goal - goal_learners
    assert Configuration.decode(step.encode()) == step
    if not step.joint:
        assert len(voters ^ goal) <= 1


@given(NODES, NODES, NODES, NODES, NODES)
def test_every_step_made_here_is_known_as_one(
    voters: set[NodeId],
    learners: set[NodeId],
    goal: set[NodeId],
    learning: set[NodeId],
    removed: set[NodeId],
) -> None:
    assume(voters and goal)
    now = Configuration(_sorted(voters), learners=_sorted(learners - voters))
    target = next_configuration(now, goal - removed or goal, learning - goal, P)
    assert is_step(now, target)
    if target.joint:
        assert is_step(target, leave_joint(target))


@given(NODES, NODES)
def test_a_step_is_one_voter_or_joint(voters: set[NodeId], goal: set[NodeId]) -> None:
    assume(voters and goal)
    now = Configuration(_sorted(voters))
    target = Configuration(_sorted(goal), removed=_sorted(voters - goal), warrant=P)
    assert is_step(now, target) == (len(voters ^ goal) <= 1)


def test_no_step_brings_back_the_dead_or_forgets_them() -> None:
    now = Configuration((A, B), removed=(C,))
    assert not is_step(now, Configuration((A, B, D), warrant=P))
    assert not is_step(now, Configuration((A, B, C), warrant=P))
    assert not is_step(now, Configuration((A,), removed=(C,), warrant=P))


def _sorted(nodes: set[NodeId]) -> tuple[NodeId, ...]:
    return tuple(sorted(nodes))
