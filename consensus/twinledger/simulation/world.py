"""One world: everything put together, and the two phases of its life.

Safety phase: faults of every kind, for as many events as were asked for; bad things must not
happen. Liveness phase: everything is mended and everyone started; then good things must happen,
soon.
"""

from collections import Counter
from collections.abc import Callable

from twinledger.consensus import (
    Configuration,
    NodeId,
    Role,
)
from twinledger.simulation.agenda import Agenda
from twinledger.simulation.ambush import Ambush
from twinledger.simulation.broken import InvariantBroken
from twinledger.simulation.chance import source
from twinledger.simulation.clients import Clients
from twinledger.simulation.depot import Depot
from twinledger.simulation.desk import Answer, Desk
from twinledger.simulation.electorate import Electorate
from twinledger.simulation.governance import judge, name_of
from twinledger.simulation.history import History
from twinledger.simulation.knobs import TICK_US, Knobs
from twinledger.simulation.lifecycle import Lifecycle
from twinledger.simulation.linearizability import first_unexplained
from twinledger.simulation.machine import Machine, NodeSet, Operation, OperationId
from twinledger.simulation.nemesis import Nemesis
from twinledger.simulation.network import Network
from twinledger.simulation.observer import Observer
from twinledger.simulation.process import Process
from twinledger.simulation.promises import Promises
from twinledger.simulation.replacement import Replacement
from twinledger.simulation.replica import Replica
from twinledger.simulation.trace import Listener, Trace

_PROGRESS_EVENTS = 1_000
_STRIDE = 100
_QUIET_STRIDES = 2_000
"""So much virtual life without a single event is the end of it."""
PATIENCE_ELECTIONS = 200
"""The liveness phase may take this many election timeouts, and the time to carry a whole log."""


