"""Replacement: who lost what it acknowledged comes back under a new id, as a learner at first.

The old id may have voted or acknowledged what its disk no longer shows, so it is never started
again. Its operator sets up an empty node under an id that nobody ever had and asks the consortium
to name that one instead. Governance does the rest: the newcomer learns, catches up, then votes, and
with the same step the old id is removed for ever.
"""

from typing import Final

from twinledger.consensus import ConsensusError, Raft, Role
from twinledger.simulation.governance import name_of
from twinledger.simulation.lifecycle import Lifecycle
from twinledger.simulation.machine import (
    GOVERNMENT,
    Action,
    Machine,
    NodeSet,
    Operation,
    operation_id,
)
from twinledger.simulation.process import Process
from twinledger.simulation.scene import Scene

_CLIENT: Final = (1 << 16) + 1
_MOST_NODES: Final = 32
"""More have no place in a NodeSet."""


class Replacement:
    """The operators of damaged nodes."""

    __slots__ = (
        "_agenda",
        "_faults",
        "_knobs",
        "_lifecycle",
        "_open",
        "_processes",
        "_random",
        "_reference",
        "_scene",
        "_sequence",
    )

    def __init__(self, scene: Scene, lifecycle: Lifecycle, reference: Machine) -> None:
        """`reference` applies the true history."""
        self._scene = scene
        self._agenda = scene.agenda
        self._random = scene.random("replacement")
        self._knobs = scene.knobs
        self._processes = scene.processes
        self._lifecycle = lifecycle
        self._faults = scene.faults
        self._reference = reference
        self._sequence = 0
        self._open: dict[int, int] = {}
        """Who is to be replaced by whom, by number."""

    @property
    def done(self) -> bool:
        """Whether nobody who is damaged waits to be replaced any more."""
        return not self._open

    def lost(self, process: Process) -> None:
        """Hear of a node that must never vote again."""
        if self._knobs.replaces:
            self._open[process.number] = -1
            self._agenda.after(self._pause(), self._replace, process)

    def _replace(self, process: Process) -> None:
        """Start an empty node under a new id, once somebody has the time."""
        number = len(self._processes)
        if number >= _MOST_NODES:
            del self._open[process.number]
            return
        successor = self._scene.add_node()
        self._open[process.number] = number
        self._faults["replacement"] += 1
        self._lifecycle.start(successor)
        self._agenda.after(self._pause(), self._insist, process)

    def _insist(self, process: Process) -> None:
        """Ask for the change until the old id is out of the configuration."""
        if process.id in self._reference.configuration.members or self._names(process):
            self._ask(process)
            self._agenda.after(self._pause(), self._insist, process)
            return
        del self._open[process.number]
        self._faults["replaced"] += 1

    def _names(self, process: Process) -> bool:
        agreed = self._agreed()
        return process.number in agreed.voters | agreed.learners

    def _agreed(self) -> NodeSet:
        governed = self._reference.governed
        return governed[-1][1] if governed else next(iter(self._processes.values())).genesis

    def _ask(self, process: Process) -> None:
        """Let whoever leads propose the change, unless it is agreed on already."""
        agreed = self._agreed()
        wanted = self._wanted(agreed, process.number, self._open[process.number])
        leaders = [
            (one, one.raft)
            for one in self._processes.values()
            if one.raft is not None and one.raft.role is Role.LEADER and not one.paused
        ]
        if wanted != agreed and leaders:
            self._propose(*self._random.choice(leaders), wanted)

    def _wanted(self, agreed: NodeSet, old: int, new: int) -> NodeSet:
        """Put the new number in the old one's place; leave out who was removed meanwhile."""
        removed = {
            number
            for number in range(len(self._processes))
            if name_of(number) in self._reference.configuration.removed
        }
        voters = {new if number == old else number for number in agreed.voters}
        learners = {number for number in agreed.learners if number != old}
        return NodeSet(frozenset(voters - removed), frozenset(learners - removed))

    def _propose(self, leader: Process, raft: Raft, wanted: NodeSet) -> None:
        self._sequence += 1
        name = operation_id(_CLIENT, self._sequence)
        operation = Operation(name, Action.GOVERN, GOVERNMENT, wanted.encode())
        try:
            raft.propose(operation.encode())
        except ConsensusError:
            self._faults["govern-refused"] += 1
        self._lifecycle.replica.settle(leader, raft)

    def _pause(self) -> int:
        return 1 + int(self._random.expovariate(1.0) * 2 * self._knobs.election_us)
