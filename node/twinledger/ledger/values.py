"""Property values: from the wire's typed Value to a canonical value and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from twinledger.ledger.canonical import CanonicalValue, Timestamp
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.v1 import value_pb2

MAX_KEY_BYTES = 128


def from_wire(value: value_pb2.Value, limits: Limits) -> CanonicalValue:
    """Reads a wire value.

    Raises:
        LedgerError: BAD_VALUE, NOT_FINITE or VALUE_TOO_DEEP.
    """
    return _read(value, limits.max_value_depth)


def _read(value: value_pb2.Value, depth_left: int) -> CanonicalValue:
    kind = value.WhichOneof("kind")
    if kind is None:
        raise LedgerError(Code.BAD_VALUE, "no kind is set")
    return _READERS[kind](value, depth_left)


def _read_null(value: value_pb2.Value, _depth_left: int) -> None:
    if not value.null_value:
        raise LedgerError(Code.BAD_VALUE, "null_value must be true")


def _read_double(value: value_pb2.Value, _depth_left: int) -> float:
    number = value.double_value
    if not math.isfinite(number):
        raise LedgerError(Code.NOT_FINITE, repr(number))
    return number


def _read_list(value: value_pb2.Value, depth_left: int) -> list[CanonicalValue]:
    _check_depth(depth_left)
    return [_read(item, depth_left - 1) for item in value.list_value.items]


def _read_map(value: value_pb2.Value, depth_left: int) -> dict[str, CanonicalValue]:
    _check_depth(depth_left)
    entries: dict[str, CanonicalValue] = {}
    previous = b""
    for entry in value.map_value.entries:
        key = entry.key.encode()
        if not 1 <= len(key) <= MAX_KEY_BYTES:
            raise LedgerError(Code.BAD_VALUE, f"a map's key has 1 to {MAX_KEY_BYTES} bytes")
        if key <= previous:
            raise LedgerError(Code.BAD_VALUE, "a map's keys are not strictly ascending")
        previous = key
        entries[entry.key] = _read(entry.value, depth_left - 1)
    return entries


def _check_depth(depth_left: int) -> None:
    if depth_left <= 0:
        raise LedgerError(Code.VALUE_TOO_DEEP)


_READERS: dict[str, Callable[[value_pb2.Value, int], CanonicalValue]] = {
    "null_value": _read_null,
    "bool_value": lambda value, _depth_left: value.bool_value,
    "int_value": lambda value, _depth_left: value.int_value,
    "double_value": _read_double,
    "string_value": lambda value, _depth_left: value.string_value,
    "bytes_value": lambda value, _depth_left: value.bytes_value,
    "timestamp_value": lambda value, _depth_left: Timestamp(value.timestamp_value),
    "list_value": _read_list,
    "map_value": _read_map,
}


def to_wire(value: CanonicalValue) -> value_pb2.Value:
    """Writes a canonical value for the wire.

    Raises:
        LedgerError: BAD_VALUE for what the wire cannot carry: a foreign type, an int beyond 64
            bits, a lone surrogate.
    """
    try:
        return _write(value)
    except (ValueError, TypeError) as error:
        raise LedgerError(Code.BAD_VALUE, str(error)) from None


def _write(value: CanonicalValue) -> value_pb2.Value:
    writer = _WRITERS.get(type(value))
    if writer is None:
        raise LedgerError(Code.BAD_VALUE, f"{type(value).__name__} is no kind of value")
    return writer(value)


def _write_list(items: list[Any]) -> value_pb2.Value:
    return value_pb2.Value(list_value=value_pb2.ListValue(items=[_write(item) for item in items]))


def _write_map(entries: dict[str, Any]) -> value_pb2.Value:
    ordered = sorted(entries.items(), key=lambda entry: str.encode(entry[0]))
    return value_pb2.Value(
        map_value=value_pb2.MapValue(
            entries=[value_pb2.MapEntry(key=key, value=_write(item)) for key, item in ordered]
        )
    )


_WRITERS: dict[type, Callable[[Any], value_pb2.Value]] = {
    type(None): lambda _value: value_pb2.Value(null_value=True),
    bool: lambda value: value_pb2.Value(bool_value=value),
    int: lambda value: value_pb2.Value(int_value=value),
    float: lambda value: value_pb2.Value(double_value=value),
    str: lambda value: value_pb2.Value(string_value=value),
    bytes: lambda value: value_pb2.Value(bytes_value=value),
    Timestamp: lambda value: value_pb2.Value(timestamp_value=value.us),
    list: _write_list,
    dict: _write_map,
}
