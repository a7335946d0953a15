"""One node: its disk, its state, and while it runs, its core. Crashing and starting stand here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twinledger.consensus import (
    Configuration,
    Index,
    NodeId,
    Raft,
    Role,
    Settings,
    Snapshot,
    Verdict,
)
from twinledger.consensus.types import FOLLOWER
from twinledger.simulation.agenda import Action
from twinledger.simulation.chance import source
from twinledger.simulation.disk import Disk
from twinledger.simulation.knobs import TICK_US, Knobs
from twinledger.simulation.machine import Machine, NodeSet, Operation, OperationId


@dataclass(slots=True)
class Seen:
    """What the observer saw of a running core last."""

    standing: tuple[int, Role, int, int] = (-1, FOLLOWER, 0, 0)
    """Term, role, commit and last index, all at once: mostly nothing of it has changed."""
    term: int = 0
    commit: int = 0
    led: int = 0
    """The newest term the observer knows this node to have led."""


@dataclass(slots=True)
class Waiting:
    """What clients want from a running node. Lost in a crash."""

    writes: set[OperationId] = field(default_factory=set)
    reads: dict[bytes, Operation] = field(default_factory=dict)
    """Asked of the core, by context."""
    confirmed: list[tuple[Index, Operation]] = field(default_factory=list)
    """Confirmed by the core, waiting for the index to be applied."""


class Process:
    """A node that may be up, paused, down, or damaged for good."""

    __slots__ = (
        "_configuration",
        "_knobs",
        "_random",
        "_timeouts",
        "applying",
        "backlog",
        "chunks",
        "damaged",
        "disk",
        "genesis",
        "id",
        "image",
        "life",
        "machine",
        "number",
        "paused",
        "raft",
        "retired",
        "seen",
        "slowness",
        "synced_at",
        "tick_us",
        "unreported",
        "waiting",
    )

    def __init__(
        self,
        number: int,
        name: NodeId,
        genesis: NodeSet,
        configuration: Configuration,
        knobs: Knobs,
        seed: int,
    ) -> None:
        """Make a node that has never run."""
        self.number = number
        self.id = name
        self.disk = Disk()
        self.machine = Machine(configuration)
        self.genesis = genesis
        self.image: Machine | None = None
        """The state that the newest snapshot stands for."""
        self.chunks: tuple[Snapshot, int] | None = None
        """How many chunks of which snapshot are fetched, durably."""
        self.raft: Raft | None = None
        self.life = 0
        """Counts starts and crashes, so that what was meant for an earlier life is ignored."""
        self.paused = False
        self.damaged = False
        self.retired = False
        """Removed from the configuration, known to its operator, and switched off for ever."""
        self.backlog: list[tuple[Action, Any]] = []
        self.tick_us = TICK_US
        self.slowness = 1
        """Of the disk: a factor on every sync."""
        self.synced_at = 0
        """When the last sync that was asked for ends."""
        self.unreported = 0
        """Persists that the core does not know to be synced."""
        self.applying = False
        """Whether a page of entries is being applied."""
        self.seen = Seen()
        self.waiting = Waiting()
        self._configuration = configuration
        self._knobs = knobs
        self._random = source(seed, f"disk/{name}")
        self._timeouts = source(seed, f"timeouts/{name}")

    @property
    def up(self) -> bool:
        """Whether a core runs here, paused or not."""
        return self.raft is not None

    def start(self, verdict: Callable[[Configuration, Configuration], Verdict]) -> Raft:
        """Recover the disk and begin a new life.

        Raises:
            StoreDamagedError: the node stays down; it must not vote again.
        """
        self.disk.recover()
        self.life += 1
        applied = Index(self.machine.applied)
        self.seen = Seen(term=self.disk.hard_state.term)
        self.raft = Raft(
            self._settings(),
            self.disk.journal,
            hard_state=self.disk.hard_state,
            commit=max(applied, self.disk.commit),
            applied=applied,
            configuration=self.machine.configuration,
            verdict=verdict,
        )
        return self.raft

    def crash(self, *, sync_failed: bool = False) -> None:
        """Lose power, or die of a failed sync: only what is durable stays, and a bit by luck."""
        self.life += 1
        self.raft = None
        self.paused = False
        self.backlog.clear()
        self.waiting = Waiting()
        self.synced_at = self.unreported = 0
        self.applying = False
        if sync_failed:
            self.disk.fail(self._random)
        else:
            self.disk.cut(self._random, self._knobs.torn_tails)
        self.machine.take_back(self._random.randint(self.machine.durable, self.machine.applied))

    def wipe(self) -> None:
        """Have the whole disk of a node that is down replaced by an empty one."""
        self.disk = Disk()
        self.machine = Machine(self._configuration)
        self.image = self.chunks = None

    def fetched(self, snapshot: Snapshot) -> int:
        """Return how many chunks of this snapshot are here."""
        return self.chunks[1] if self.chunks is not None and self.chunks[0] == snapshot else 0

    def keep_chunk(self, snapshot: Snapshot) -> None:
        """Keep one more chunk."""
        self.chunks = (snapshot, self.fetched(snapshot) + 1)

    def drop_chunks(self) -> None:
        """Forget what was fetched: it is installed, or it was wrong."""
        self.chunks = None

    def _settings(self) -> Settings:
        knobs, timeouts = self._knobs, self._timeouts

        def next_election_timeout() -> int:
            return knobs.election_ticks + int(timeouts.random() * knobs.election_ticks)

        return Settings(
            node=self.id,
            next_election_timeout=next_election_timeout,
            election_ticks=knobs.election_ticks,
            heartbeat_ticks=knobs.heartbeat_ticks,
            max_append_bytes=knobs.max_append_bytes,
            max_append_entries=knobs.max_append_entries,
            max_inflight_messages=knobs.max_inflight_messages,
            max_inflight_bytes=knobs.max_inflight_bytes,
            max_uncommitted_bytes=knobs.max_uncommitted_bytes,
            max_committed_bytes_per_ready=knobs.max_committed_bytes_per_ready,
            max_cached_bytes=knobs.max_cached_bytes,
            pre_vote=knobs.pre_vote,
            check_quorum=knobs.check_quorum,
        )

    def sync_time(self) -> int:
        """Draw how long the next sync takes, in virtual microseconds."""
        mean = self._knobs.sync_mean_us * self.slowness
        return 1 + int(self._random.expovariate(1.0) * mean)

    def flushes_now(self) -> bool:
        """Draw whether the applied state becomes durable now."""
        return self._random.random() < self._knobs.flushes

    def apply_time(self) -> int:
        """Draw how long applying the next page takes; 0 is at once."""
        mean = self._knobs.apply_mean_us
        return 1 + int(self._random.expovariate(1.0) * mean) if mean else 0
