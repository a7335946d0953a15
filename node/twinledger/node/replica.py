"""The loop around the consensus core: what goes in, and what is done with what comes out.

The core is touched only by the event loop. Appends leave while the log is being written (the
dissertation's section 10.2.1); what depends on durability leaves after the sync. Any fault of the
disk or of the core itself stops the node: neither is ever retried.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from twinledger.consensus import (
    Append,
    ConsensusError,
    Entry,
    EntryKind,
    Index,
    Message,
    NodeId,
    Persist,
    Raft,
    Role,
    SnapshotToInstall,
)
from twinledger.ledger.block import BlockBody
from twinledger.ledger.limits import Limits
from twinledger.node.transport import Transport
from twinledger.storage import LogStore, PeerMemory

logger = logging.getLogger(__name__)


def now_us() -> int:
    """The wall clock, microseconds since 1970: data for blocks, never for safety."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class Replica:
    """Owns the core and moves its work to disk, network and execution."""

    core: Raft
    log: LogStore
    transport: Transport
    disk: Executor
    """One thread: writes happen in order."""
    tick_s: float
    limits: Callable[[], Limits]
    max_hand_over_ticks: int = 50
    committed: asyncio.Queue[Sequence[Entry]] = field(default_factory=asyncio.Queue)
    """Pages for the applier; the core hands out the next after `applied`."""
    leadership_changed: Callable[[], None] = lambda: None
    read_answered: Callable[[bytes, Index | None], None] = lambda _context, _index: None
    """Told from which height a read may be served; None when the leader changed meanwhile."""
    snapshot_offered: Callable[[SnapshotToInstall], None] = lambda _offer: None
    """Told of a snapshot that is to take the place of the log."""
    written: Callable[[], None] = lambda: None
    """Told after entries became durable here."""
    first_index_led: int = 0
    """The index of the no-op of the term this node leads; older entries end below it."""
    _persists: list[Persist] = field(default_factory=list)
    _persist_waits: asyncio.Event = field(default_factory=asyncio.Event)
    _leadership: tuple[int, NodeId | None, bool] = (0, None, False)
    _halted: bool = False
    _defied: tuple[NodeId, int] | None = None
    """A leader that this node does not hear, in the term that is named."""
    _defied_ticks: int = 0
    _fault: asyncio.Future[None] = field(default_factory=asyncio.Future)

    async def run(self) -> None:
        """Tick and write for ever; ends by cancellation, or raises what must stop the node."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick(), name="ticks")
            group.create_task(self._write(), name="log writer")
            group.create_task(self._watch_for_faults(), name="faults")
            self.advance()

    @property
    def leads(self) -> bool:
        """Whether this node is the leader, as far as it knows."""
        return self.core.role is Role.LEADER

    @property
    def leadership(self) -> tuple[int, str] | None:
        """Term and leader; None while no leader is known."""
        leader = self.core.leader
        return None if leader is None else (self.core.term, leader)

    def step(self, message: Message) -> None:
        """Take a message from a peer."""
        if self._halted or self._defied == (message.sender, message.term):
            return
        if isinstance(message, Append):
            message = self._withhold_future(message)
        self._guarded(lambda: self.core.step(message))

    def undecided(self, message: Append) -> tuple[Entry, ...]:
        """Return the entries of an Append that may be news: to look into others would be waste.

        An Append that leaves a gap is refused whatever it carries, and what is committed here is
        known. A node that catches up is sent much of both.
        """
        if message.previous_index > self.core.last_index:
            return ()
        return message.entries[max(0, self.core.commit - message.previous_index) :]

    def propose(self, payload: bytes) -> None:
        """Append a block as leader; raises what Raft.propose raises."""
        self.core.propose(payload)

    def furthest_voter(self) -> NodeId | None:
        """Who of the other voters that are connected holds most of the log; None without any."""
        peers = self.transport.peers
        matches = {
            node: progress.match
            for node, progress in self.core.progress.items()
            if node in peers and peers[node].connected and self.core.configuration.is_voter(node)
        }
        return max(matches, key=lambda node: matches[node], default=None)

    def transfer_to(self, node: NodeId) -> None:
        """Begin to hand leadership to a node; raises what Raft.transfer_leadership raises."""
        self.core.transfer_leadership(node)
        self.advance()

    def transfer_leadership(self) -> None:
        """Hand leadership to the peer that is furthest, if any is reachable; else keep it."""
        furthest = self.furthest_voter()
        if furthest is None:
            return
        try:
            self.transfer_to(furthest)
        except ConsensusError as error:
            logger.warning("leadership stays here", extra={"reason": str(error)})

    async def hand_over(self) -> None:
        """Hand over leadership and wait until it is gone or the attempt is over."""
        self.transfer_leadership()
        for _ in range(self.max_hand_over_ticks):
            if not self.leads:
                return
            await asyncio.sleep(self.tick_s)

    def read_index(self, context: bytes) -> None:
        """Ask from which height a read may be served; raises what Raft.read_index raises."""
        self.core.read_index(context)
        self.advance()

    def applied(self, index: Index) -> None:
        """Tell the core that everything up to this height is executed."""
        self._guarded(lambda: self.core.applied(index))

    def snapshot_failed(self, offer: SnapshotToInstall) -> None:
        """Tell the core that an offered snapshot came to nothing."""
        self._guarded(lambda: self.core.snapshot_failed(offer.snapshot))

    def halt_for(self, offer: SnapshotToInstall) -> bool:
        """Take and say nothing more, if this snapshot is still wanted; return whether it is.

        What the log holds above the snapshot's place, or in it, is about to go. None of that was
        ever committed, or the core would not want the snapshot any more; but nothing may be added
        to it and acknowledged from now on.
        """
        wanted = self.core.pending_snapshot == offer.snapshot
        self._halted = self._halted or wanted
        return wanted

    def lost(self, peer: NodeId) -> None:
        """Tell the core that messages to a peer were lost."""
        self._guarded(lambda: self.core.unreachable(peer))

    def hung_up(self, peer: NodeId) -> None:
        """Tell the core that the last stream on which a peer sends to us is gone."""
        self._guarded(lambda: self.core.hung_up(peer))

    def defy(self, leader: NodeId, term: int, ticks: int) -> None:
        """Follow a leader no more in its term, for so many ticks, as if it could not be reached.

        To the core this is a cut between the two, which it bears whoever is right.
        """
        self._defied, self._defied_ticks = (leader, term), ticks
        self.hung_up(leader)

    def note_acknowledged(self, memory: PeerMemory) -> None:
        """As leader, remember what peers acknowledged of what is committed."""
        if self.leads:
            for node, progress in self.core.progress.items():
                memory.acknowledged(node, min(progress.match, self.core.commit))

    def advance(self) -> None:
        """Do everything the core wants done now."""
        core = self.core
        if self._halted:
            return
        while (ready := core.ready()) is not None:
            self.transport.send(ready.messages)
            if ready.persist is not None:
                self._persists.append(ready.persist)
                self._persist_waits.set()
            if ready.committed:
                self.committed.put_nowait(ready.committed)
            if ready.snapshot is not None:
                self.snapshot_offered(ready.snapshot)
            for read in ready.reads:
                self.read_answered(read.context, read.index)
            for context in ready.aborted_reads:
                self.read_answered(context, None)
        self._notice_leadership()

    def _guarded(self, change: Callable[[], None]) -> None:
        """Change the core and go on; a fault of the core stops the node, whoever called."""
        try:
            change()
            self.advance()
        except Exception as error:  # noqa: BLE001 - handed on: it ends the run
            if not self._fault.done():
                self._fault.set_exception(error)

    async def _watch_for_faults(self) -> None:
        await self._fault

    async def _tick(self) -> None:
        while True:
            # One late tick after a pause, never a burst: a paused node must not count the pause
            # as silence of the leader many times over.
            await asyncio.sleep(self.tick_s)
            if not self._halted:
                self._come_back()
                self.core.tick()
                self.advance()

    def _come_back(self) -> None:
        """Hear the defied leader again once the time is over: not enough others left it."""
        if self._defied is not None:
            self._defied_ticks -= 1
            if self._defied_ticks <= 0:
                self._defied = None

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._persist_waits.wait()
            self._persist_waits.clear()
            persists, self._persists = self._persists, []
            await loop.run_in_executor(self.disk, self._write_all, persists)
            for persist in persists:
                self.core.persisted(persist.sequence)
                self.transport.send(persist.messages)
            self.written()
            self.advance()

    def _write_all(self, persists: Sequence[Persist]) -> None:
        for persist in persists:
            self.log.write(persist)

    def _withhold_future(self, message: Append) -> Append:
        """Cut off entries whose block time leads this node's clock by too much (DESIGN 4).

        The core acknowledges only what the message still carries; the leader sends the rest again,
        and by then the clocks may agree.
        """
        limits, undecided = self.limits(), self.undecided(message)
        latest = now_us() + limits.max_clock_lead_us
        for left in range(len(undecided), 0, -1):
            if _block_time_us(undecided[-left], limits) > latest:
                return replace(message, entries=message.entries[:-left])
        return message

    def _notice_leadership(self) -> None:
        core = self.core
        leadership = (core.term, core.leader, self.leads)
        if leadership == self._leadership:
            return
        if self.leads:
            self.first_index_led = core.last_index
        self._leadership = leadership
        self.leadership_changed()


def _block_time_us(entry: Entry, limits: Limits) -> int:
    if entry.kind is not EntryKind.BLOCK or not entry.payload:
        return 0
    return BlockBody.decode_or_empty(entry.payload, limits).time_us
