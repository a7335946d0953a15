"""What the layers above see of the agreed state: a sorted map of byte keys to canonical values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from twinledger.ledger.canonical import CanonicalValue, decode
from twinledger.ledger.errors import Code, LedgerError


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
    try:
        return decode(raw)
    except LedgerError as error:
        raise LedgerError(Code.DATA_DAMAGED, f"in the state, {error.detail}") from None
