"""Run a world by its seed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from twinledger.consensus import InvariantViolation
from twinledger.simulation.broken import InvariantBroken
from twinledger.simulation.knobs import draw_knobs
from twinledger.simulation.scene import Scene
from twinledger.simulation.trace import Listener
from twinledger.simulation.world import World


@dataclass(frozen=True, slots=True)
class Result:
    """What a sound run amounted to."""

    seed: int
    nodes: int
    events: int
    """Of both phases. An idle tick is none."""
    virtual_seconds: float
    commits: int
    elections: int
    """Won, that is: terms that had a leader."""
    crashes: int
    acknowledged: int
    faults: Mapping[str, int]
    """By name."""
    trace_hash: str
    """Equal for every run of this seed."""
    cpu_seconds: float = field(compare=False)
    wall_seconds: float = field(compare=False)
    """What the run took. Measured around the world, which never learns of it."""

    @property
    def rate(self) -> float:
        """Events a second of CPU time."""
        return self.events / max(self.cpu_seconds, 1e-9)

    def line(self) -> str:
        """Return the run in one line."""
        return (
            f"seed {self.seed}: {self.events} events, {self.virtual_seconds:.1f} virtual s, "
            f"{self.commits} commits, {self.elections} elections, {self.crashes} crashes, "
            f"{sum(self.faults.values())} faults, {self.acknowledged} acknowledged, "
            f"trace {self.trace_hash[:16]}, {self.rate:,.0f} events/s of CPU time, "
            f"{self.events / max(self.wall_seconds, 1e-9):,.0f} of wall time"
        )


def run(
    seed: int,
    nodes: int = 5,
    events: int = 5_000,
    *,
    progress: Callable[[int], None] | None = None,
    listener: Listener | None = None,
    **knobs: Any,
) -> Result:
    """Run one world.

    Args:
        seed: decides everything.
        nodes: how many there are.
        events: length of the safety phase; the liveness phase comes on top.
        progress: told the count of events, every thousand.
        listener: told every event in one line; makes the run much slower.
        knobs: settings to use instead of those the seed draws.

    Raises:
        InvariantBroken: the world was not sound. Its `story` says what is needed to replay it.
    """
    cpu, wall = time.process_time(), time.monotonic()
    world = World(seed, nodes, replace(draw_knobs(seed), **knobs), listener)
    try:
        world.begin()
        world.live_dangerously(events, progress)
        world.recover()
    except InvariantBroken as found:
        found.story = _story(world.scene)
        raise
    except InvariantViolation as violation:
        broken = InvariantBroken("core invariant", str(violation))
        broken.story = _story(world.scene)
        raise broken from violation
    return _result(world, time.process_time() - cpu, time.monotonic() - wall)


def _result(world: World, cpu_seconds: float, wall_seconds: float) -> Result:
    scene = world.scene
    return Result(
        seed=scene.seed,
        nodes=len(scene.processes),
        events=scene.trace.count,
        virtual_seconds=scene.agenda.now / 1_000_000,
        commits=world.observer.commits,
        elections=world.observer.elections,
        crashes=world.lifecycle.crashes,
        acknowledged=len(world.history.acknowledged),
        faults=dict(sorted(scene.faults.items())),
        trace_hash=scene.trace.hash(),
        cpu_seconds=cpu_seconds,
        wall_seconds=wall_seconds,
    )


def _story(scene: Scene) -> str:
    return "\n".join(
        [
            f"seed {scene.seed}, {len(scene.processes)} nodes, event {scene.trace.count}",
            "knobs: " + " ".join(scene.knobs.lines()),
            "faults: " + " ".join(f"{name}={n}" for name, n in sorted(scene.faults.items())),
            "last events:",
            *scene.trace.last(),
        ]
    )
