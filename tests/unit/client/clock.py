"""A clock for modules of the SDK that a test can put forward, so that no test waits or hurries."""

import time
from types import ModuleType

import pytest


class Clock:
    """Stands in for the module `time`; it goes like the real one, from where a test put it."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def put_forward(self, seconds: float) -> None:
        self._ahead_s += seconds

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead_s


def put_into(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that a module reads instead of the real one until the test ends."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock
