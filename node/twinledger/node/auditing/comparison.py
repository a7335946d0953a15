"""Two chains held against each other, record by record, in the order of their keys."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.auditing.findings import Finding
from twinledger.node.auditing.tolerance import Tolerance
from twinledger.storage.database import View
from twinledger.storage.record_names import name_record

_BEYOND_EVERY_KEY: Final = b"\xff"
_STATE: Final = b"s"


def differences(
    expected: View, found: View, written: View, tolerance: Tolerance
) -> Iterator[Finding]:
    """Yield every record that is missing, surplus, different or unreadable.

    Args:
        expected: The chain as it must be.
        found: The chain as it is.
        written: Which block last wrote each key of the state.
        tolerance: What may differ.

    Raises:
        StorageFailure: the disk gives nothing.
    """
    stored, named = _Cursor(found), partial(_named, written, tolerance.start)
    for key, value in expected.scan(b"", _BEYOND_EVERY_KEY):
        yield from stored.unreadable()
        yield from _surplus(stored.below(key), tolerance)
        record = stored.at(key)
        if isinstance(record, LedgerError):
            yield named(key, value, f"cannot be read: {record.detail}")
        elif record == value or tolerance.allows(key, value, record):
            continue
        elif record is None:
            yield named(key, value, "is missing")
        else:
            first, end = _range(value, record)
            yield named(key, value, "is another", first, end)
    yield from _surplus(stored.below(_BEYOND_EVERY_KEY), tolerance)
    yield from stored.unreadable()


def _surplus(pairs: Iterable[tuple[bytes, bytes]], tolerance: Tolerance) -> Iterator[Finding]:
    for key, record in pairs:
        if not tolerance.allows(key, None, record):
            yield _finding(key, record, "is surplus: nothing in the log leads to it")


class _Cursor:
    """Goes through a store; where a part of it cannot be read, asks for each key by itself."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._pairs = view.scan(b"", _BEYOND_EVERY_KEY)
        self._next: tuple[bytes, bytes] | None = None
        self._last = b""
        self._error: LedgerError | None = None
        self._told: list[Finding] = []
        self._advance()

    def below(self, key: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs before a key."""
        while self._next is not None and self._next[0] < key:
            yield self._next
            self._advance()

    def at(self, key: bytes) -> bytes | LedgerError | None:
        """Return the value at a key that is not before those asked for earlier."""
        if self._error is not None:
            return self._resumed(key)
        if self._next is None or self._next[0] != key:
            return None
        value = self._next[1]
        self._advance()
        return value

    def unreadable(self) -> Iterator[Finding]:
        """Yield the ranges that could not be read since this was asked last."""
        told, self._told = self._told, []
        yield from told

    def _advance(self) -> None:
        try:
            self._next = next(self._pairs, None)
        except LedgerError as error:
            if error.code is not Code.DATA_DAMAGED:
                raise
            self._next, self._error = None, error
            self._told.append(_behind(self._last, error))
        if self._next is not None:
            self._last = self._next[0]

    def _resumed(self, key: bytes) -> bytes | LedgerError | None:
        """Ask for one key; when that can be read, go on behind it."""
        try:
            value = self._view.get(key)
        except LedgerError as error:
            if error.code is not Code.DATA_DAMAGED:
                raise
            return error
        self._pairs = self._view.scan(key + b"\0", _BEYOND_EVERY_KEY)
        self._last, self._error = key, None
        self._advance()
        return value


def _behind(key: bytes, error: LedgerError) -> Finding:
    return Finding(None, "chain", "what follows", f"cannot be read: {error.detail}", key)


def _named(
    written: View,
    start: int,
    key: bytes,
    value: bytes,
    told: str,
    first: int | None = None,
    end: int | None = None,
) -> Finding:
    if key[:1] != _STATE:
        return _finding(key, value, told, first, end)
    height = written.get(key[1:])
    at = start if height is None else int.from_bytes(height, "big")
    return Finding(at, "chain", name_record(key, value).words, told, key, first, end)


def _finding(
    key: bytes, value: bytes, told: str, first: int | None = None, end: int | None = None
) -> Finding:
    named = name_record(key, value)
    return Finding(named.height, "chain", named.words, told, key, first, end)


def _range(expected: bytes, found: bytes) -> tuple[int, int]:
    """The bytes of a record that are wrong: from the first, to behind the last."""
    shorter = min(len(expected), len(found))
    first = next((i for i in range(shorter) if expected[i] != found[i]), shorter)
    if len(expected) != len(found):
        return first, max(len(expected), len(found))
    last = next(i for i in reversed(range(shorter)) if expected[i] != found[i])
    return first, last + 1
