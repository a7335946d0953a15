"""Many worlds, one seed each: nothing bad happens, and after the faults something good does.

A failing seed is replayed with `twinledger sim --seed N --nodes N --events N`.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.conftest import SEED_LINE
from twinledger.simulation import Result, run

GROUP = 10
EVENTS = 20_000
SIZES = (5, 3, 5, 4, 5, 3, 7, 5, 2, 5)
"""How many nodes the seeds of one group have."""

Property = Callable[[str, object], None]


def run_group(group: int, record_property: Property) -> list[Result]:
    results = [run(group * GROUP + place, nodes, EVENTS) for place, nodes in enumerate(SIZES)]
    for result in results:
        record_property(SEED_LINE, result.line())
    return results


def check_group(group: int, record_property: Property) -> None:
    results = run_group(group, record_property)
    assert all(result.events >= EVENTS for result in results)
    assert sum(result.elections for result in results) > 5 * GROUP
    assert sum(result.commits for result in results) > 50 * GROUP
    assert sum(result.crashes for result in results) > 5 * GROUP


@pytest.mark.parametrize("group", range(30))
def test_every_seed_is_sound(group: int, record_property: Property) -> None:
    check_group(group, record_property)


@pytest.mark.full
@pytest.mark.parametrize("group", range(30, 130))
def test_every_further_seed_is_sound(group: int, record_property: Property) -> None:
    check_group(group, record_property)


def test_the_seeds_together_see_every_kind_of_fault() -> None:
    seen = Counter[str]()
    for seed in range(5_000, 5_030):
        seen.update(run(seed, 5, 2_000).faults)
    expected = {
        "bit-flip",
        "clock",
        "clog",
        "compaction",
        "crash-after-accept",
        "crash-after-commit",
        "crash-after-vote",
        "crash-between-sends",
        "crash-leader",
        "crash-many",
        "crash-new-leader",
        "crash-one",
        "cut-new-leader",
        "found-damaged",
        "full",
        "govern",
        "hang-up",
        "one-way",
        "partition",
        "pause",
        "power-cut",
        "replaced",
        "slow-disk",
        "snapshot-installed",
        "sync-failed",
        "transfer",
    }
    assert expected <= set(seen)
