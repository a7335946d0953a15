"""Changes laid over a state that nobody else sees until they are agreed.

Overlays stack: a transaction's lies over its block's, which lies over the parent's state. So a
transaction that fails halfway leaves no trace, and the next one sees what the last one did.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping

from twinledger.ledger.state import StateView


class Overlay:
    """A draft over a base state. None stands for a deleted key."""

    __slots__ = ("_base", "_changes", "_order")

    def __init__(self, base: StateView) -> None:
        self._base = base
        self._changes: dict[bytes, bytes | None] = {}
        # The changed keys in order, built by the first scan: most transactions never scan.
        self._order: list[bytes] | None = None

    @property
    def changes(self) -> Mapping[bytes, bytes | None]:
        """What was changed, in no particular order."""
        return self._changes

    def get(self, key: bytes) -> bytes | None:
        """The value at a key as changed here, or else in the base."""
        if key in self._changes:
            return self._changes[key]
        return self._base.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Sets the value at a key."""
        self._change(key, value)

    def delete(self, key: bytes) -> None:
        """Removes a key."""
        self._change(key, None)

    def _change(self, key: bytes, value: bytes | None) -> None:
        if self._order is not None and key not in self._changes:
            insort(self._order, key)
        self._changes[key] = value

    def take(self, above: Overlay) -> None:
        """Makes the changes of an overlay that lies over this one."""
        for key, value in above.changes.items():
            self._change(key, value)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Base and changes merged, keys ascending. The overlay must not change meanwhile."""
        changed = self._changed(prefix)
        key = next(changed, None)
        for base_key, base_value in self._base.scan(prefix):
            while key is not None and key < base_key:
                yield from self._kept(key)
                key = next(changed, None)
            if key == base_key:
                yield from self._kept(base_key)
                key = next(changed, None)
            else:
                yield base_key, base_value
        while key is not None:
            yield from self._kept(key)
            key = next(changed, None)

    def _changed(self, prefix: bytes) -> Iterator[bytes]:
        if self._order is None:
            self._order = sorted(self._changes)
        order = self._order
        for place in range(bisect_left(order, prefix), len(order)):
            if not order[place].startswith(prefix):
                return
            yield order[place]

    def _kept(self, key: bytes) -> Iterator[tuple[bytes, bytes]]:
        value = self._changes[key]
        if value is not None:
            yield key, value
