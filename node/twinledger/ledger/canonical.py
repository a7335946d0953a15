"""The one encoding of everything in agreed state and in receipts.

The encoding is the project's own because a library's release must not fork the state. Its table
stands in ``docs/formats``, "Canonical values". One value has one encoding, and a decoder accepts
nothing else.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from twinledger.ledger.errors import Code, LedgerError

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
    parts: list[bytes] = []
    _write(value, parts, 0)
    return b"".join(parts)


def _write(value: Any, parts: list[bytes], depth: int) -> None:
    writer = _WRITERS.get(type(value))
    if writer is None:
        raise LedgerError(Code.BAD_VALUE, f"{type(value).__name__} has no canonical encoding")
    writer(value, parts, depth)


def _write_null(_value: None, parts: list[bytes], _depth: int) -> None:
    parts.append(b"\x00")


def _write_bool(value: bool, parts: list[bytes], _depth: int) -> None:
    parts.append(b"\x02" if value else b"\x01")


def _write_int(value: int, parts: list[bytes], _depth: int) -> None:
    parts.append(_pack_int(3, value))


def _write_timestamp(value: Timestamp, parts: list[bytes], _depth: int) -> None:
    parts.append(_pack_int(7, value.us))


def _pack_int(tag: int, value: int) -> bytes:
    try:
        return _TAGGED_INT.pack(tag, value)
    except struct.error:
        raise LedgerError(Code.BAD_VALUE, "an int needs more than 64 bits") from None


def _write_double(value: float, parts: list[bytes], _depth: int) -> None:
    if not math.isfinite(value):
        raise LedgerError(Code.NOT_FINITE, repr(value))
    parts.append(_TAGGED_DOUBLE.pack(4, value))


def _write_string(value: str, parts: list[bytes], _depth: int) -> None:
    text = _utf8(value)
    parts.append(_TAGGED_SIZE.pack(5, len(text)))
    parts.append(text)


def _write_bytes(value: bytes, parts: list[bytes], _depth: int) -> None:
    parts.append(_TAGGED_SIZE.pack(6, len(value)))
    parts.append(value)


def _write_list(value: list[Any], parts: list[bytes], depth: int) -> None:
    _check_depth(depth)
    parts.append(_TAGGED_SIZE.pack(8, len(value)))
    for item in value:
        _write(item, parts, depth + 1)


def _write_map(value: dict[str, Any], parts: list[bytes], depth: int) -> None:
    _check_depth(depth)
    parts.append(_TAGGED_SIZE.pack(9, len(value)))
    for key, item in sorted((_utf8(key), item) for key, item in value.items()):
        parts.append(_SIZE.pack(len(key)))
        parts.append(key)
        _write(item, parts, depth + 1)


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise LedgerError(Code.VALUE_TOO_DEEP, f"at most {MAX_DEPTH} lists and maps nest")


def _utf8(text: Any) -> bytes:
    if type(text) is not str:
        raise LedgerError(Code.BAD_VALUE, "a map's key is not text")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise LedgerError(Code.BAD_VALUE, "text holds a lone surrogate") from None


_WRITERS: dict[type, Callable[[Any, list[bytes], int], None]] = {
    type(None): _write_null,
    bool: _write_bool,
    int: _write_int,
    float: _write_double,
    str: _write_string,
    bytes: _write_bytes,
    Timestamp: _write_timestamp,
    list: _write_list,
    dict: _write_map,
}


def decode(raw: bytes) -> CanonicalValue:
    """Decodes a value, and only what ``encode`` could have written.

    Raises:
        LedgerError: MALFORMED.
    """
    try:
        value, end = _read(raw, 0, 0)
    except (struct.error, IndexError):
        raise LedgerError(Code.MALFORMED, "a canonical value ends too early") from None
    except UnicodeDecodeError:
        raise LedgerError(Code.MALFORMED, "a canonical text is not UTF-8") from None
    if end != len(raw):
        raise LedgerError(Code.MALFORMED, "bytes follow a canonical value")
    return cast("CanonicalValue", value)


def _read(raw: bytes, at: int, depth: int) -> tuple[Any, int]:
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
