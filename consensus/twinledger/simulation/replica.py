"""The replica loop: everything that calls a core, and what is done with what it hands out.

Does in virtual time what the real node's loop does in real time, in the order that `Ready` asks
for. Between any two of its steps the node may lose power: `moments` says who is told of which.
"""

from collections.abc import Callable, Mapping
from typing import Any

from twinledger.consensus import Entry, Message, NodeId, Persist, Raft, Ready
from twinledger.consensus.types import LEADER
from twinledger.simulation import governance
from twinledger.simulation.depot import Depot
from twinledger.simulation.desk import Desk
from twinledger.simulation.disk import DiskFullError
from twinledger.simulation.journal import DamagedEntryError
from twinledger.simulation.machine import Operation
from twinledger.simulation.network import Network
from twinledger.simulation.observer import Observer
from twinledger.simulation.process import Process
from twinledger.simulation.promises import PROMISES, Promises
from twinledger.simulation.scene import Scene

Life = tuple[Process, int]
Moments = Mapping[type[Message], Callable[[Process, Any], None]]
Failure = Callable[[Process, str], None]


class Replica:
    """Drives every node's core."""

    def __init__(
        self,
        scene: Scene,
        network: Network,
        observer: Observer,
        promises: Promises,
        desk: Desk,
        depot: Depot,
        failure: Failure,
    ) -> None:
        """`failure` is told of every disk that gave up."""
        self._agenda = scene.agenda
        self._trace = scene.trace
        self._processes = scene.processes
        self._network = network
        self._observer = observer
        self._promises = promises
        self._desk = desk
        self._depot = depot
        self.moments: Moments
        """Whom to tell that a message of some class left."""
        self._failure = failure
        self._reports_unreachable = scene.knobs.reports_unreachable

    # What happens to a node.

    def tick(self, life: Life) -> None:
        """Let the node's clock tick. A tick that gives nothing to do is no event.

        Nor can it have changed what the observer looks at: a term that rises is to be persisted.
        """
        process, number = life
        if process.life != number or process.raft is None:
            return
        self._agenda.after(process.tick_us, self.tick, life)
        if process.paused:
            return
        raft = process.raft
        raft.tick()
        if process.machine.governed:
            governance.step(process, raft)
        try:
            ready = raft.ready()
        except DamagedEntryError:
            self._failure(process, "damaged")
            return
        if ready is not None:
            self._trace.note(self._agenda.now, process.id, "tick")
            self.settle(process, raft, ready)

    def jump(self, process: Process, ticks: int) -> None:
        """Let the node's clock jump ahead."""
        raft = process.raft
        if raft is None or process.paused:
            return
        self._trace.note(self._agenda.now, process.id, "jump", {"ticks": ticks})
        for _ in range(ticks):
            raft.tick()
        self.settle(process, raft)

    def deliver(self, message: Message) -> None:
        """Hand a message to a core that runs."""
        process = self._processes[message.recipient]
        raft = process.raft
        if raft is None:
            return
        if process.paused:
            process.backlog.append((self.deliver, message))
            return
        self._trace.note(self._agenda.now, process.id, "receive", message)
        try:
            raft.step(message)
        except DamagedEntryError:
            self._failure(process, "damaged")
            return
        self.settle(process, raft)

    def hung_up(self, process: Process, peer: NodeId) -> None:
        """Tell a node that the connection over which a peer sends to it broke."""
        raft = process.raft
        if raft is None or process.paused:
            return
        self._trace.note(self._agenda.now, process.id, "hung-up", {"peer": peer})
        raft.hung_up(peer)
        self.settle(process, raft)

    def request(self, process: Process, operation: Operation, attempt: int) -> None:
        """Hand a client's wish to a node that runs; elsewhere it is lost."""
        raft = process.raft
        if raft is None or process.paused:
            return
        self._trace.note(self._agenda.now, process.id, "request", operation)
        self._desk.ask(process, raft, operation, attempt)
        self.settle(process, raft)

    def settle(self, process: Process, raft: Raft, ready: Ready | None = None) -> None:
        """Do all the core wants done, `ready` first, until it wants nothing or the node is down."""
        try:
            ready = ready or raft.ready()
            while ready is not None:
                if not self._do(process, raft, ready):
                    break
                ready = raft.ready()
            else:
                self._observer.check(process, raft)
        except DiskFullError:
            self._failure(process, "full")
        except DamagedEntryError:
            self._failure(process, "damaged")
        seen = process.seen
        self._trace.mark(
            self._agenda.now,
            process.number,
            process.life,
            seen.term,
            seen.commit,
            seen.led,
            seen.standing[3],
        )

    def _do(self, process: Process, raft: Raft, ready: Ready) -> bool:
        """Do what one Ready asks for. Return whether the core was told of something since."""
        told = False
        persist = ready.persist
        if persist is None:
            self._observer.check(process, raft)
        else:
            self._write(process, raft, persist)
        if ready.messages:
            told = self._send(process, raft, ready.messages)
        if persist is not None and process.raft is raft:
            told |= self._sync_later(process, raft, persist)
        if ready.committed and process.raft is raft:
            told |= self._apply_later(process, raft, ready.committed)
        if (ready.reads or ready.aborted_reads) and process.raft is raft:
            self._desk.reads(process, ready)
        if ready.snapshot is not None and process.raft is raft:
            self._depot.fetch(process, ready.snapshot)
        return told and process.raft is raft

    def _send(self, process: Process, raft: Raft, messages: tuple[Message, ...]) -> bool:
        """Send until the node is down. Return whether the core was told of a lost link."""
        told = False
        for message in messages:
            kind = type(message)
            if kind in PROMISES:
                self._promises.check(message)
            stands = self._network.send(message)
            if not stands and self._reports_unreachable:
                raft.unreachable(message.recipient)
                told = True
            if kind in self.moments:
                self.moments[kind](process, message)
                if process.raft is not raft:
                    break
        return told

    # Persisting.

    def _write(self, process: Process, raft: Raft, persist: Persist) -> None:
        """Write, and check what the core decided.

        A follower's decisions rest on what it writes now. A leader counted before it appended what
        it hands out, a configuration perhaps.
        """
        leads = raft.role is LEADER
        if leads:
            self._observer.check(process, raft)
        self._observer.wrote(process, raft, persist)
        process.disk.write(persist)
        if not leads:
            self._observer.check(process, raft)

    def _sync_later(self, process: Process, raft: Raft, persist: Persist) -> bool:
        """Ask for a sync, or report a persist that needs none. Return whether it was reported."""
        now = self._agenda.now
        if not persist.must_sync and not process.unreported:
            raft.persisted(persist.sequence)
            self._send(process, raft, persist.messages)
            return True
        process.unreported += 1
        duration = process.sync_time() if persist.must_sync else 0
        process.synced_at = max(process.synced_at, now + duration)
        argument = (process, process.life, persist)
        self._agenda.at(process.synced_at, self._synced, argument)
        return False

    def _synced(self, done: tuple[Process, int, Persist]) -> None:
        process, life, persist = done
        if process.life != life:
            return
        if process.disk.sync_fails:
            process.disk.sync_fails = False
            self._failure(process, "sync-failed")
            return
        process.disk.sync(persist.sequence)
        self._report_synced(done)

    def _report_synced(self, done: tuple[Process, int, Persist]) -> None:
        process, _, persist = done
        raft = process.raft
        if raft is None:
            return
        if process.paused:
            process.backlog.append((self._report_synced, done))
            return
        self._trace.note(self._agenda.now, process.id, "synced", {"sequence": persist.sequence})
        process.unreported -= 1
        raft.persisted(persist.sequence)
        self._observer.check(process, raft)
        self._send(process, raft, persist.messages)
        if process.raft is raft:
            self.settle(process, raft)

    # Applying.

    def _apply_later(self, process: Process, raft: Raft, page: tuple[Entry, ...]) -> bool:
        """Apply a page, now or after a while. Return whether it is done."""
        duration = process.apply_time()
        if duration:
            process.applying = True
            self._agenda.after(duration, self._apply_late, (process, process.life, page))
            return False
        self._apply(process, raft, page)
        return True

    def _apply_late(self, work: tuple[Process, int, tuple[Entry, ...]]) -> None:
        process, life, page = work
        raft = process.raft
        if process.life != life or raft is None:
            return
        if process.paused:
            process.backlog.append((self._apply_late, work))
            return
        process.applying = False
        self._trace.note(self._agenda.now, process.id, "apply", {"to": page[-1].index})
        self._apply(process, raft, page)
        self.settle(process, raft)

    def _apply(self, process: Process, raft: Raft, page: tuple[Entry, ...]) -> None:
        machine = process.machine
        for entry in page:
            self._observer.applies(process, entry)
            outcome = machine.apply(entry)
            self._observer.applied(process, entry, outcome)
            self._desk.applied(process, entry, outcome)
        if process.flushes_now():
            machine.flush()
            self._depot.compact(process)
        self._desk.caught_up(process)
        raft.applied(page[-1].index)
