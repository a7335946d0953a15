"""Bounds the open calls of a port: what is too many is told so, and when to come back."""

from typing import Final

from twinledger.ledger.errors import Code, LedgerError

MAX_OPEN_CALLS: Final = 4096
"""Streams included, over all clients of a port."""
_RETRY_AFTER_US: Final = 500_000


class Gate:
    """Counts open calls. Enter it for as long as a call is open."""

    def __init__(self, most: int = MAX_OPEN_CALLS) -> None:
        """`most` calls may be open at once."""
        self._most = most
        self._open = 0

    def __enter__(self) -> None:
        if self._open >= self._most:
            detail = f"{self._open} calls are open"
            raise LedgerError(Code.OVERLOADED, detail, retry_after_us=_RETRY_AFTER_US)
        self._open += 1

    def __exit__(self, *_: object) -> None:
        self._open -= 1
