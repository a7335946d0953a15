"""One world: everything put together, and the two phases of its life.

Safety phase: faults of every kind, for as many events as were asked for; bad things must not
happen. Liveness phase: everything is mended and everyone started; then good things must happen,
soon.
"""

from collections.abc import Callable

from twinledger.consensus import (
    NodeId,
)
from twinledger.simulation.ambush import Ambush
from twinledger.simulation.broken import InvariantBroken
from twinledger.simulation.clients import Clients
from twinledger.simulation.depot import Depot
from twinledger.simulation.desk import Answer, Desk
from twinledger.simulation.electorate import Electorate
from twinledger.simulation.governance import judge
from twinledger.simulation.history import History
from twinledger.simulation.knobs import TICK_US, Knobs
from twinledger.simulation.lifecycle import Lifecycle
from twinledger.simulation.machine import Machine, Operation, OperationId
from twinledger.simulation.nemesis import Nemesis
from twinledger.simulation.network import Network
from twinledger.simulation.observer import Observer
from twinledger.simulation.promises import Promises
from twinledger.simulation.replacement import Replacement
from twinledger.simulation.replica import Replica
from twinledger.simulation.rest import Rest
from twinledger.simulation.scene import set_scene
from twinledger.simulation.trace import Listener

_PROGRESS_EVENTS = 1_000
_STRIDE = 100
_QUIET_STRIDES = 2_000
"""So much virtual life without a single event is the end of it."""


class World:
    """Nodes, disks, network, clients and nemeses of one seed."""

    def __init__(
        self, seed: int, nodes: int, knobs: Knobs, listener: Listener | None = None
    ) -> None:
        """Build a world in which nothing has happened yet."""
        self.scene = set_scene(seed, nodes, knobs, listener)
        promises = Promises(self.scene.processes)
        reference = Machine(self.scene.configuration)
        self.observer = Observer(self.scene.processes, reference, Electorate(promises))
        self.history = History(reference)
        self._build_nodes(promises)
        self._build_enemies(reference)
        self.clients = Clients(self.scene, self.history, self._request)
        self.rest = Rest(self.scene, self.history, self.clients, self.replacement, reference)

    def _build_nodes(self, promises: Promises) -> None:
        """Build what runs nodes and lets them talk."""
        scene, desk = self.scene, Desk(self._reply, self.scene.knobs.payload_bytes)
        self.network = Network(scene)
        self.lifecycle = Lifecycle(scene, self.observer)
        self.depot = Depot(scene, self.network, self.observer)
        gave_up = self.lifecycle.disk_gave_up
        self.replica = Replica(
            scene, self.network, self.observer, promises, desk, self.depot, gave_up
        )
        self.network.deliver = self.replica.deliver
        self.lifecycle.replica, self.lifecycle.verdict = self.replica, judge
        self.depot.settle = self.replica.settle

    def _build_enemies(self, reference: Machine) -> None:
        """Build what hurts nodes, and who puts new ones in their place."""
        self.replacement = Replacement(self.scene, self.lifecycle, reference)
        self.lifecycle.lost = self.replacement.lost
        self.nemesis = Nemesis(self.scene, self.network, self.lifecycle, reference)
        self.ambush = Ambush(self.scene, self.lifecycle, self.nemesis)
        self.replica.moments = self.ambush.strikes

    def begin(self) -> None:
        """Start every node for the first time."""
        for process in self.scene.processes.values():
            self.lifecycle.start(process)

    def _request(self, node: NodeId, operation: Operation, attempt: int) -> None:
        self.replica.request(self.scene.processes[node], operation, attempt)

    def _reply(self, name: OperationId, answer: Answer, hint: NodeId | None) -> None:
        self.clients.reply(name, answer, hint)

    # The two phases.

    def live_dangerously(self, events: int, progress: Callable[[int], None] | None) -> None:
        """Run the safety phase, to within a stride of so many events.

        Raises:
            InvariantBroken: an invariant was, or nothing happens any more.
        """
        trace, step = self.scene.trace, self.scene.agenda.step
        told = quiet = 0
        while trace.count < events:
            before = trace.count
            step(_STRIDE)
            quiet = quiet + 1 if trace.count == before else 0
            if quiet > _QUIET_STRIDES:
                why = self.rest.missing()
                raise InvariantBroken("liveness", f"nothing happens any more; {why}")
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
        for process in self.scene.processes.values():
            process.tick_us, process.slowness = TICK_US, 1
        self.lifecycle.wake_all()
        self.clients.stop()
        agenda = self.scene.agenda
        deadline = agenda.now + self.rest.patience_us()
        while not self.rest.reached:
            if agenda.now > deadline:
                raise InvariantBroken("liveness", self.rest.missing())
            self._retire_removed()
            agenda.step()
        self.rest.check()

    def _retire_removed(self) -> None:
        """Switch off everyone whose removal is committed: operators do, sooner or later."""
        removed = self.observer.reference.configuration.removed
        for node in removed:
            if not self.scene.processes[node].retired:
                self.lifecycle.retire(self.scene.processes[node])
