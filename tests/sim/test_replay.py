"""A seed is a world: the same on every run, in every process, whatever the hash seed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from twinledger.simulation import InvariantBroken, run
from twinledger.simulation.disk import Disk
from twinledger.simulation.process import Process

ONE_RUN = """
from twinledger.simulation import run
print(run(11, 5, 2000).trace_hash)
"""


@pytest.mark.parametrize("seed", range(600, 606))
def test_two_runs_of_a_seed_are_one(seed: int) -> None:
    assert run(seed, 5, 3_000) == run(seed, 5, 3_000)


def test_another_seed_is_another_world() -> None:
    assert run(1, 3, 500).trace_hash != run(2, 3, 500).trace_hash


def test_another_process_with_another_hash_seed_sees_the_same_world() -> None:
    environment = {
        "PYTHONHASHSEED": "4711",
        "PYTHONPATH": ":".join(str(Path(path).resolve()) for path in sys.path if path),
    }
    ran = subprocess.run(
        [sys.executable, "-c", ONE_RUN], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == run(11, 5, 2_000).trace_hash


def test_listening_changes_nothing() -> None:
    lines: list[str] = []
    heard = run(3, 3, 1_000, listener=lines.append)
    assert heard == run(3, 3, 1_000)
    assert len(lines) == heard.events
    assert all(len(text.split()) >= 3 for text in lines)


def test_progress_is_told_every_thousand_events() -> None:
    told: list[int] = []
    run(3, 3, 3_500, progress=told.append)
    assert len(told) == 3
    assert told == sorted(told)


def test_a_broken_world_tells_seed_knobs_and_last_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Disk, "sync", lambda _disk, _sequence: None)
    with pytest.raises(InvariantBroken) as found:
        run(7, 5, 2_000)
    story = str(found.value)
    assert story.startswith(found.value.name)
    assert "seed 7, 5 nodes" in story
    assert "election_ticks=" in story
    assert 1 <= len(story.split("last events:\n")[1].splitlines()) <= 50


def test_a_world_in_which_nothing_happens_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Process, "crash", never_to_return(Process.crash))
    with pytest.raises(InvariantBroken, match="nothing happens any more"):
        run(7, 3, 50_000, faults=("power-cut",), ambushes=())


def never_to_return(crash: Callable[..., None]) -> Callable[..., None]:
    def crash_for_ever(process: Process, *, sync_failed: bool = False) -> None:
        crash(process, sync_failed=sync_failed)
        process.retired = True

    return crash_for_ever
