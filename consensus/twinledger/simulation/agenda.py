"""Virtual time: one heap of what is to happen. Nothing else in the world knows what comes next."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

Action = Callable[[Any], None]


class Agenda:
    """Future actions by virtual microsecond; equal times in the order they were noted."""

    __slots__ = ("_heap", "_noted", "now")

    def __init__(self) -> None:
        """Start at time zero with nothing to do."""
        self.now = 0
        self._noted = 0
        self._heap: list[tuple[int, int, Action, Any]] = []

    def after(self, delay_us: int, action: Action, argument: Any = None) -> None:
        """Note an action for `delay_us` from now."""
        self._noted += 1
        heappush(self._heap, (self.now + delay_us, self._noted, action, argument))

    def at(self, time_us: int, action: Action, argument: Any = None) -> None:
        """Note an action for a time that is not in the past."""
        self._noted += 1
        heappush(self._heap, (time_us, self._noted, action, argument))

    def step(self, count: int = 1) -> None:
        """Move to the next action's time and run it, so many times."""
        heap = self._heap
        for _ in range(count):
            self.now, _, action, argument = heappop(heap)
            action(argument)
