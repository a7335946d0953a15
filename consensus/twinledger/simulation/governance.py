"""Governed membership: the ledger says who the nodes are, the leader makes it so, followers judge.

A GOVERN operation changes the agreed node set at its height p. The leader's driver proposes
configurations that name p as their warrant, each a step towards that set: first newcomers learn,
then they vote. Every node's driver judges such an entry by its own state exactly after p.
"""

from collections.abc import Callable
from functools import cache

from twinledger.consensus import (
    Configuration,
    ConsensusError,
    Index,
    NodeId,
    Raft,
    Role,
    Verdict,
)
from twinledger.simulation.machine import NodeSet
from twinledger.simulation.process import Process

Nodes = tuple[NodeId, ...]


def name_of(number: int) -> NodeId:
    """Return the id of the node of this number."""
    return NodeId(f"n{number + 1}")


@cache
def _names(numbers: frozenset[int]) -> frozenset[NodeId]:
    return frozenset(name_of(number) for number in numbers)


def judge(process: Process) -> Callable[[Configuration, Configuration], Verdict]:
    """Return a node's driver's verdict on configurations."""

    def verdict(_: Configuration, configuration: Configuration) -> Verdict:
        if process.machine.applied < configuration.warrant:
            return Verdict.WAIT
        before, agreed = _sets_at(process, configuration.warrant)
        allowed = _names(before.voters) | _names(agreed.voters) | _names(agreed.learners)
        newcomers = set(configuration.voters) - _names(before.voters)
        if newcomers <= _names(agreed.voters) and set(configuration.members) <= (
            allowed | _names(before.learners)
        ):
            return Verdict.ACCEPT
        return Verdict.REFUSE

    return verdict


def _sets_at(process: Process, warrant: int) -> tuple[NodeSet, NodeSet]:
    """Return everyone who was agreed on before `warrant`, and what is agreed on just after it."""
    earlier = [nodes for height, nodes in process.machine.governed if height < warrant]
    now = [nodes for height, nodes in process.machine.governed if height <= warrant]
    everyone = NodeSet(
        process.genesis.voters.union(*(nodes.voters for nodes in earlier)),
        process.genesis.learners.union(*(nodes.learners for nodes in earlier)),
    )
    return everyone, now[-1] if now else process.genesis


def step(process: Process, raft: Raft) -> bool:
    """Let a leader take the next step towards the agreed set. Return whether it took one."""
    if raft.role is not Role.LEADER or not process.machine.governed:
        return False
    height, agreed = process.machine.governed[-1]
    current = raft.configuration
    voters, learners = _names(agreed.voters), _names(agreed.learners)
    if current.joint or (voters == {*current.voters} and learners == {*current.learners}):
        return False
    newcomers = (voters | learners) - set(current.members)
    if newcomers:
        target = current.voters, tuple(sorted({*current.learners, *newcomers}))
    else:
        target = tuple(sorted(voters)), tuple(sorted(learners))
    try:
        raft.propose_configuration(*target, Index(height))
    except ConsensusError:
        # Not now: an earlier step, the catching up or the election is not finished. A later tick
        # tries again.
        return False
    return True
