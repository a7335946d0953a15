"""The 58 configuration-change cases of etcd-io/raft, on our changes.

Etcd speaks of single operations, we of targets: operations are folded into a target here. Etcd
passes "autoleave" through without meaning; our leader always leaves by itself. Etcd lets removed
ids come back, so what we remember of them is wiped between the steps.
"""

from dataclasses import replace

import pytest

from tests.unit.consensus.vectors import CHANGE_FILES, Case, read_cases
from twinledger.consensus import Configuration, ConfigurationError, Index, NodeId
from twinledger.consensus.changes import enter_joint, leave_joint, simple
from twinledger.consensus.inflight import Inflight
from twinledger.consensus.membership import tracked
from twinledger.consensus.progress import CatchUp, Progress

COUNTS = {
    "joint_autoleave": 4,
    "joint_idempotency": 3,
    "joint_learners_next": 3,
    "joint_safety": 15,
    "simple_idempotency": 11,
    "simple_promote_demote": 7,
    "simple_safety": 11,
    "update": 3,
    "zero": 1,
}


class World:
    """A configuration and the progress of its members, changed by etcd's commands."""

    def __init__(self) -> None:
        self.configuration = Configuration(voters=())
        self.progress: dict[NodeId, Progress] = {}
        self.commands = 0
        self.auto_leave = False

    def run(self, case: Case) -> list[str]:
        last, self.commands = self.commands, self.commands + 1
        try:
            self.configuration = replace(self._changed(case), removed=())
        except ConfigurationError as error:
            return [str(error)]
        self.auto_leave = "autoleave=true" in case.command
        members = tuple(sorted(self.configuration.members, key=int))
        self.progress = tracked(self.progress, members, lambda: _begin(max(last, 1)))
        return [self._describe(), *map(self._describe_member, members)]

    def _changed(self, case: Case) -> Configuration:
        command = case.command.split()[0]
        if command == "leave-joint":
            return leave_joint(self.configuration)
        step = {"simple": simple, "enter-joint": enter_joint}[command]
        voters, learners = self._target(" ".join(case.body).split())
        return step(self.configuration, voters, learners, Index(0))

    def _target(self, operations: list[str]) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
        voters = set(self.configuration.voters)
        learners = {*self.configuration.learners, *self.configuration.learners_next}
        for operation in operations:
            kind, node = operation[0], NodeId(operation[1:])
            if node == "0" or kind == "u":
                continue
            voters.discard(node)
            learners.discard(node)
            if kind in "vl":
                (voters if kind == "v" else learners).add(node)
        return tuple(sorted(voters)), tuple(sorted(learners))

    def _describe(self) -> str:
        config = self.configuration
        parts = [f"voters={_set(config.voters)}"]
        if config.joint:
            parts[0] += f"&&{_set(config.outgoing)}"
        if config.learners:
            parts.append(f"learners={_set(config.learners)}")
        if config.learners_next:
            parts.append(f"learners_next={_set(config.learners_next)}")
        return " ".join(parts + ["autoleave"] * self.auto_leave)

    def _describe_member(self, node: NodeId) -> str:
        progress = self.progress[node]
        state = f"{node}: State{progress.state.capitalize()} match={progress.match}"
        learner = " learner" if node in self.configuration.learners else ""
        return f"{state} next={progress.next}{learner}"


def _begin(index: int) -> Progress:
    return Progress(Index(index), Inflight(1, 1), CatchUp(Index(0)))


def _set(nodes: tuple[NodeId, ...]) -> str:
    return "(" + " ".join(sorted(nodes, key=int)) + ")"


@pytest.mark.parametrize("name", CHANGE_FILES)
def test_our_changes_agree_with_etcd(name: str) -> None:
    cases = read_cases("confchange", name)
    world = World()

    assert len(cases) == COUNTS[name]
    wrong = []
    for case in cases:
        outcome = world.run(case)
        if outcome != list(case.expected):
            wrong.append((case, outcome))
    assert wrong == []
