"""When a mended world has come to rest, and what must be true of it then."""

from twinledger.consensus import Configuration, Role
from twinledger.simulation.broken import InvariantBroken
from twinledger.simulation.clients import Clients
from twinledger.simulation.history import History
from twinledger.simulation.linearizability import first_unexplained
from twinledger.simulation.machine import Machine
from twinledger.simulation.process import Process
from twinledger.simulation.replacement import Replacement
from twinledger.simulation.scene import Scene

PATIENCE_ELECTIONS = 200
"""Coming to rest may take this many election timeouts, and the time to carry a whole log."""


class Rest:
    """The end of a world, as it must be."""

    __slots__ = ("_clients", "_history", "_reference", "_replacement", "_scene")

    def __init__(
        self,
        scene: Scene,
        history: History,
        clients: Clients,
        replacement: Replacement,
        reference: Machine,
    ) -> None:
        """`reference` applies the true history."""
        self._scene = scene
        self._history = history
        self._clients = clients
        self._replacement = replacement
        self._reference = reference

    def patience_us(self) -> int:
        """Return how long the world may take to come to rest.

        A small window makes it long to carry a log: first to a majority, then to a newcomer that
        this majority let in; and each may begin anew after an election.
        """
        knobs, processes = self._scene.knobs, self._scene.processes.values()
        longest = max(process.disk.written.last_index() for process in processes)
        return PATIENCE_ELECTIONS * knobs.election_us + 4 * knobs.carry_us(longest)

    @property
    def reached(self) -> bool:
        """Whether every whole member agrees with one leader, and no client waits."""
        if not (self._clients.idle and self._replacement.done):
            return False
        cores = [process.raft for process in self._scene.processes.values()]
        leaders = [raft for raft in cores if raft is not None and raft.role is Role.LEADER]
        if len(leaders) != 1 or leaders[0].configuration.joint:
            return False
        last = leaders[0].last_index
        return all(
            process.raft is not None
            and process.raft.commit == process.raft.last_index == last == process.machine.applied
            for process in self._whole_members(leaders[0].configuration)
        )

    def _whole_members(self, configuration: Configuration) -> list[Process]:
        members = [self._scene.processes[node] for node in configuration.members]
        return [process for process in members if not process.damaged]

    def check(self) -> None:
        """Check what holds of every world at rest.

        Every acknowledged write is on every whole node, and what clients saw can be explained
        without knowing anything of logs.

        Raises:
            InvariantBroken: one of the two does not hold.
        """
        for process in self._whole_members(self._reference.configuration):
            for name in self._history.acknowledged:
                if name not in process.machine.effects:
                    raise InvariantBroken(
                        "acknowledged is never lost", f"{process.id} lacks operation {name:x}"
                    )
        key = first_unexplained(self._history.calls)
        if key is not None:
            raise InvariantBroken(
                "linearizability", f"no order explains what clients saw of register {key}"
            )

    def missing(self) -> str:
        """Return, for a person, how things stand while the world has not come to rest."""
        states = [_state(process) for process in self._scene.processes.values()]
        waiting = "" if self._clients.idle else "; clients wait"
        waiting += "" if self._replacement.done else "; a damaged node is not replaced"
        return "; ".join(states) + waiting


def _state(process: Process) -> str:
    raft = process.raft
    if raft is None:
        return f"{process.id}: down"
    return (
        f"{process.id}: {raft.role} term {raft.term} commit {raft.commit} last {raft.last_index} "
        f"applied {process.machine.applied} leader {raft.leader}"
    )
