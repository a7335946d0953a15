"""The limits a core runs under. Times are ticks; what a tick lasts is the driver's business."""

from collections.abc import Callable
from dataclasses import dataclass

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
