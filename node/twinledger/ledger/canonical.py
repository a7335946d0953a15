"""The one encoding of everything in agreed state and in receipts.

The encoding is the project's own because a library's release must not fork the state. Its table
stands in ``docs/formats``, "Canonical values". One value has one encoding, and a decoder accepts
nothing else.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

from twinledger.ledger.errors import Code, LedgerError, invariant

V = TypeVar("V")

MAX_DEPTH = 16
"""Lists and maps inside one another."""
INT_MIN = -(2**63)
INT_MAX = 2**63 - 1

_TAGGED_INT = struct.Struct(">Bq")
_TAGGED_DOUBLE = struct.Struct(">Bd")
_TAGGED_SIZE = struct.Struct(">BI")
_INT = struct.Struct(">q")
_DOUBLE = struct.Struct(">d")
_SIZE = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A point in time, microseconds since 1970. A type of its own: it never passes as an int."""

    us: int


CanonicalValue: TypeAlias = (
    "bool | int | float | str | bytes | Timestamp"
    " | list[CanonicalValue] | dict[str, CanonicalValue] | None"
)


def encode(value: CanonicalValue) -> bytes:
    """Encodes a value.

    Raises:
        LedgerError: NOT_FINITE, VALUE_TOO_DEEP, or BAD_VALUE for what has no encoding.
    """
    return b"".join(_encode_all((value,), 0))


def _encode_all(values: Iterable[Any], depth: int) -> list[bytes]:
    find = _SCALARS.get
    try:
        return [
            scalar(value) if (scalar := find(type(value))) else _encode_container(value, depth)
            for value in values
        ]
    except struct.error:
        raise LedgerError(Code.BAD_VALUE, "an int needs more than 64 bits") from None
    except UnicodeEncodeError:
        raise LedgerError(Code.BAD_VALUE, "text holds a lone surrogate") from None


def _encode_container(value: Any, depth: int) -> bytes:
    container = _CONTAINERS.get(type(value))
    if container is None:
        raise LedgerError(Code.BAD_VALUE, f"{type(value).__name__} has no canonical encoding")
    if depth >= MAX_DEPTH:
        raise LedgerError(Code.VALUE_TOO_DEEP, f"at most {MAX_DEPTH} lists and maps nest")
    return container(value, depth)


def _encode_list(value: list[Any], depth: int) -> bytes:
    return _TAGGED_SIZE.pack(8, len(value)) + b"".join(_encode_all(value, depth + 1))


def _encode_map(value: dict[str, Any], depth: int) -> bytes:
    texts = [_key(key) for key in value]
    entries = zip(texts, _encode_all(value.values(), depth + 1), strict=True)
    parts = [_TAGGED_SIZE.pack(9, len(value))]
    for text, item in sorted(entries):  # keys differ, so items are never compared
        parts += (_SIZE.pack(len(text)), text, item)
    return b"".join(parts)


def _key(key: Any) -> bytes:
    if type(key) is not str:
        raise LedgerError(Code.BAD_VALUE, "a map's key is not text")
    try:
        return key.encode()
    except UnicodeEncodeError:
        raise LedgerError(Code.BAD_VALUE, "a map's key holds a lone surrogate") from None


def _encode_double(value: float) -> bytes:
    if not math.isfinite(value):
        raise LedgerError(Code.NOT_FINITE, repr(value))
    return _TAGGED_DOUBLE.pack(4, value)


def _encode_string(value: str) -> bytes:
    text = value.encode()
    return _TAGGED_SIZE.pack(5, len(text)) + text


def _encode_bytes(value: bytes) -> bytes:
    return _TAGGED_SIZE.pack(6, len(value)) + value


def _encode_timestamp(value: Timestamp) -> bytes:
    return _TAGGED_INT.pack(7, value.us)


# Looked up by exact type: a bool is no int here. Where C code can do it, no Python frame is made:
# this is the hottest code of execution.
_SCALARS: dict[type, Callable[[Any], bytes]] = {
    type(None): {None: b"\x00"}.__getitem__,
    bool: {False: b"\x01", True: b"\x02"}.__getitem__,
    int: partial(_TAGGED_INT.pack, 3),
    float: _encode_double,
    str: _encode_string,
    bytes: _encode_bytes,
    Timestamp: _encode_timestamp,
}

_CONTAINERS: dict[type, Callable[[Any, int], bytes]] = {list: _encode_list, dict: _encode_map}


def decode(raw: bytes) -> CanonicalValue:
    """Decodes a value, and only what ``encode`` could have written.

    Raises:
        LedgerError: MALFORMED.
    """
    value: CanonicalValue = _whole(raw, _read)
    return value


def decode_first(raw: bytes) -> tuple[CanonicalValue, int]:
    """Decodes the value that the bytes begin with, and tells where it ends.

    Raises:
        LedgerError: MALFORMED.
    """
    return _guarded(raw, _read)


def _whole(raw: bytes, read: Callable[[bytes], tuple[V, int]]) -> V:
    """What a reader finds in the bytes, when it finds no fault and leaves none over."""
    value, end = _guarded(raw, read)
    if end != len(raw):
        raise LedgerError(Code.MALFORMED, "bytes follow a canonical value")
    return value


def _guarded(raw: bytes, read: Callable[[bytes], tuple[V, int]]) -> tuple[V, int]:
    try:
        return read(raw)
    except (struct.error, IndexError):
        raise LedgerError(Code.MALFORMED, "a canonical value ends too early") from None
    except UnicodeDecodeError:
        raise LedgerError(Code.MALFORMED, "a canonical text is not UTF-8") from None


