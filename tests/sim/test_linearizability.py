"""Both checks of what clients saw: the search agrees with trying every order; both find lies."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.consensus import reads
from twinledger.simulation import InvariantBroken, run
from twinledger.simulation.history import Call, History
from twinledger.simulation.linearizability import explained, first_unexplained
from twinledger.simulation.machine import Action, Operation, operation_id

from .edits import edit


def call(
    number: int, action: Action, value: int, seen: int, invoked: int, returned: int | None
) -> Call:
    operation = Operation(operation_id(0, number), action, 0, value)
    return Call(operation, invoked, 0, returned, seen)


def explained_by_any_order(calls: list[Call]) -> bool:
    """Try every order of every choice of the calls that never returned."""
    return any(
        fits(order)
        for size in range(len(calls) + 1)
        for order in permutations(calls, size)
        if {id(one) for one in calls if one.returned is not None} <= {id(one) for one in order}
    )


def fits(order: tuple[Call, ...]) -> bool:
    value = 0
    for place, one in enumerate(order):
        if any(
            later.returned is not None and later.returned < one.invoked
            for later in order[place + 1 :]
        ):
            return False
        if one.operation.action is Action.WRITE:
            value = one.operation.value
        elif one.operation.action is Action.ADD:
            value += one.operation.value
        if one.returned is not None and one.value != value:
            return False
    return True


@st.composite
def histories(draw: st.DrawFn) -> list[Call]:
    count = draw(st.integers(1, 5))
    moments = draw(st.permutations(range(2 * count)))
    calls = []
    for number in range(count):
        invoked, returned = sorted(moments[2 * number : 2 * number + 2])
        action = draw(st.sampled_from(list(Action)[:3]))
        answered = action is Action.READ or draw(st.integers(0, 3)) > 0
        seen, value = draw(st.integers(0, 3)), draw(st.integers(0, 2))
        calls.append(call(number, action, value, seen, invoked, returned if answered else None))
    return calls


@given(histories())
def test_the_search_finds_an_order_exactly_if_there_is_one(calls: list[Call]) -> None:
    assert explained(calls) == explained_by_any_order(calls)


def test_a_stale_read_has_no_explanation() -> None:
    calls = [
        call(1, Action.WRITE, 7, 7, invoked=1, returned=2),
        call(2, Action.READ, 0, 0, invoked=3, returned=4),
    ]
    assert not explained(calls)
    assert first_unexplained(calls) == 0


def test_a_write_that_takes_effect_twice_has_no_explanation() -> None:
    calls = [
        call(1, Action.ADD, 2, 2, invoked=1, returned=2),
        call(2, Action.READ, 0, 4, invoked=3, returned=4),
    ]
    assert not explained(calls)


def test_overlapping_calls_may_be_seen_in_either_order() -> None:
    write = call(1, Action.WRITE, 7, 7, invoked=1, returned=4)
    for seen in (0, 7):
        assert explained([write, call(2, Action.READ, 0, seen, invoked=2, returned=3)])


def test_long_histories_of_many_clients_are_explained_quickly() -> None:
    calls = []
    for number in range(2_000):
        invoked, returned = 2 * number, 2 * number + 11
        calls.append(call(number, Action.ADD, 1, number + 1, invoked, returned))
    assert explained(calls)


TWO_LEADERS: dict[str, Any] = {
    "reads": 0.5,
    "clients": 8,
    "keys": 1,
    "think_mean_us": 10_000,
    "check_quorum": False,
    "faults": ("partition", "pause"),
    "ambushes": ("cut-new-leader",),
    "ambush_chance": 0.5,
}
"""A leader that is cut off and does not notice, while clients talk to it and to the next one."""


def hunt() -> str:
    for seed in range(40):
        try:
            run(seed, 3, 3_000, **TWO_LEADERS)
        except InvariantBroken as broken:
            return f"{broken.name}: {broken.detail}"
    pytest.fail("stale reads were not found")


def test_a_read_without_a_round_is_found_by_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    edit(monkeypatch, reads, "confirm", "rounds[0].number <= _acknowledged_round(core)", "True")
    assert hunt().startswith("linearizability: read")


def test_a_read_without_a_round_is_found_by_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    edit(monkeypatch, reads, "confirm", "rounds[0].number <= _acknowledged_round(core)", "True")
    monkeypatch.setattr(History, "_check_read", lambda _history, _call, _witness: None)
    assert hunt().startswith("linearizability: no order explains")
