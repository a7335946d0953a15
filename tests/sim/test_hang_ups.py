"""Broken streams: they end the reign of a leader that crashed, and of no other."""

from typing import Any

import pytest

from twinledger.consensus import election
from twinledger.simulation import run

QUIET: dict[str, Any] = {
    "election_ticks": 10,
    "heartbeat_ticks": 4,
    "pre_vote": True,
    "check_quorum": True,
    "loss": 0.0,
    "duplicates": 0.0,
    "latency_floor_us": 100,
    "latency_mean_us": 1_000,
    "sync_mean_us": 1_000,
    "spares": 0,
    "clients": 1,
    "think_mean_us": 500_000,
    "ambushes": (),
    "fault_mean_us": 150_000,
}
"""Nothing goes wrong but what a test adds."""


@pytest.mark.parametrize("seed", range(5))
def test_streams_that_break_again_and_again_unseat_no_leader_that_works(seed: int) -> None:
    result = run(seed, 5, 5_000, **QUIET, faults=("hang-up",))
    assert result.faults["hang-up"] > 10
    assert result.elections == 1


def test_without_stickiness_they_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(election, "leader_alive", lambda _core: False)
    assert run(1, 5, 5_000, **QUIET, faults=("hang-up",)).elections > 1


def test_the_others_learn_that_a_crashed_node_hung_up() -> None:
    lines: list[str] = []
    crashes = QUIET | {"faults": ("crash-one",), "reports_hang_ups": True}
    run(1, 5, 1_000, listener=lines.append, **crashes)
    (first, crashed), *_ = [
        (place, line.split()[1]) for place, line in enumerate(lines) if " crash " in line
    ]
    told = [line.split()[1] for line in lines[first:] if f"hung-up peer={crashed}" in line]
    assert len(set(told[:4]) - {crashed}) == 4
