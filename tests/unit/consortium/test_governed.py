"""The configuration that orders follows the ledger's node set, and nothing else."""

from hypothesis import assume, given
from hypothesis import strategies as st

from twinledger.consensus import Configuration, Index, NodeId
from twinledger.consensus.changes import is_step, leave_joint, next_configuration
from twinledger.consortium.governed import calls_for, next_step

A, B, C, D, E = map(NodeId, "abcde")
P = Index(9)
NODES = st.sets(st.sampled_from([A, B, C, D, E]), min_size=1)


def entry(current: Configuration, voters: set[NodeId], learners: set[NodeId]) -> Configuration:
    return next_configuration(current, voters, learners, P)


def test_a_newcomer_learns_before_it_votes() -> None:
    now = Configuration((A, B, C))
    assert next_step({A, B, C, D}, now, ()) == ((A, B, C), (D,))
    learning = entry(now, {A, B, C}, {D})
    assert next_step({A, B, C, D}, learning, ()) is None
    assert next_step({A, B, C, D}, learning, {D}) == ((A, B, C, D), ())


def test_a_newcomer_that_never_comes_up_holds_nobody_up() -> None:
    now = Configuration((A, B, C), learners=(D, E))
    assert next_step({A, B, D, E}, now, {E}) == ((A, B, E), (D,))


def test_everyone_may_not_go() -> None:
    assert next_step({D}, Configuration((A,), learners=(D,)), ()) is None


def test_what_nobody_agreed_on_is_not_called_for() -> None:
    now, agreed = Configuration((A, B, C)), {A, B, C, D}
    assert calls_for(agreed, now, entry(now, {A, B, C}, {D}))
    assert not calls_for(agreed, now, entry(now, {A, B, C}, {E}))
    assert not calls_for(agreed, now, entry(now, {A, B, C, E}, set()))
    assert not calls_for(agreed, now, entry(now, {A, B}, set()))
    assert not calls_for(agreed, now, entry(now, {A, B}, {C}))


def test_an_agreed_learner_is_not_dropped() -> None:
    now, agreed = Configuration((A, B, C), learners=(D,)), {A, B, D}
    assert calls_for(agreed, now, entry(now, {A, B}, {D}))
    assert not calls_for(agreed, now, entry(now, {A, B}, set()))


def test_a_joint_configuration_is_left_towards_its_new_half_only() -> None:
    joint = entry(Configuration((A, B, C)), {A, D, E}, set())
    assert calls_for({A, D, E}, joint, leave_joint(joint))
    assert not calls_for({A, B, C}, joint, Configuration((A, B, C), warrant=P))


@given(NODES, NODES, NODES)
def test_steps_are_lawful_called_for_and_reach_the_agreed_set(
    voters: set[NodeId], learners: set[NodeId], agreed: set[NodeId]
) -> None:
    current = Configuration(
        tuple(sorted(voters)), learners=tuple(sorted((learners & agreed) - voters))
    )
    for _ in range(4):
        step = next_step(agreed, current, agreed)
        if step is None:
            break
        target = next_configuration(current, step.voters, step.learners, P)
        assert is_step(current, target)
        assert calls_for(agreed, current, target)
        if target.joint:
            assert calls_for(agreed, target, leave_joint(target))
            target = leave_joint(target)
        current = target
    assert set(current.voters) == agreed
    assert current.learners == ()


@given(NODES, NODES, NODES, NODES)
def test_no_step_that_is_called_for_moves_away_from_the_agreed_set(
    voters: set[NodeId], agreed: set[NodeId], goal: set[NodeId], learning: set[NodeId]
) -> None:
    now = Configuration(tuple(sorted(voters)))
    target = next_configuration(now, goal, learning - goal, P)
    assume(calls_for(agreed, now, target))
    assert set(target.voters) - voters <= agreed
    assert (voters & agreed) <= set(target.voters)
    assert set(target.learners) <= agreed
