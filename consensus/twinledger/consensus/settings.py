"""The limits a core runs under. Times are ticks; what a tick lasts is the driver's business."""

from collections.abc import Callable
from dataclasses import dataclass

from twinledger.consensus.invariant import invariant
from twinledger.consensus.types import NodeId


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is chosen once, at start."""

    node: NodeId
    next_election_timeout: Callable[[], int]
    """Draws the next election timeout, in ticks, from [election_ticks, 2 * election_ticks)."""
    election_ticks: int = 10
    heartbeat_ticks: int = 1
    max_append_bytes: int = 1 << 20
    """Of one Append. One entry always fits, however large."""
    max_append_entries: int = 1024
    max_inflight_messages: int = 64
    """Appends on their way to one follower."""
    max_inflight_bytes: int = 16 << 20
    max_uncommitted_bytes: int = 64 << 20
    """Proposals beyond it are refused. One proposal is always taken when nothing waits."""
    max_committed_bytes_per_ready: int = 8 << 20
    max_cached_bytes: int = 16 << 20
    """Durable entries kept in memory, for followers and for applying."""
    max_pending_reads: int = 1024
    pre_vote: bool = True
    check_quorum: bool = True

    def __post_init__(self) -> None:
        """Refuse limits under which nothing could move."""
        invariant(0 < self.heartbeat_ticks < self.election_ticks, "heartbeats must be the faster")
        windows = (self.max_append_entries, self.max_inflight_messages, self.max_inflight_bytes)
        invariant(min(windows) > 0, "every window needs room for one message")
        invariant(self.max_pending_reads > 0, "one read must be able to wait")
