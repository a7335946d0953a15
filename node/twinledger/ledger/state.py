"""What the layers above see of the agreed state: a sorted map of byte keys to canonical values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from twinledger.ledger.canonical import CanonicalValue, MapForm, decode
from twinledger.ledger.errors import Code, LedgerError

V = TypeVar("V")


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


def decode_leaf(raw: bytes) -> CanonicalValue:
    """Decodes what execution once wrote.

    Raises:
        LedgerError: DATA_DAMAGED: unlike foreign bytes, these can only be wrong by damage.
    """
    return _undamaged(decode, raw)


def split_leaf(form: MapForm, raw: bytes) -> list[Any]:
    """The values of a map that execution once wrote in this form, or DATA_DAMAGED."""
    return _undamaged(form.split, raw)


def take_out_of_leaf(form: MapForm, raw: bytes, place: int) -> tuple[Any, bytes]:
    """One value of such a map, and the map without it, or DATA_DAMAGED."""
    return _undamaged(form.take_out, raw, place)


def _undamaged(read: Callable[..., V], *arguments: Any) -> V:
    try:
        return read(*arguments)
    except LedgerError as error:
        raise LedgerError(Code.DATA_DAMAGED, f"in the state, {error.detail}") from None
