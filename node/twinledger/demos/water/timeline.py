"""When what happened: acknowledgements, the kill, the new leader. Times are a monotonic clock's."""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(slots=True)
class Timeline:
    """The moments of one run, in seconds of one monotonic clock.

    Attributes:
        acknowledged_at: When each acknowledgement came, ascending.
        killed_at: When the leader was killed.
        led_again_at: When another node was first seen to lead.
    """

    acknowledged_at: list[float] = field(default_factory=list)
    killed_at: float | None = None
    led_again_at: float | None = None

    @property
    def seconds_without_leader(self) -> float | None:
        """From the kill to the first sight of a new leader; None when either did not happen."""
        if self.killed_at is None or self.led_again_at is None:
            return None
        return self.led_again_at - self.killed_at

    @property
    def longest_pause(self) -> float | None:
        """The longest time between two acknowledgements of which the later followed the kill."""
        if self.killed_at is None:
            return None
        after = bisect_right(self.acknowledged_at, self.killed_at)
        around = self.acknowledged_at[max(after - 1, 0) :]
        return max((late - early for early, late in pairwise(around)), default=None)
