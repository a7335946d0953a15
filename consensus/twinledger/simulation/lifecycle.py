"""Power on, power off, pause and resume: what befalls whole nodes, and how they come back."""

from collections.abc import Callable

from twinledger.consensus import Configuration, NodeId, Verdict
from twinledger.simulation.disk import StoreDamagedError
from twinledger.simulation.observer import Observer
from twinledger.simulation.process import Process
from twinledger.simulation.replica import Replica
from twinledger.simulation.scene import Scene

_BRIEFLY_US = 1
_INSTANT_US = 100


class Lifecycle:
    """Starts and stops nodes, and counts it."""

    def __init__(self, scene: Scene, observer: Observer) -> None:
        """`observer` is told who goes down and who comes up."""
        self._agenda = scene.agenda
        self._random = scene.random("lifecycle")
        self._knobs = scene.knobs
        self._trace = scene.trace
        self._processes = scene.processes
        self._observer = observer
        self._faults = scene.faults
        self.replica: Replica
        self.verdict: Callable[[Process], Callable[[Configuration, Configuration], Verdict]]
        self.lost: Callable[[Process], None]
        """Told of every node that must never vote again."""
        self.crashes = 0

    def start(self, process: Process) -> None:
        """Start a node, unless its store shows that it must not vote again."""
        if process.up or process.damaged or process.retired:
            return
        try:
            raft = process.start(self.verdict(process))
        except StoreDamagedError as error:
            self.mark_damaged(process, str(error))
            return
        self._observer.came_up(process, raft)
        self._trace.note(self._agenda.now, process.id, "start", {"life": process.life})
        phase = self._random.randrange(process.tick_us)
        self._agenda.after(phase, self.replica.tick, (process, process.life))
        self.replica.settle(process, raft)

    def crash(self, process: Process, cause: str, *, briefly: bool = False) -> None:
        """Cut a node's power and note when it comes back."""
        if not process.up:
            return
        self._fall(process, cause, sync_failed=False)
        outage = _BRIEFLY_US if briefly else self._outage()
        self._agenda.after(outage, self._start_again, (process, process.life))

    def disk_gave_up(self, process: Process, cause: str) -> None:
        """Stop a node whose disk failed it: a failed sync, no space, or a bad checksum."""
        self._fall(process, cause, sync_failed=cause == "sync-failed")
        if cause == "damaged":
            self.mark_damaged(process, "an entry does not match its checksum")
        else:
            self._agenda.after(self._outage(), self._start_again, (process, process.life))

    def _fall(self, process: Process, cause: str, *, sync_failed: bool) -> None:
        self.crashes += 1
        self._faults[cause] += 1
        self._trace.note(self._agenda.now, process.id, "crash", {"cause": cause})
        self._observer.went_down(process)
        process.crash(sync_failed=sync_failed)
        if self._knobs.reports_hang_ups:
            self._hang_up(process)

    def _hang_up(self, process: Process) -> None:
        """Let the others find out, each in its time, that this node's connections ended."""
        knobs = self._knobs
        for other in self._processes.values():
            delay = self._random.expovariate(1.0) * knobs.latency_mean_us
            told = (other, other.life, process.id)
            self._agenda.after(knobs.latency_floor_us + int(delay), self._hung_up, told)

    def _hung_up(self, told: tuple[Process, int, NodeId]) -> None:
        process, life, peer = told
        if process.life == life:
            self.replica.hung_up(process, peer)

    def mark_damaged(self, process: Process, sentence: str) -> None:
        """Leave a node down: what it promised may be gone, so it must never vote again."""
        process.damaged = process.disk.lost = True
        self._faults["found-damaged"] += 1
        self._trace.note(self._agenda.now, process.id, "refuse", {"because": sentence})
        self.lost(process)

    def retire(self, process: Process) -> None:
        """Switch a removed node off, as its operator does."""
        process.retired = True
        if process.up:
            self._fall(process, "retired", sync_failed=False)

    def _start_again(self, outage: tuple[Process, int]) -> None:
        process, life = outage
        if process.life == life and not process.up:
            process.disk.full = False
            self.start(process)

    def _outage(self) -> int:
        """Draw how long a node stays down. Fast restarts catch what was forgotten in time."""
        if self._random.random() < self._knobs.fast_restarts:
            return 1 + self._random.randrange(_INSTANT_US + self._knobs.latency_floor_us)
        return 1 + int(self._random.expovariate(1.0) * 3 * self._knobs.election_us)

    def pause(self, process: Process) -> None:
        """Stop a node's process without telling anyone; its disk and the network go on."""
        if not process.up or process.paused:
            return
        self._faults["pause"] += 1
        self._trace.note(self._agenda.now, process.id, "pause")
        process.paused = True
        length = 1 + int(self._random.expovariate(1.0) * 2 * self._knobs.election_us)
        self._agenda.after(length, self._resume_later, (process, process.life))

    def _resume_later(self, pause: tuple[Process, int]) -> None:
        process, life = pause
        if process.life == life:
            self.resume(process)

    def resume(self, process: Process) -> None:
        """Let a paused node find everything that happened meanwhile."""
        if not process.paused:
            return
        process.paused = False
        self._trace.note(self._agenda.now, process.id, "resume")
        backlog, process.backlog = process.backlog, []
        for action, argument in backlog:
            action(argument)

    def wake_all(self) -> None:
        """Start and resume everything that can be."""
        for process in self._processes.values():
            process.disk.full = process.disk.sync_fails = False
            self.resume(process)
            self.start(process)
