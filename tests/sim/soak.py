"""Simulated worlds for as long as one likes, on every core. Started by scripts/soak."""

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count

from twinledger.simulation import InvariantBroken, Result, run

REPORT_SECONDS = 10.0


def world(seed: int, nodes: int, events: int) -> Result | str:
    """Run one seed; return the story instead, if it is not sound."""
    try:
        return run(seed, nodes, events)
    except InvariantBroken as broken:
        return str(broken)


def finished(
    pool: ProcessPoolExecutor, jobs: int, first: int, nodes: int, events: int, deadline: float
) -> Iterator[Result | str]:
    """Yield outcomes as they come; begin no new world after the deadline."""
    seeds, running = count(first), set[Future[Result | str]]()
    while True:
        while len(running) < jobs and time.monotonic() < deadline:
            running.add(pool.submit(world, next(seeds), nodes, events))
        if not running:
            return
        done, running = wait(running, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


class Tally:
    """What all worlds so far amount to."""

    def __init__(self) -> None:
        self.began = self.told = time.monotonic()
        self.sums = Counter[str]()

    def add(self, result: Result) -> None:
        self.sums["seeds"] += 1
        for name in ("events", "commits", "elections", "crashes", "acknowledged"):
            self.sums[name] += getattr(result, name)
        self.sums["faults"] += sum(result.faults.values())

    def report(self, *, now: bool = False) -> None:
        elapsed = time.monotonic() - self.began
        if now or time.monotonic() - self.told > REPORT_SECONDS:
            self.told = time.monotonic()
            sums = ", ".join(f"{number:,} {name}" for name, number in self.sums.items())
            rate = self.sums["events"] / max(elapsed, 1e-9)
            print(f"{elapsed:7.0f} s: {sums}, {rate:,.0f} events/s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--nodes", type=int, default=5)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    print(f"seeds from {asked.seed}, {asked.nodes} nodes, {asked.events} events", flush=True)
    tally, deadline = Tally(), time.monotonic() + 60 * asked.minutes
    with ProcessPoolExecutor(asked.jobs) as pool:
        for outcome in finished(pool, asked.jobs, asked.seed, asked.nodes, asked.events, deadline):
            if isinstance(outcome, str):
                print(outcome, file=sys.stderr)
                pool.shutdown(cancel_futures=True)
                return 1
            tally.add(outcome)
            tally.report()
    tally.report(now=True)
    print("nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
