"""From one configuration to the next: pure functions (dissertation, sections 4.1 to 4.3).

A target is a set of voters and a set of learners. One voter more or less is one step; anything
else goes through a joint configuration. Whoever is in neither set any more is removed for ever.
"""

from collections.abc import Iterable

from twinledger.consensus.configuration import Configuration, Nodes, check
from twinledger.consensus.errors import BadConfiguration, ChangeInProgress
from twinledger.consensus.types import Index, NodeId


def next_configuration(
    current: Configuration, voters: Iterable[NodeId], learners: Iterable[NodeId], warrant: Index
) -> Configuration:
    """Return the first step from `current` to the target.

    Raises:
        ChangeInProgress: `current` is joint; it must be left first.
        BadConfiguration: the target makes no sense.
    """
    goal = _nodes(voters)
    step = simple if len(set(current.voters) ^ set(goal)) <= 1 else enter_joint
    return step(current, goal, _nodes(learners), warrant)


def simple(current: Configuration, voters: Nodes, learners: Nodes, warrant: Index) -> Configuration:
    """Return the target itself: at most one voter may differ, so that majorities overlap."""
    if current.joint:
        raise ChangeInProgress("can't apply simple config change in joint config")
    if not voters:
        raise BadConfiguration("removed all voters")
    if len(set(current.voters) ^ set(voters)) > 1:
        raise BadConfiguration("more than one voter changed without entering joint config")
    gone = set(current.members) - {*voters, *learners}
    return _checked(
        Configuration(
            voters, learners=learners, removed=_nodes({*current.removed, *gone}), warrant=warrant
        )
    )


def enter_joint(
    current: Configuration, voters: Nodes, learners: Nodes, warrant: Index
) -> Configuration:
    """Return the joint configuration of old and new. Old voters stay until it is left."""
    if current.joint:
        raise ChangeInProgress("config is already joint")
    if not current.voters or not voters:
        raise BadConfiguration("can't make a zero-voter config joint")
    gone = set(current.learners) - {*voters, *learners}
    return _checked(
        Configuration(
            voters,
            outgoing=current.voters,
            learners=_nodes(set(learners) - set(current.voters)),
            learners_next=_nodes(set(learners) & set(current.voters)),
            removed=_nodes({*current.removed, *gone}),
            warrant=warrant,
        )
    )


def leave_joint(current: Configuration) -> Configuration:
    """Return the new half alone. Its warrant is the one the joint configuration named."""
    if not current.joint:
        raise BadConfiguration("can't leave a non-joint config")
    gone = set(current.outgoing) - {*current.voters, *current.learners_next}
    return _checked(
        Configuration(
            current.voters,
            learners=_nodes({*current.learners, *current.learners_next}),
            removed=_nodes({*current.removed, *gone}),
            warrant=current.warrant,
        )
    )


def begin_anew(
    current: Configuration, voters: Iterable[NodeId], warrant: Index, record: bytes
) -> Configuration:
    """Return the configuration that begins anew after a majority was lost for good.

    Nobody who was in any configuration before is in it: what those acknowledged and signed above
    the place where it begins may be gone, and they must never vote on what takes its place.

    Raises:
        BadConfiguration: a voter was there before, or there is none; the record is missing.
    """
    if not record:
        raise BadConfiguration("what begins anew says why")
    removed = _nodes({*current.removed, *current.members})
    return _checked(Configuration(_nodes(voters), removed=removed, warrant=warrant, record=record))


def is_step(current: Configuration, target: Configuration) -> bool:
    """Whether a leader that keeps the rules can have come from one to the other in one entry.

    Whatever the ledger calls for, two configurations whose majorities may miss each other must
    never follow one another; unless the later one begins anew, and then the driver alone judges.
    """
    learners = (*target.learners, *target.learners_next)
    try:
        if target.record:
            return target == begin_anew(current, target.voters, target.warrant, target.record)
        if current.joint:
            return target == leave_joint(current)
        return target == next_configuration(current, target.voters, learners, target.warrant)
    except BadConfiguration:
        return False


def _nodes(nodes: Iterable[NodeId]) -> Nodes:
    return tuple(sorted(set(nodes)))


def _checked(configuration: Configuration) -> Configuration:
    check(configuration)
    return configuration
