"""The nemesis: faults out of the blue, of the kinds and at the pace the knobs name.

Disk damage is bounded, so that never the same entry is lost on a quorum; everything else may befall
every node at once, because everything else must be survived.
"""

from collections.abc import Sequence

from twinledger.consensus import ConsensusError, Role
from twinledger.simulation import partitions
from twinledger.simulation.chance import happens
from twinledger.simulation.governor import Governor
from twinledger.simulation.knobs import TICK_US
from twinledger.simulation.lifecycle import Lifecycle
from twinledger.simulation.machine import Machine
from twinledger.simulation.network import Link, Network
from twinledger.simulation.process import Process
from twinledger.simulation.scene import Scene


class Nemesis:
    """Strikes at random."""

    def __init__(
        self, scene: Scene, network: Network, lifecycle: Lifecycle, reference: Machine
    ) -> None:
        """`reference` applies the true history."""
        self._agenda = scene.agenda
        self._random = scene.random("nemesis")
        self._knobs = scene.knobs
        self._trace = scene.trace
        self._processes = scene.processes
        self._network = network
        self._lifecycle = lifecycle
        self._faults = scene.faults
        self._governor = Governor(self._random, scene.knobs, scene.processes, reference)
        self._stopped = False
        self._strikes = {
            "crash-one": self._crash_one,
            "crash-leader": self._crash_leader,
            "crash-many": self._crash_many,
            "power-cut": self._power_cut,
            "pause": self._pause,
            "partition": self._partition,
            "one-way": self._one_way,
            "hang-up": self._hang_up,
            "clog": self._clog,
            "clock": self._clock,
            "clock-jump": self._clock_jump,
            "slow-disk": self._slow_disk,
            "sync-error": self._sync_error,
            "disk-full": self._disk_full,
            "bit-flip": self._bit_flip,
            "lost-file": self._lost_file,
            "transfer": self._transfer,
            "govern": self._govern,
        }
        self._voters = len(scene.processes) - scene.knobs.spares
        self._wait()

    def stop(self) -> None:
        """Strike no more."""
        self._stopped = True

    def _wait(self) -> None:
        pause = 1 + int(self._random.expovariate(1.0) * self._knobs.fault_mean_us)
        self._agenda.after(pause, self._strike)

    def _strike(self, _: None) -> None:
        if self._stopped:
            return
        if self._knobs.faults:
            self._strikes[self._random.choice(self._knobs.faults)]()
        self._wait()

    def _note(self, name: str, process: Process) -> None:
        self._faults[name] += 1
        self._trace.note(self._agenda.now, process.id, name)

    # Whom.

    def _all(self) -> Sequence[Process]:
        return list(self._processes.values())

    def _anyone(self) -> Process:
        return self._random.choice(self._all())

    def _leader(self) -> Process:
        """Return a node that believes it leads, if there is one."""
        leaders = [
            process
            for process in self._all()
            if process.raft is not None and process.raft.role is Role.LEADER
        ]
        return self._random.choice(leaders) if leaders else self._anyone()

    # Nodes.

    def _crash_one(self) -> None:
        self._lifecycle.crash(self._anyone(), "crash-one")

    def _crash_leader(self) -> None:
        self._lifecycle.crash(self._leader(), "crash-leader")

    def _crash_many(self) -> None:
        for process in self._all():
            if happens(self._random, 0.5):
                self._lifecycle.crash(process, "crash-many")

    def _power_cut(self) -> None:
        for process in self._all():
            self._lifecycle.crash(process, "power-cut")

    def _pause(self) -> None:
        self._lifecycle.pause(self._random.choice((self._leader(), self._anyone())))

    def _clock(self) -> None:
        process = self._anyone()
        process.tick_us = int(TICK_US * 2 ** self._random.uniform(-1, 1))
        self._note("clock", process)

    def _clock_jump(self) -> None:
        self._faults["clock-jump"] += 1
        ticks = self._random.randint(1, 2 * self._knobs.election_ticks)
        self._lifecycle.replica.jump(self._anyone(), ticks)

    def _transfer(self) -> None:
        process, target = self._leader(), self._anyone()
        raft = process.raft
        if raft is None or process.paused:
            return
        self._note("transfer", process)
        try:
            raft.transfer_leadership(target.id)
        except ConsensusError:
            self._faults["transfer-refused"] += 1
        self._lifecycle.replica.settle(process, raft)

    def _govern(self) -> None:
        process = self._leader()
        raft = process.raft
        operation = self._governor.next_operation()
        if raft is None or process.paused or operation is None:
            return
        self._note("govern", process)
        try:
            raft.propose(operation.encode())
        except ConsensusError:
            self._faults["govern-refused"] += 1
        self._lifecycle.replica.settle(process, raft)

    # The network.

    def _partition(self) -> None:
        self._cut("partition", self._random.choice(partitions.SYMMETRIC))

    def _one_way(self) -> None:
        self._cut("one-way", self._random.choice(partitions.ONE_WAY))

    def _hang_up(self) -> None:
        """Break a connection between two that work, often the leader's."""
        process, peer = self._anyone(), self._random.choice((self._leader(), self._anyone()))
        self._faults["hang-up"] += 1
        self._lifecycle.replica.hung_up(process, peer.id)

    def cut_with_minority(self, process: Process) -> None:
        """Leave this node with a minority, as the ambush wants it."""
        shape = partitions.leader_with_minority
        self._cut_links("cut-new-leader", shape(self._random, list(self._processes), process.id))

    def call_to_campaign(self, process: Process) -> None:
        """Let this node's clock jump past every election timeout, as the ambush wants it."""
        self._faults["rival-candidate"] += 1
        self._lifecycle.replica.jump(process, 2 * self._knobs.election_ticks)

    def _cut(self, name: str, shape: partitions.Shape) -> None:
        nodes = list(self._processes)
        if len(nodes) > 1:
            self._cut_links(name, shape(self._random, nodes, self._leader().id))

    def _cut_links(self, name: str, links: set[Link]) -> None:
        """Cut, and mend after a while, link by link, whatever else was cut meanwhile."""
        self._faults[name] += 1
        self._trace.note(self._agenda.now, "-", name, {"links": len(links)})
        self._network.cut |= links
        length = 1 + int(self._random.expovariate(1.0) * 4 * self._knobs.election_us)
        self._agenda.after(length, self._mend, links)

    def _mend(self, links: set[Link]) -> None:
        self._trace.note(self._agenda.now, "-", "mend", {"links": len(links)})
        self._network.cut -= links

    def _clog(self) -> None:
        nodes = list(self._processes)
        links = [(one, other) for one in nodes for other in nodes if one != other]
        chosen = [link for link in links if happens(self._random, 0.4)]
        length = int(self._random.expovariate(1.0) * 2 * self._knobs.election_us)
        self._faults["clog"] += 1
        self._trace.note(self._agenda.now, "-", "clog", {"links": len(chosen)})
        self._network.clog(chosen, self._agenda.now + length)

    # The disks.

    def _slow_disk(self) -> None:
        process = self._anyone()
        process.slowness = self._random.choice((1, 10, 100))
        self._note("slow-disk", process)

    def _sync_error(self) -> None:
        process = self._anyone()
        process.disk.sync_fails = True
        self._note("sync-error", process)

    def _disk_full(self) -> None:
        process = self._anyone()
        process.disk.full = True
        self._note("disk-full", process)

    def _bit_flip(self) -> None:
        process = self._anyone()
        journal = process.disk.journal
        if self._may_damage(process) and journal.last_index() > journal.base:
            process.disk.flip(self._random.randint(journal.base + 1, journal.last_index()))
            self._note("bit-flip", process)

    def _lost_file(self) -> None:
        process = self._anyone()
        if not process.up and process.disk.journal.last_index() and self._may_damage(process):
            self._note("lost-file", process)
            if happens(self._random, 0.5):
                process.disk.lose()
                return
            # No marker is left either: only the operator, who put in the new disk, can know.
            process.wipe()
            self._lifecycle.mark_damaged(process, "its disk is new and empty")

    def _may_damage(self, process: Process) -> bool:
        """Whether a quorum stays whole if this node's disk is damaged."""
        ill = [one for one in self._all() if one.damaged or one.disk.ill]
        most = 1 if "govern" in self._knobs.faults else self._voters
        bound = min(most, (self._voters - 1) // 2)
        return process.number < self._voters and process not in ill and len(ill) < bound
