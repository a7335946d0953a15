"""What the leader knows of one follower, and how fast it may send to it.

PROBE: the follower's log is not known; one Append at a time. REPLICATE: it is known; Appends are
sent ahead of their acknowledgements. SNAPSHOT: it needs what is compacted; nothing is sent until
that is settled. Every change of state stands here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from twinledger.consensus.inflight import Inflight
from twinledger.consensus.messages import Snapshot
from twinledger.consensus.types import START, Index


class ProgressState(StrEnum):
    """How the leader sends to a follower."""

    PROBE = "probe"
    REPLICATE = "replicate"
    SNAPSHOT = "snapshot"


PROBE: Final = ProgressState.PROBE
REPLICATE: Final = ProgressState.REPLICATE
SNAPSHOT: Final = ProgressState.SNAPSHOT


@dataclass(slots=True)
class CatchUp:
    """One round of catching up (dissertation, section 4.2.1): reach what the leader had then."""

    target: Index
    ticks: int = 0


@dataclass(slots=True)
class Progress:
    """One follower, as its leader sees it."""

    next: Index
    """The next entry to send."""
    inflight: Inflight
    catch_up: CatchUp
    match: Index = START
    """The follower's log equals ours up to here, durably. Only an acceptance moves it, upwards."""
    state: ProgressState = PROBE
    paused: bool = False
    """In PROBE: one Append is on its way, wait for news of it."""
    probe_end: Index = START
    """In PROBE: where that Append ends."""
    nudge: bool = False
    """In REPLICATE: send an Append even without news, to find out what was lost."""
    silent_ticks: int = 0
    """Ticks since it was heard from."""
    match_at_beat: Index | None = None
    """Its match at the last heartbeat response: no progress between two means loss."""
    acked_round: int = 0
    """The newest heartbeat round it has acknowledged."""
    removed_at: Index | None = None
    """Where its committed removal stands in the log: it is sent nothing above that."""
    commit_sent: Index = START
    """The commit index it has been told, so far as its log reaches."""
    snapshot: Snapshot | None = None
    """In SNAPSHOT: what was offered."""
    snapshot_ticks: int = 0
    """In SNAPSHOT: since when."""
    caught_up: bool = False
    """It has finished a round of catching up within one election timeout."""

    def become_probe(self) -> None:
        """Ask again where the logs match. Its commit is told anew, too."""
        self._enter(PROBE)
        self.next = Index(self.match + 1)

    def become_replicate(self) -> None:
        """Send ahead from the known match."""
        self._enter(REPLICATE)
        self.next = Index(self.match + 1)

    def become_snapshot(self, snapshot: Snapshot) -> None:
        """Send nothing until the offer is settled."""
        self._enter(SNAPSHOT)
        self.snapshot = snapshot

    def _enter(self, state: ProgressState) -> None:
        self.state = state
        self.paused, self.probe_end = False, START
        self.nudge = False
        self.snapshot, self.snapshot_ticks = None, 0
        self.commit_sent = START
        self.inflight.clear()

    def accept(self, index: Index) -> bool:
        """Take an acknowledgement of `index`. Return whether it is news."""
        self.silent_ticks = 0
        if index < self.match or (index == self.match and self.state is REPLICATE):
            self.inflight.free_to(index)
            return False
        advanced, self.match = index > self.match, index
        if self.state is PROBE and index < self.probe_end:
            # It took a part only: what follows waits for its driver. Without progress, ask again
            # no sooner than after its next heartbeat, or both would spin.
            self.next, self.paused = Index(index + 1), not advanced
        elif self.state is REPLICATE:
            self.inflight.free_to(index)
            self.next = max(self.next, Index(index + 1))
        elif self.snapshot is None or index >= self.snapshot.index:
            self.become_replicate()
        return True

    def reject(self, previous_index: Index, may_match: Index) -> None:
        """Take a refusal of the Append that followed `previous_index`. Never moves `match`."""
        self.silent_ticks = 0
        if self.state is REPLICATE and previous_index > self.match:
            self.become_probe()
        elif self.state is PROBE and previous_index == self.next - 1:
            lower = min(previous_index, Index(may_match + 1))
            self.next = max(lower, Index(self.match + 1))
            self.paused = False

    def sent(self, last_index: Index, size: int) -> None:
        """Note an Append that ends at `last_index` and carries `size` bytes of entries."""
        self.nudge = False
        if self.state is PROBE:
            self.paused, self.probe_end = True, last_index
        elif last_index >= self.next:
            self.next = Index(last_index + 1)
            self.inflight.add(last_index, size)

    def tick(self, last_index: Index, ticks_allowed: int) -> None:
        """Let time pass: a follower that is silent or lags for too long is not caught up."""
        self.silent_ticks += 1
        self.catch_up.ticks += 1
        self.judge_catch_up(last_index, ticks_allowed)
        if self.silent_ticks > ticks_allowed or self.catch_up.ticks > ticks_allowed:
            self.caught_up = False

    def judge_catch_up(self, last_index: Index, ticks_allowed: int) -> None:
        """End a round of catching up that reached its target, and begin the next."""
        if self.match >= self.catch_up.target:
            self.caught_up = self.catch_up.ticks <= ticks_allowed
            self.catch_up.target, self.catch_up.ticks = last_index, 0
