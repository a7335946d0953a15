"""A closed loop: a fixed number of writes in flight, each answered before the next is sent."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

VALUE_BYTES = 256
KEYS = 1_000
"""Writes go round so many keys or twins."""

Send = Callable[[int], Awaitable[None]]
"""Sends the write of a number and returns when it is answered; raises when it failed."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one loop came to.

    Attributes:
        in_flight: Writes in flight.
        seconds: How long it was measured.
        latencies: Seconds of each write that was answered while measuring, ascending.
    """

    in_flight: int
    seconds: float
    latencies: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Writes a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency, in seconds, that this share of the writes did not exceed."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]


class Recorder:
    """Keeps the latencies of what was answered after the warm-up and before the end."""

    def __init__(self, in_flight: int, warm_up_seconds: float, seconds: float) -> None:
        """The clock starts now."""
        self._in_flight = in_flight
        self._seconds = seconds
        self._begin = time.perf_counter() + warm_up_seconds
        self._end = self._begin + seconds
        self._latencies: list[float] = []

    @property
    def over(self) -> bool:
        """True when nothing more should be sent."""
        return time.perf_counter() >= self._end

    def note(self, sent_at: float) -> None:
        """Takes note that a write sent at this time was answered now."""
        now = time.perf_counter()
        if self._begin <= now < self._end:
            self._latencies.append(now - sent_at)

    def result(self) -> Measurement:
        """The measurement.

        Raises:
            RuntimeError: Nothing was answered while measuring.
        """
        if not self._latencies:
            raise RuntimeError(f"no write was answered in {self._seconds} s")
        return Measurement(self._in_flight, self._seconds, tuple(sorted(self._latencies)))


async def closed_loop(
    send: Send, in_flight: int, seconds: float, warm_up_seconds: float
) -> Measurement:
    """Keeps `in_flight` calls of `send` under way, and measures them."""
    recorder = Recorder(in_flight, warm_up_seconds, seconds)
    numbers = iter(range(1 << 62))

    async def worker() -> None:
        while not recorder.over:
            sent_at = time.perf_counter()
            await send(next(numbers))
            recorder.note(sent_at)

    async with asyncio.TaskGroup() as workers:
        for _ in range(in_flight):
            workers.create_task(worker())
    return recorder.result()
