"""What happened: the count of events, their hash, and the last of them in words.

The grammar of a line, the same for every event:

    TIME NODE VERB NAME=VALUE ...

TIME is virtual seconds with six digits, NODE a node's id or `-` for the world, and a message's
fields stand in the order of its class. A line is written only when somebody reads it; the hash runs
over numbers, because text would cost more than the core itself.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import fields
from hashlib import sha256
from struct import pack
from typing import Any, Final

from twinledger.consensus import Entry, Snapshot

_KEPT: Final = 50
_HASH_BLOCK: Final = 1 << 13

Listener = Callable[[str], None]


class Trace:
    """Every event that changed anything, in order."""

    __slots__ = ("_hasher", "_last", "_listener", "_numbers", "count")

    def __init__(self, listener: Listener | None = None) -> None:
        """`listener` is given every line as it happens; it makes the world several times slower."""
        self.count = 0
        self._last: deque[tuple[int, str, str, Any]] = deque(maxlen=_KEPT)
        self._numbers: list[int] = []
        self._hasher = sha256()
        self._listener = listener

    def note(self, time_us: int, node: str, verb: str, subject: Any = None) -> None:
        """Count one event. `subject` is a message, a mapping of values, or nothing."""
        self.count += 1
        event = (time_us, node, verb, subject)
        self._last.append(event)
        if self._listener is not None:
            self._listener(line(event))

    def mark(self, *numbers: int) -> None:
        """Add what an event left behind to the hash."""
        self._numbers.extend(numbers)
        # Numbers wait in a plain list: it grows several times faster than an array does.
        if len(self._numbers) > _HASH_BLOCK:
            self._absorb()

    def _absorb(self) -> None:
        self._hasher.update(pack(f"<{len(self._numbers)}q", *self._numbers))
        self._numbers.clear()

    def hash(self) -> str:
        """Return the hash over everything marked so far."""
        self._absorb()
        return self._hasher.hexdigest()

    def last(self) -> list[str]:
        """Return the lines of the last events."""
        return [line(event) for event in self._last]


def line(event: tuple[int, str, str, Any]) -> str:
    """Return one event in the grammar of this module."""
    time_us, node, verb, subject = event
    words = " ".join(f"{name}={_value(value)}" for name, value in _pairs(subject))
    return f"{time_us / 1_000_000:.6f} {node} {verb} {words}".rstrip()


def _pairs(subject: Any) -> list[tuple[str, Any]]:
    if subject is None:
        return []
    if isinstance(subject, dict):
        return list(subject.items())
    named = [(field.name, getattr(subject, field.name)) for field in fields(subject)]
    return [("type", type(subject).__name__), *named]


def _value(value: Any) -> str:
    if isinstance(value, bytes):
        return value[:6].hex() or "-"
    if isinstance(value, Entry):
        return f"{value.index}/{value.term}"
    if isinstance(value, tuple):
        return "[" + ",".join(map(_value, value)) + "]"
    if isinstance(value, Snapshot):
        return f"{value.index}/{value.term}"
    return "-" if value is None else str(value).replace(" ", "_")
