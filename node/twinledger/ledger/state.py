"""What the layers above see of the agreed state: a sorted map of byte keys to canonical values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class StateView(Protocol):
    """Reads the agreed state at one height."""

    def get(self, key: bytes) -> bytes | None:
        """The value at a key, or None when there is none."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Every key that begins with the prefix, with its value, keys ascending by bytes."""
        ...


class StateDraft(StateView, Protocol):
    """Reads and changes a state that nobody else sees until it is agreed."""

    def put(self, key: bytes, value: bytes) -> None:
        """Sets the value at a key."""
        ...

    def delete(self, key: bytes) -> None:
        """Removes a key."""
        ...
