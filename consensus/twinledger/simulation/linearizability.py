"""The second check of what clients saw, blind to indexes: is there any order that explains it?

A search per register after Wing and Gong (1993) with Lowe's memory of where it has been (2017). It
knows nothing of logs or terms, so that it cannot share a mistake with the check by index witness.
"""

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final

from twinledger.simulation.history import Call
from twinledger.simulation.machine import Action

_HEAD: Final = 0
"""The place before the first call; calls have the places 1 .. n, and n + 1 is the end."""


def first_unexplained(calls: Iterable[Call]) -> int | None:
    """Return a register whose calls no order explains, if there is one."""
    by_key: dict[int, list[Call]] = {}
    for call in calls:
        by_key.setdefault(call.operation.key, []).append(call)
    return next((key for key, group in sorted(by_key.items()) if not explained(group)), None)


def explained(calls: Iterable[Call]) -> bool:
    """Whether the calls on one register can be put in an order that respects time and values.

    A call without a return may have taken effect at any time, or never. A read without one told
    nobody anything, so it is left out.
    """
    told = [
        call
        for call in calls
        if call.returned is not None or call.operation.action is not Action.READ
    ]
    return _Search(sorted(told, key=attrgetter("invoked"))).succeeds()


class _Search:
    """Places calls one by one, and goes back where none can come next."""

    __slots__ = ("_after", "_before", "_calls", "_end")

    def __init__(self, calls: list[Call]) -> None:
        """`calls` are in the order of invocation."""
        self._calls = calls
        self._end = len(calls) + 1
        self._after = list(range(1, self._end + 1))
        self._before = list(range(-1, self._end))

    def succeeds(self) -> bool:
        """Search."""
        left = sum(call.returned is not None for call in self._calls)
        done = value = 0
        been: set[tuple[int, int]] = set()
        placed: list[tuple[int, int]] = []
        candidates = self._candidates(_HEAD)
        while left:
            place = next(candidates, None)
            if place is None:
                if not placed:
                    return False
                place, value = placed.pop()
                done ^= 1 << place
                left += self._calls[place - 1].returned is not None
                self._put_back(place)
                candidates = self._candidates(place)
                continue
            call = self._calls[place - 1]
            after = _value_after(call, value)
            reached = (done | 1 << place, after)
            if after is None or reached in been:
                continue
            been.add((done | 1 << place, after))
            placed.append((place, value))
            done, value = done | 1 << place, after
            left -= call.returned is not None
            self._lift(place)
            candidates = self._candidates(_HEAD)
        return True

    def _candidates(self, tried: int) -> Iterator[int]:
        """Yield the places after `tried` whose calls may come next.

        Those are the calls invoked before any call that is left returned.
        """
        place, horizon = self._after[_HEAD], None
        while place != self._end:
            call = self._calls[place - 1]
            if horizon is not None and call.invoked > horizon:
                return
            if call.returned is not None and (horizon is None or call.returned < horizon):
                horizon = call.returned
            if place > tried:
                yield place
            place = self._after[place]

    def _lift(self, place: int) -> None:
        self._after[self._before[place]] = self._after[place]
        self._before[self._after[place]] = self._before[place]

    def _put_back(self, place: int) -> None:
        self._after[self._before[place]] = self._before[self._after[place]] = place


def _value_after(call: Call, value: int) -> int | None:
    """Return the register's value after a call, or None if the call saw something else."""
    operation = call.operation
    if operation.action is Action.READ:
        return value if call.value == value else None
    after = operation.value if operation.action is Action.WRITE else value + operation.value
    return after if call.returned is None or call.value == after else None
