"""Snapshots: made when the log grows long, fetched in chunks, verified, installed.

The driver's side of what the core only names. A snapshot's data is the hash its state must have;
the state itself is fetched chunk by chunk from any node that still holds it, goes on after a crash
where it stopped, and is refused if it does not hash to what was offered.
"""

from collections.abc import Callable
from struct import Struct

from twinledger.consensus import Index, Raft, Snapshot, SnapshotToInstall, Term
from twinledger.simulation.chance import happens
from twinledger.simulation.machine import Machine
from twinledger.simulation.network import Network
from twinledger.simulation.observer import Observer
from twinledger.simulation.process import Process
from twinledger.simulation.scene import Scene

_STATE_HASH = Struct(">q")
_BAD_CHUNKS = 0.05

Fetch = tuple[Process, int, SnapshotToInstall]
"""Who, in which life, what."""


class Depot:
    """Makes, carries and installs snapshots for every node."""

    __slots__ = (
        "_agenda",
        "_faults",
        "_knobs",
        "_network",
        "_observer",
        "_processes",
        "_random",
        "_trace",
        "healed",
        "settle",
    )

    def __init__(self, scene: Scene, network: Network, observer: Observer) -> None:
        """Nobody has a snapshot yet."""
        self._agenda = scene.agenda
        self._random = scene.random("depot")
        self._knobs = scene.knobs
        self._trace = scene.trace
        self._processes = scene.processes
        self._network = network
        self._observer = observer
        self._faults = scene.faults
        self.healed = False
        self.settle: Callable[[Process, Raft], None]
        """Does what a core wants done after it was told something."""

    # Making.

    def compact(self, process: Process) -> None:
        """Take a snapshot of the durable state, if the log below it has grown long enough."""
        journal, machine = process.disk.journal, process.machine
        limit = self._knobs.compaction_entries
        if not limit or machine.durable - journal.base < limit:
            return
        index = machine.durable
        snapshot = Snapshot(
            Index(index),
            Term(journal.term(index)),
            journal.hash(index),
            machine.configuration,
            _STATE_HASH.pack(machine.state_hash),
        )
        process.image = machine.image()
        trailing = self._random.randint(0, limit)
        process.disk.compact(max(journal.base, index - trailing), snapshot)
        self._faults["compaction"] += 1

    # Fetching.

    def fetch(self, process: Process, offer: SnapshotToInstall) -> None:
        """Begin to fetch what was offered."""
        self._later((process, process.life, offer))

    def _later(self, fetch: Fetch) -> None:
        delay = self._knobs.latency_floor_us + int(
            self._random.expovariate(1.0) * 2 * self._knobs.latency_mean_us
        )
        self._agenda.after(1 + delay, self._chunk, fetch)

    def _chunk(self, fetch: Fetch) -> None:
        """Take the next chunk; give up if nobody in reach has it."""
        process, life, offer = fetch
        raft = process.raft
        if process.life != life or raft is None or raft.pending_snapshot != offer.snapshot:
            return
        if process.paused:
            process.backlog.append((self._chunk, fetch))
            return
        self._trace.note(self._agenda.now, process.id, "chunk", {"of": offer.snapshot.index})
        source = self._holder(process, offer)
        if source is None:
            self._give_up(process, raft, offer)
        elif process.fetched(offer.snapshot) < self._knobs.snapshot_chunks:
            process.keep_chunk(offer.snapshot)
            self._later(fetch)
        else:
            self._finish(fetch, raft, source)

    def _holder(self, process: Process, offer: SnapshotToInstall) -> Machine | None:
        """Return the state as some node in reach holds it, the sender first."""
        others = [self._processes[offer.sender], *self._processes.values()]
        for other in others:
            reachable = other.up and (other.id, process.id) not in self._network.cut
            if reachable and other.disk.journal.newest_snapshot == offer.snapshot:
                return other.image
        return None

    def _give_up(self, process: Process, raft: Raft, offer: SnapshotToInstall) -> None:
        self._faults["snapshot-failed"] += 1
        raft.snapshot_failed(offer.snapshot)
        self.settle(process, raft)

    # Installing.

    def _finish(self, fetch: Fetch, raft: Raft, source: Machine) -> None:
        process, _, offer = fetch
        if process.unreported or process.applying:
            # What was written or applied below the snapshot would end above it.
            self._later(fetch)
            return
        state_hash = source.state_hash
        if not self.healed and happens(self._random, _BAD_CHUNKS):
            state_hash += 1
        if _STATE_HASH.pack(state_hash) != offer.snapshot.data:
            process.drop_chunks()
            self._give_up(process, raft, offer)
            return
        self._install(process, raft, offer.snapshot, source)

    def _install(self, process: Process, raft: Raft, snapshot: Snapshot, source: Machine) -> None:
        """Replace log and state in one durable step, as the real store does in one batch."""
        process.drop_chunks()
        process.disk.install(snapshot)
        process.machine.become(source)
        process.image = source
        raft.snapshot_installed(snapshot)
        self._observer.installed(process, snapshot)
        self._faults["snapshot-installed"] += 1
        self.settle(process, raft)
