"""The mended world has as long to come to rest as its windows need, and its clients let it."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from twinledger.simulation import InvariantBroken, Knobs, draw_knobs, run
from twinledger.simulation.clients import Clients
from twinledger.simulation.history import History
from twinledger.simulation.machine import Machine
from twinledger.simulation.scene import set_scene

FOUND_BY_A_SOAK = 618891072
"""Where a soak stopped: 440 entries to carry one by one, and clients that ask again and again."""

NARROW: dict[str, Any] = {
    "election_ticks": 6,
    "heartbeat_ticks": 1,
    "max_append_entries": 1,
    "max_inflight_bytes": 1,
    "max_uncommitted_bytes": 1 << 20,
    "compaction_entries": 0,
    "latency_mean_us": 7_000,
    "ordered_links": True,
    "spares": 0,
    "clients": 8,
    "think_mean_us": 1_000,
}
"""A round trip for every entry, and as many entries as eight busy clients make."""


def test_a_long_log_behind_a_window_of_one_entry_is_carried_in_time() -> None:
    assert run(FOUND_BY_A_SOAK, 5, 20_000).elections > 0


def test_a_narrow_window_is_given_more_time_than_elections_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(51, 3, 4_000, **NARROW)
    monkeypatch.setattr(Knobs, "carry_us", lambda _knobs, _entries: 0)
    with pytest.raises(InvariantBroken, match="liveness"):
        run(51, 3, 4_000, **NARROW)


def test_a_window_of_one_entry_takes_a_round_trip_for_each_and_a_wide_one_does_not() -> None:
    times = {"latency_floor_us": 100, "latency_mean_us": 900, "sync_mean_us": 10}
    links = {"ordered_links": False, "apply_mean_us": 0, "max_append_bytes": 1 << 20}
    one = replace(draw_knobs(1), **{**NARROW, **times, **links})
    assert one.carry_us(50) == 50 * 2_010
    assert replace(one, ordered_links=True).carry_us(50) == 50 * 4_010
    wide = replace(one, max_append_entries=10, max_inflight_messages=5, max_inflight_bytes=1 << 20)
    assert wide.carry_us(50) == 2_010


def test_in_the_mended_world_a_client_waits_longer_each_time_it_waited_in_vain() -> None:
    knobs = replace(draw_knobs(1), clients=1, patience_us=100_000, latency_mean_us=1, spares=0)
    scene, asked = set_scene(1, 1, knobs, None), list[int]()
    agenda = scene.agenda
    clients = Clients(
        scene,
        History(Machine(scene.configuration)),
        lambda _node, _operation, _attempt: asked.append(agenda.now // 100_000),
    )
    while not asked:
        agenda.step()
    clients.stop()
    while len(asked) < 6:
        agenda.step()
    assert [after - before for before, after in pairwise(asked)] == [1, 2, 3, 4, 5]