def _read(raw: bytes, at: int = 0, depth: int = 0) -> tuple[Any, int]:
    tag = raw[at]
    if tag >= len(_READERS):
        raise LedgerError(Code.MALFORMED, f"canonical kind {tag} is unknown")
    return _READERS[tag](raw, at + 1, depth)


def _read_int(raw: bytes, at: int, _depth: int) -> tuple[int, int]:
    return _INT.unpack_from(raw, at)[0], at + 8


def _read_double(raw: bytes, at: int, _depth: int) -> tuple[float, int]:
    value = _DOUBLE.unpack_from(raw, at)[0]
    if not math.isfinite(value):
        raise LedgerError(Code.MALFORMED, "a canonical double is not finite")
    return value, at + 8


def _read_timestamp(raw: bytes, at: int, _depth: int) -> tuple[Timestamp, int]:
    return Timestamp(_INT.unpack_from(raw, at)[0]), at + 8


def _read_sized(raw: bytes, at: int) -> tuple[bytes, int]:
    size = _SIZE.unpack_from(raw, at)[0]
    start = at + 4
    end = start + size
    if end > len(raw):
        raise LedgerError(Code.MALFORMED, "a canonical length points past the end")
    return raw[start:end], end


def _read_string(raw: bytes, at: int, _depth: int) -> tuple[str, int]:
    text, end = _read_sized(raw, at)
    return text.decode(), end


def _read_bytes(raw: bytes, at: int, _depth: int) -> tuple[bytes, int]:
    return _read_sized(raw, at)


def _read_list(raw: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    count, at = _read_count(raw, at, depth)
    items = []
    for _ in range(count):
        item, at = _read(raw, at, depth + 1)
        items.append(item)
    return items, at


def _read_map(raw: bytes, at: int, depth: int) -> tuple[dict[str, Any], int]:
    count, at = _read_count(raw, at, depth)
    entries: dict[str, Any] = {}
    previous = None
    for _ in range(count):
        key, at = _read_sized(raw, at)
        if previous is not None and key <= previous:
            raise LedgerError(Code.MALFORMED, "a canonical map's keys are not ascending")
        previous = key
        entries[key.decode()], at = _read(raw, at, depth + 1)
    return entries, at


def _read_count(raw: bytes, at: int, depth: int) -> tuple[int, int]:
    if depth >= MAX_DEPTH:
        raise LedgerError(Code.MALFORMED, f"more than {MAX_DEPTH} lists and maps nest")
    return _SIZE.unpack_from(raw, at)[0], at + 4


# By the first byte of the encoding.
_READERS: tuple[Callable[[bytes, int, int], tuple[Any, int]], ...] = (
    lambda _raw, at, _depth: (None, at),
    lambda _raw, at, _depth: (False, at),
    lambda _raw, at, _depth: (True, at),
    _read_int,
    _read_double,
    _read_string,
    _read_bytes,
    _read_timestamp,
    _read_list,
    _read_map,
)


class MapForm:
    """A canonical map with fixed keys and kinds of values, as the leaves of the state are.

    It gives the same bytes as ``encode`` and takes only those, without sorting the keys, without a
    dict for each leaf, and without the price of ``match`` (twice that of the decoding).
    """

    __slots__ = ("_fields", "_template")

    def __init__(self, **kinds: type) -> None:
        """Takes each key's type, keys strictly ascending by bytes; ``object`` lets any value in."""
        texts = [key.encode() for key in kinds]
        invariant(texts == sorted(texts), "a form's keys are not ascending")
        prefixes = [_SIZE.pack(len(text)) + text for text in texts]
        prefixes[0] = _TAGGED_SIZE.pack(9, len(kinds)) + prefixes[0]
        self._fields = tuple(zip(prefixes, kinds.values(), strict=True))
        # A key, and room for its value, in turn.
        self._template = [part for prefix in prefixes for part in (prefix, b"")]

    def encode(self, *values: CanonicalValue) -> bytes:
        """The map of these values, in the order of the keys; raises as ``encode`` does."""
        return self.join(*_encode_all(values, 1))

    def join(self, *values: bytes) -> bytes:
        """The map of these values, each encoded, in the order of the keys."""
        parts = self._template.copy()
        parts[1::2] = values
        return b"".join(parts)

    def split(self, raw: bytes) -> list[Any]:
        """The values of such a map, in the order of the keys, each of its key's type.

        Raises:
            LedgerError: MALFORMED.
        """
        return _whole(raw, self._read)

    def take_out(self, raw: bytes, place: int) -> tuple[Any, bytes]:
        """The value at a place of the form but the first, and the map that is left without it.

        What comes behind that place is not read.

        Raises:
            LedgerError: MALFORMED.
        """
        value, start, end = None, 0, 0
        try:
            for prefix, kind in self._fields[: place + 1]:
                start = end
                value, end = _read_field(raw, start, prefix, kind)
        except (struct.error, IndexError, UnicodeDecodeError):
            raise LedgerError(Code.MALFORMED, "a canonical map ends too early") from None
        header = _TAGGED_SIZE.pack(9, len(self._fields) - 1)
        return value, header + raw[len(header) : start] + raw[end:]

    def _read(self, raw: bytes) -> tuple[list[Any], int]:
        values = []
        at = 0
        for prefix, kind in self._fields:
            value, at = _read_field(raw, at, prefix, kind)
            values.append(value)
        return values, at


def _read_field(raw: bytes, at: int, prefix: bytes, kind: type) -> tuple[Any, int]:
    if not raw.startswith(prefix, at):
        raise LedgerError(Code.MALFORMED, "a canonical map has other keys")
    value, at = _read(raw, at + len(prefix), 1)
    if type(value) is not kind and kind is not object:
        raise LedgerError(Code.MALFORMED, "a canonical map holds another kind of value")
    return value, at
