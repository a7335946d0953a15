"""A few nodes in one process, driven by hand: no clock, no chance, nothing happens by itself.

Read `Cluster` first. Its verbs are those of the stories: elect, propose, isolate, crash, restart.
A node's disk loses what was not synced. Messages wait in `network`, in order, until `settle` or
`deliver` moves them; `lost` decides which of them never arrive.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from twinledger.consensus import (
    Configuration,
    Entry,
    EntryKind,
    HardState,
    Index,
    Message,
    NodeId,
    Persist,
    PreVoteRequest,
    PreVoteResponse,
    Raft,
    ReadState,
    Ready,
    Role,
    Settings,
    Snapshot,
    Term,
    Verdict,
    VoteRequest,
    VoteResponse,
    make_entry,
)
from twinledger.consensus.election import leader_alive

Sent = TypeVar("Sent")

GENESIS = b"\x07" * 32
ELECTION_TICKS = 10
ELECTION = PreVoteRequest | PreVoteResponse | VoteRequest | VoteResponse
ROUNDS = 2_000
PATIENCE = 2 * ELECTION_TICKS - 1


class Disk:
    """What one node has synced. Implements LogReader."""

    def __init__(self, configuration: Configuration) -> None:
        self.hard_state = HardState(Term(0), None)
        self.commit = Index(0)
        self.applied = Index(0)
        self.configuration = configuration
        self.base = (Index(0), Term(0), GENESIS)
        self.log: list[Entry] = []
        self.offer: Snapshot | None = None

    def first_index(self) -> Index:
        return Index(self.base[0] + 1)

    def last_index(self) -> Index:
        return Index(self.base[0] + len(self.log))

    def term(self, index: Index) -> Term:
        return self.base[1] if index == self.base[0] else self._at(index).term

    def hash(self, index: Index) -> bytes:
        return self.base[2] if index == self.base[0] else self._at(index).hash

    def _at(self, index: Index) -> Entry:
        if index < self.first_index():
            raise LookupError(f"{index} is compacted away")
        return self.log[index - self.base[0] - 1]

    def entries(self, low: Index, high: Index, max_bytes: int) -> tuple[Entry, ...]:
        page: list[Entry] = []
        for index in range(low, high):
            entry = self._at(Index(index))
            if page and sum(e.size for e in page) + entry.size > max_bytes:
                break
            page.append(entry)
        return tuple(page)

    def snapshot(self) -> Snapshot | None:
        return self.offer

    def write(self, persist: Persist) -> None:
        if persist.hard_state is not None:
            self.hard_state = persist.hard_state
        if persist.truncate_from is not None:
            del self.log[persist.truncate_from - self.base[0] - 1 :]
        for entry in persist.entries:
            assert entry.index == self.last_index() + 1, "the driver was handed a gap"
            self.log.append(entry)
        self.commit = max(self.commit, persist.commit)

    def compact(self, keep_from: Index, data: bytes = b"state") -> None:
        """Drop entries below `keep_from` and offer a snapshot of everything applied instead."""
        self.offer = Snapshot(
            self.applied, self.term(self.applied), self.hash(self.applied), self.configuration, data
        )
        base = Index(keep_from - 1)
        self.log, self.base = (
            self.log[base - self.base[0] :],
            (base, self.term(base), self.hash(base)),
        )

    def install(self, snapshot: Snapshot) -> None:
        self.base = (snapshot.index, snapshot.term, snapshot.hash)
        self.log = []
        self.commit = self.applied = snapshot.index
        self.configuration = snapshot.configuration
        self.offer = snapshot


class Node:
    """One node: a core, its disk, and what it has done so far."""

    def __init__(self, name: str, disk: Disk, settings: Settings) -> None:
        self.name = NodeId(name)
        self.disk = disk
        self.settings = settings
        self.raft: Raft | None = None
        self.unsynced: deque[Persist] = deque()
        self.hold_syncs = False
        self.hold_applies = False
        self.hold_snapshots = False
        self.applied: list[Entry] = []
        self.to_apply: deque[Entry] = deque()
        self.reads: list[ReadState] = []
        self.aborted_reads: list[bytes] = []
        self.verdict: Callable[[Configuration], Verdict] = lambda _: Verdict.ACCEPT
        self.start()

    def start(self) -> None:
        disk = self.disk
        self.raft = Raft(
            self.settings,
            disk,
            hard_state=disk.hard_state,
            commit=max(disk.commit, disk.applied),
            applied=disk.applied,
            configuration=disk.configuration,
            verdict=self._judge,
        )

    def _judge(self, _: Configuration, configuration: Configuration) -> Verdict:
        return self.verdict(configuration)

    def stop(self) -> None:
        """Lose power: whatever was not synced is gone."""
        self.raft = None
        self.unsynced.clear()
        self.to_apply.clear()

    @property
    def core(self) -> Raft:
        assert self.raft is not None, f"{self.name} is down"
        return self.raft

    def sync_one(self) -> tuple[Message, ...]:
        """Sync the oldest outstanding persist and return what it lets leave."""
        persist = self.unsynced.popleft()
        self.disk.write(persist)
        self.core.persisted(persist.sequence)
        return persist.messages

    def apply_all(self) -> None:
        while self.to_apply:
            entry = self.to_apply.popleft()
            self.applied.append(entry)
            if entry.kind is EntryKind.CONFIGURATION:
                self.disk.configuration = Configuration.decode(entry.payload)
            self.disk.applied = entry.index
            if not self.to_apply:
                self.core.applied(entry.index)

    def work(self) -> list[Message]:
        """Do all that the core asks for. Return the messages that leave."""
        leaving: list[Message] = []
        for _ in range(ROUNDS):
            ready = None if self.raft is None else self.core.ready()
            if ready is None and not self._waits():
                return leaving
            if ready is not None:
                leaving.extend(ready.messages)
                if ready.persist is not None:
                    self.unsynced.append(ready.persist)
                self.to_apply.extend(ready.committed)
                self.reads.extend(ready.reads)
                self.aborted_reads.extend(ready.aborted_reads)
            while self.unsynced and not self.hold_syncs:
                leaving.extend(self.sync_one())
            if not self.hold_applies:
                self.apply_all()
            pending = self.core.pending_snapshot
            busy = self.unsynced or self.to_apply
            if pending is not None and not self.hold_snapshots and not busy:
                self.disk.install(pending)
                self.core.snapshot_installed(pending)
        raise AssertionError("the node never comes to rest")

    def _waits(self) -> bool:
        return bool(
            (self.unsynced and not self.hold_syncs) or (self.to_apply and not self.hold_applies)
        )


def work_for(raft: Raft) -> Ready:
    """Return what the core wants done; there must be something."""
    ready = raft.ready()
    assert ready is not None
    return ready


class Cluster:
    """Some nodes and the network between them."""

    def __init__(
        self,
        names: Iterable[str],
        *,
        learners: Iterable[str] = (),
        outsiders: Iterable[str] = (),
        **limits: int,
    ) -> None:
        """`outsiders` run and know the configuration, but are not in it."""
        voters = tuple(map(NodeId, sorted(names)))
        pupils = tuple(map(NodeId, sorted(learners)))
        self.configuration = Configuration(voters, learners=pupils)
        self.limits = limits
        self.network: deque[Message] = deque()
        self.cuts: set[tuple[str, str]] = set()
        self.lost: Callable[[Message], bool] = lambda _: False
        self.seen: list[Message] = []
        self.nodes: dict[str, Node] = {}
        for name in (*voters, *pupils, *outsiders):
            self.add(name)

    def add(self, name: str) -> Node:
        """Start a node with an empty log and the first configuration."""
        settings = Settings(
            node=NodeId(name),
            next_election_timeout=lambda: PATIENCE,
            election_ticks=ELECTION_TICKS,
            **self.limits,  # type: ignore[arg-type]
        )
        self.nodes[name] = Node(name, Disk(self.configuration), settings)
        return self.nodes[name]

    def __getitem__(self, name: str) -> Raft:
        return self.nodes[name].core

    def disk(self, name: str) -> Disk:
        return self.nodes[name].disk

    # Time and messages.

    def settle(self) -> None:
        """Let everybody work and every message arrive, until nothing moves any more."""
        for _ in range(ROUNDS):
            if not (self._collect() or self.network):
                return
            for _ in range(len(self.network)):
                self._arrive(self.network.popleft())
        raise AssertionError("the cluster never comes to rest")

    def deliver(self, wanted: Callable[[Message], bool]) -> int:
        """Deliver those waiting messages that are wanted; the rest wait on. Return how many."""
        self._collect()
        chosen = [message for message in self.network if wanted(message)]
        self.network = deque(message for message in self.network if not wanted(message))
        for message in chosen:
            self._arrive(message)
        self._collect()
        return len(chosen)

    def _collect(self) -> bool:
        leaving = [message for node in self.nodes.values() for message in node.work()]
        self.network.extend(leaving)
        return bool(leaving)

    def _arrive(self, message: Message) -> None:
        self.seen.append(message)
        node = self.nodes.get(message.recipient)
        cut = (message.sender, message.recipient) in self.cuts
        if node is not None and node.raft is not None and not cut and not self.lost(message):
            node.raft.step(message)

    def tick(self, *names: str, times: int = 1, settle: bool = True) -> None:
        """Let time pass at these nodes, or at all that run."""
        for _ in range(times):
            for name in names or tuple(self.nodes):
                if self.nodes[name].raft is not None:
                    self[name].tick()
            if settle:
                self.settle()

    # Stories.

    def elect(self, name: str, *, quietly: bool = False) -> Raft:
        """Make a node campaign, after everybody else stopped hearing from a leader, and win.

        A first attempt may do no more than teach it the others' term. Quietly: only what belongs
        to the election arrives; the new leader's appends wait.
        """
        for _ in range(2):
            if self[name].role is not Role.LEADER:
                self.campaign(name)
            while quietly and self.deliver(lambda message: isinstance(message, ELECTION)):
                pass
            if not quietly:
                self.settle()
        assert self[name].role is Role.LEADER, f"{name} did not win"
        return self[name]

    def campaign(self, name: str) -> None:
        """Let time pass until a node wants to lead and the others would let it; deliver nothing.

        Whoever leads sleeps meanwhile.
        """
        for other, node in self.nodes.items():
            if other == name or node.raft is None or node.raft.role is Role.LEADER:
                continue
            while leader_alive(node.raft._core):
                self.tick(other, settle=False)
        self.tick(name, times=PATIENCE, settle=False)

    def propose(self, name: str, *payloads: bytes) -> Index:
        """Propose at a node, and let everything settle. Return the last index."""
        index = Index(0)
        for payload in payloads:
            index = self[name].propose(payload)
        self.settle()
        return index

    def isolate(self, *names: str) -> None:
        """Cut these nodes off from all others, but not from each other."""
        for name in names:
            for other in self.nodes:
                if other not in names:
                    self.cuts |= {(name, other), (other, name)}

    def heal(self) -> None:
        self.cuts.clear()

    def crash(self, *names: str) -> None:
        for name in names:
            self.nodes[name].stop()

    def restart(self, *names: str) -> None:
        for name in names:
            self.nodes[name].start()

    def give_log(self, name: str, *terms: int, term: int, commit: int = 0) -> None:
        """Restart a node with a log of these terms, as if synced in an earlier life."""
        disk = self.disk(name)
        disk.log = list(chain(*terms))
        disk.hard_state = HardState(Term(term), None)
        disk.commit = Index(commit)
        self.restart(name)

    # What there is to see.

    def sent(self, kind: type[Sent], **fields: object) -> list[Sent]:
        """Every message of this class that was ever delivered or lost, with these fields."""
        found = [message for message in self.seen if isinstance(message, kind)]
        return [m for m in found if all(getattr(m, k) == v for k, v in fields.items())]

    def waiting(self, kind: type[Sent], **fields: object) -> list[Sent]:
        """Every message of this class that has left and not arrived, with these fields."""
        self._collect()
        found = [message for message in self.network if isinstance(message, kind)]
        return [m for m in found if all(getattr(m, k) == v for k, v in fields.items())]

    def role(self, name: str) -> Role:
        return self[name].role

    def leaders(self) -> list[str]:
        return [n for n, node in self.nodes.items() if node.raft and node.raft.role is Role.LEADER]

    def log(self, name: str) -> list[tuple[int, int]]:
        """The (index, term) pairs a node has durably."""
        return [(entry.index, entry.term) for entry in self.disk(name).log]

    def payloads(self, name: str) -> list[bytes]:
        """The payloads a node has applied, without no-ops and configurations."""
        return [
            entry.payload
            for entry in self.nodes[name].applied
            if entry.kind is EntryKind.BLOCK and entry.payload
        ]


def chain(
    *terms: int, payload: bytes = b"x", start: int = 1, previous: bytes = GENESIS
) -> tuple[Entry, ...]:
    """Return entries of these terms, in a row, hashed correctly."""
    entries: list[Entry] = []
    for offset, term in enumerate(terms):
        before = entries[-1].hash if entries else previous
        entries.append(
            make_entry(before, Index(start + offset), Term(term), EntryKind.BLOCK, payload)
        )
    return tuple(entries)
