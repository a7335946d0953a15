"""Everything that differs between two worlds, drawn once per seed.

Each knob is usually moderate and sometimes extreme: batches of one entry, a window of one message,
a third of all messages lost. Bugs live in the combinations (swarm testing), so every kind of fault
is also switched off in some of the worlds.
"""

from dataclasses import dataclass, fields
from random import Random
from typing import Final

from twinledger.consensus.types import ENTRY_OVERHEAD_BYTES
from twinledger.simulation.chance import happens, log_uniform, sometimes, source
from twinledger.simulation.machine import OPERATION_BYTES

TICK_US: Final = 10_000
"""One core tick on a clock that runs at rate 1."""

FAULTS: Final = (
    "crash-one",
    "crash-leader",
    "crash-many",
    "power-cut",
    "pause",
    "partition",
    "one-way",
    "hang-up",
    "clog",
    "clock",
    "clock-jump",
    "slow-disk",
    "sync-error",
    "disk-full",
    "bit-flip",
    "lost-file",
    "transfer",
    "govern",
)
"""What a nemesis does out of the blue."""

AMBUSHES: Final = (
    "crash-after-vote",
    "rival-candidate",
    "crash-new-leader",
    "cut-new-leader",
    "crash-after-accept",
    "crash-after-commit",
    "crash-between-sends",
)
"""What a nemesis does because of what it sees."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """One world's settings. Times are virtual microseconds, chances are of one."""

    # The cores.
    election_ticks: int
    heartbeat_ticks: int
    max_append_entries: int
    max_append_bytes: int
    max_inflight_messages: int
    max_inflight_bytes: int
    max_uncommitted_bytes: int
    max_committed_bytes_per_ready: int
    max_cached_bytes: int
    pre_vote: bool
    check_quorum: bool
    # The network.
    latency_floor_us: int
    latency_mean_us: int
    """Of the exponential part, on top of the floor."""
    loss: float
    duplicates: float
    ordered_links: bool
    reports_unreachable: bool
    reports_hang_ups: bool
    """Whether nodes learn at once that a node crashed: its connections end with it."""
    # The disks.
    sync_mean_us: int
    torn_tails: float
    apply_mean_us: int
    """0: applied at once."""
    flushes: float
    """How often applied state becomes durable after a page."""
    compaction_entries: int
    """How many applied entries may lie below a node's first index before it compacts; 0: never."""
    snapshot_chunks: int
    # Membership.
    spares: int
    """Nodes that do not vote at first and may be called in."""
    replaces: bool
    """Whether nodes with damaged disks come back, under new ids."""
    # The clients.
    clients: int
    keys: int
    reads: float
    think_mean_us: int
    patience_us: int
    payload_bytes: int
    # The nemesis.
    faults: tuple[str, ...]
    ambushes: tuple[str, ...]
    ambush_chance: float
    fault_mean_us: int
    fast_restarts: float
    """Of all restarts; the others take up to several election timeouts."""

    @property
    def election_us(self) -> int:
        """The shortest election timeout."""
        return self.election_ticks * TICK_US

    def carry_us(self, entries: int) -> int:
        """Return what it takes to carry so many entries to one node and apply them there.

        With a window of one entry, each of them waits for a whole round trip; twice as long where
        a message also waits for those before it.
        """
        size = ENTRY_OVERHEAD_BYTES + OPERATION_BYTES + self.payload_bytes
        an_append = min(self.max_append_entries, max(1, self.max_append_bytes // size))
        a_window = min(
            an_append * self.max_inflight_messages, an_append + self.max_inflight_bytes // size
        )
        a_page = max(1, self.max_committed_bytes_per_ready // size)
        one_way_us = (self.latency_floor_us + self.latency_mean_us) * (1 + self.ordered_links)
        round_trip_us = 2 * one_way_us + self.sync_mean_us
        return int(entries * (round_trip_us / a_window + self.apply_mean_us / a_page))

    def lines(self) -> list[str]:
        """Return one `name=value` a knob."""
        return [f"{field.name}={getattr(self, field.name)}" for field in fields(self)]


def draw_knobs(seed: int) -> Knobs:
    """Return the knobs of a seed."""
    random = source(seed, "knobs")
    election_ticks = random.choice((3, 4, 6, 10))
    election_us = election_ticks * TICK_US
    faults = _draw_names(random, FAULTS)
    return Knobs(
        election_ticks=election_ticks,
        heartbeat_ticks=random.randint(1, max(1, election_ticks // 4)),
        max_append_entries=random.choice((1, 1, 2, 4, 64)),
        max_append_bytes=sometimes(random, (1, 100, 300, 2_000), 1 << 20, 0.5),
        max_inflight_messages=random.choice((1, 1, 2, 4, 64)),
        max_inflight_bytes=sometimes(random, (1, 300, 2_000), 1 << 20, 0.3),
        max_uncommitted_bytes=sometimes(random, (1, 300, 2_000), 1 << 20, 0.3),
        max_committed_bytes_per_ready=sometimes(random, (1, 300, 2_000), 1 << 20, 0.3),
        max_cached_bytes=sometimes(random, (1, 300, 2_000), 1 << 20, 0.4),
        pre_vote=happens(random, 0.7),
        check_quorum=happens(random, 0.7),
        latency_floor_us=int(log_uniform(random, 10, election_us / 20)),
        latency_mean_us=int(log_uniform(random, 10, election_us / 8)),
        loss=sometimes(random, (0.01, 0.05, 0.1, 0.3), 0.0, 0.6),
        duplicates=sometimes(random, (0.01, 0.05, 0.2, 0.5), 0.0, 0.6),
        ordered_links=happens(random, 0.3),
        reports_unreachable=happens(random, 0.5),
        reports_hang_ups=happens(random, 0.5),
        sync_mean_us=int(log_uniform(random, 10, election_us / 8)),
        torn_tails=random.choice((0.0, 0.5, 1.0)),
        apply_mean_us=sometimes(random, (100, 1_000, 10_000), 0, 0.5),
        flushes=random.choice((0.05, 0.3, 1.0)),
        compaction_entries=sometimes(random, (5, 20, 100), 0, 0.7),
        snapshot_chunks=random.choice((1, 2, 5)),
        spares=random.choice((0, 1, 2, 4)) if "govern" in faults else 0,
        clients=random.choice((1, 2, 4, 8)),
        keys=random.choice((1, 2, 4)),
        reads=random.choice((0.0, 0.2, 0.5)),
        think_mean_us=int(log_uniform(random, 100, election_us / 2)),
        patience_us=int(election_us * random.uniform(0.5, 4)),
        payload_bytes=sometimes(random, (64, 200), 0, 0.3),
        faults=faults,
        ambushes=_draw_names(random, AMBUSHES),
        ambush_chance=random.choice((0.02, 0.1, 0.3)),
        fault_mean_us=int(election_us * random.choice((1, 2, 4, 8, 16))),
        fast_restarts=random.choice((0.1, 0.5, 0.9)),
        replaces=happens(random, 0.7),
    )


def _draw_names(random: Random, names: tuple[str, ...]) -> tuple[str, ...]:
    share = random.choice((0.3, 0.6, 0.9))
    return tuple(name for name in names if happens(random, share))
