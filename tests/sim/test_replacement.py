"""A node that lost what it acknowledged never votes again: it comes back as somebody else.

First as a learner, then as a voter, while its old id is removed; all that amid other faults.
"""

from dataclasses import replace
from typing import Any

import pytest

from twinledger.simulation import draw_knobs
from twinledger.simulation.broken import InvariantBroken
from twinledger.simulation.disk import Disk
from twinledger.simulation.lifecycle import Lifecycle
from twinledger.simulation.nemesis import Nemesis
from twinledger.simulation.process import Process
from twinledger.simulation.world import World

from .edits import edit

DAMAGE: dict[str, Any] = {
    "faults": ("bit-flip", "lost-file", "crash-one", "crash-many", "partition"),
    "replaces": True,
    "spares": 0,
}

START_AGAIN = "self._agenda.after(1_000, self.start, process)"


def lived(seed: int, nodes: int = 5, events: int = 4_000, **knobs: Any) -> World:
    world = World(seed, nodes, replace(draw_knobs(seed), **{**DAMAGE, **knobs}))
    world.begin()
    world.live_dangerously(events, None)
    world.recover()
    return world


def lost(world: World) -> list[Process]:
    return [process for process in world.scene.processes.values() if process.damaged]


@pytest.mark.parametrize("seeds", [range(700, 706), range(706, 712)])
def test_whoever_lost_data_is_removed_and_its_successor_learns_before_it_votes(
    seeds: range,
) -> None:
    replaced = 0
    for seed in seeds:
        world = lived(seed)
        history = [configuration for _, configuration in world.observer.reference.configurations]
        for old in lost(world):
            assert old.id in history[-1].removed
        for name in list(world.scene.processes)[5:]:
            learned = [place for place, step in enumerate(history) if name in step.learners]
            voted = [place for place, step in enumerate(history) if name in step.voters]
            assert learned[0] < voted[0]
            assert name in history[-1].voters
            replaced += 1
    assert replaced >= 3


def test_without_replacement_the_damaged_stay_away() -> None:
    world = lived(700, replaces=False)
    assert lost(world)
    assert len(world.scene.processes) == 5
    assert all(not process.up for process in lost(world))


def hunt(*faults: str) -> str:
    for seed in range(20):
        try:
            lived(seed, faults=faults)
        except InvariantBroken as broken:
            return broken.name
    pytest.fail("nobody saw it")


def test_a_damaged_store_that_is_opened_all_the_same_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Disk, "_check_acknowledged", lambda _disk: None)
    assert hunt("bit-flip", "crash-many") == "lost ids stay silent"


def test_an_empty_disk_under_an_old_id_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    edit(monkeypatch, Nemesis, "_lost_file", "happens(self._random, 0.5)", "False")
    edit(monkeypatch, Lifecycle, "start", "process.up or process.damaged", "process.up")
    edit(monkeypatch, Lifecycle, "mark_damaged", "self.lost(process)", START_AGAIN)
    # Its term goes back, too; which of the two is seen first depends on what it is asked first.
    assert hunt("lost-file", "crash-many") in {"lost ids stay silent", "monotonicity"}