class World:
    """Nodes, disks, network, clients and nemeses of one seed."""

    def __init__(
        self, seed: int, nodes: int, knobs: Knobs, listener: Listener | None = None
    ) -> None:
        """Build a world in which nothing has happened yet."""
        names = [name_of(number) for number in range(nodes + knobs.spares)]
        genesis = NodeSet(frozenset(range(nodes)))
        configuration = Configuration(tuple(sorted(names[:nodes])))
        self.seed = seed
        self.knobs = knobs
        self.agenda = Agenda()
        self.trace = Trace(listener)
        self.faults: Counter[str] = Counter()
        self.processes = {
            name: Process(number, name, genesis, configuration, knobs, seed)
            for number, name in enumerate(names)
        }
        promises = Promises(self.processes)
        self.observer = Observer(self.processes, Machine(configuration), Electorate(promises))
        self.history = History(self.observer.reference)
        self.network = Network(self.agenda, source(seed, "net"), knobs)
        self.lifecycle = Lifecycle(
            self.agenda,
            source(seed, "lifecycle"),
            knobs,
            self.trace,
            self.processes,
            self.observer,
            self.faults,
        )
        self.depot = Depot(
            self.agenda,
            source(seed, "depot"),
            knobs,
            self.trace,
            self.processes,
            self.network,
            self.observer,
            self.faults,
        )
        self.replica = Replica(
            self.agenda,
            self.trace,
            self.processes,
            self.network,
            self.observer,
            promises,
            Desk(self._reply, knobs.payload_bytes),
            self.depot,
            failure=self.lifecycle.disk_gave_up,
            reports_unreachable=knobs.reports_unreachable,
        )
        self.network.deliver = self.replica.deliver
        self.lifecycle.replica = self.replica
        self.lifecycle.verdict = judge
        self.depot.settle = self.replica.settle
        self.replacement = Replacement(
            self.agenda,
            source(seed, "replacement"),
            knobs,
            self.processes,
            self.lifecycle,
            self.faults,
            self.observer.reference,
            set_up=lambda number: Process(
                number, name_of(number), genesis, configuration, knobs, seed
            ),
        )
        self.lifecycle.lost = self.replacement.lost
        self.nemesis = Nemesis(
            self.agenda,
            source(seed, "nemesis"),
            knobs,
            self.trace,
            self.processes,
            self.network,
            self.lifecycle,
            self.faults,
            self.observer.reference,
        )
        self.ambush = Ambush(
            self.agenda,
            source(seed, "ambush"),
            knobs,
            self.processes,
            self.lifecycle,
            self.nemesis,
        )
        self.replica.moments = self.ambush.strikes
        self.clients = Clients(
            self.agenda, source(seed, "clients"), knobs, names, self.history, self._request
        )

    def begin(self) -> None:
        """Start every node for the first time."""
        for process in self.processes.values():
            self.lifecycle.start(process)

    def _request(self, node: NodeId, operation: Operation, attempt: int) -> None:
        self.replica.request(self.processes[node], operation, attempt)

    def _reply(self, name: OperationId, answer: Answer, hint: NodeId | None) -> None:
        self.clients.reply(name, answer, hint)

    # The two phases.

    def live_dangerously(self, events: int, progress: Callable[[int], None] | None) -> None:
        """Run the safety phase, to within a stride of so many events.

        Raises:
            InvariantBroken: an invariant was, or nothing happens any more.
        """
        trace, step = self.trace, self.agenda.step
        told = quiet = 0
        while trace.count < events:
            before = trace.count
            step(_STRIDE)
            quiet = quiet + 1 if trace.count == before else 0
            if quiet > _QUIET_STRIDES:
                raise InvariantBroken("liveness", f"nothing happens any more; {self._unrest()}")
            if progress is not None and trace.count - told >= _PROGRESS_EVENTS:
                told = trace.count
                progress(told)

    def recover(self) -> None:
        """Run the liveness phase.

        Raises:
            InvariantBroken: the world did not come to rest in time.
        """
        self.nemesis.stop()
        self.ambush.stop()
        self.network.heal()
        self.depot.healed = True
        for process in self.processes.values():
            process.tick_us, process.slowness = TICK_US, 1
        self.lifecycle.wake_all()
        self.clients.stop()
        deadline = self.agenda.now + self._patience_us()
        while not self.at_rest():
            if self.agenda.now > deadline:
                raise InvariantBroken("liveness", self._unrest())
            self._retire_removed()
            self.agenda.step()
        self._check_rest()
        self._check_clients()

    def _patience_us(self) -> int:
        """Return how long the world may take to come to rest.

        A small window makes it long to carry a log: first to a majority, then to a newcomer that
        this majority let in; and each may begin anew after an election.
        """
        longest = max(process.disk.written.last_index() for process in self.processes.values())
        return PATIENCE_ELECTIONS * self.knobs.election_us + 4 * self.knobs.carry_us(longest)

    def at_rest(self) -> bool:
        """Whether every whole member agrees with one leader, and no client waits."""
        if not (self.clients.idle and self.replacement.done):
            return False
        cores = [process.raft for process in self.processes.values()]
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
        members = [self.processes[node] for node in configuration.members]
        return [process for process in members if not process.damaged]

    def _retire_removed(self) -> None:
        """Switch off everyone whose removal is committed: operators do, sooner or later."""
        removed = self.observer.reference.configuration.removed
        for node in removed:
            if not self.processes[node].retired:
                self.lifecycle.retire(self.processes[node])

    def _check_rest(self) -> None:
        """Check at the end that every acknowledged write is on every whole node, once."""
        for process in self._whole_members(self.observer.reference.configuration):
            for name in self.history.acknowledged:
                if name not in process.machine.effects:
                    raise InvariantBroken(
                        "acknowledged is never lost", f"{process.id} lacks operation {name:x}"
                    )

    def _check_clients(self) -> None:
        """Check that what clients saw can be explained without knowing anything of logs."""
        key = first_unexplained(self.history.calls)
        if key is not None:
            raise InvariantBroken(
                "linearizability", f"no order explains what clients saw of register {key}"
            )

    def _unrest(self) -> str:
        states = [
            f"{process.id}: "
            + (
                f"{raft.role} term {raft.term} commit {raft.commit} last {raft.last_index} "
                f"applied {process.machine.applied} leader {raft.leader}"
                if raft is not None
                else "down"
            )
            for process in self.processes.values()
            for raft in [process.raft]
        ]
        waiting = "" if self.clients.idle else "; clients wait"
        waiting += "" if self.replacement.done else "; a damaged node is not replaced"
        return "; ".join(states) + waiting
