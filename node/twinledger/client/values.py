"""Python values to the wire's typed values and back.

`int` and `float` stay apart: 13 is an int and 13.0 a double, on the ledger as in Python. A
`datetime` with a time zone is written as a timestamp; what is read is always a `Timestamp`, which
keeps the microsecond and needs no time zone. Tuples are written as lists.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from twinledger.ledger import values
from twinledger.ledger.canonical import MAX_DEPTH, Timestamp
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.v1 import value_pb2

PropertyValue: TypeAlias = "bool | int | float | str | bytes | Timestamp | _Values | _Map | None"
"""What is read."""
_Values: TypeAlias = list[PropertyValue]
_Map: TypeAlias = dict[str, PropertyValue]

Value: TypeAlias = "_Plain | Sequence[Value] | Mapping[str, Value]"
"""What may be written."""
_Plain: TypeAlias = bool | int | float | str | bytes | Timestamp | datetime | None

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_READING: Final = Limits(max_value_depth=MAX_DEPTH)
"""A reader takes whatever the consortium's own limit has let in."""


def microseconds(time: datetime | int) -> int:
    """A point in time as microseconds since 1970.

    Raises:
        LedgerError: BAD_VALUE for a datetime without a time zone, which names no point in time.
    """
    if isinstance(time, int):
        return time
    if time.tzinfo is None:
        raise LedgerError(Code.BAD_VALUE, f"{time.isoformat()} has no time zone")
    return (time - _EPOCH) // timedelta(microseconds=1)


def to_message(value: Value) -> value_pb2.Value:
    """Writes a value for the wire.

    Raises:
        LedgerError: NOT_FINITE, VALUE_TOO_DEEP, or BAD_VALUE for what no typed value can hold.
    """
    return values.to_wire(_canonical(value, MAX_DEPTH))


def from_message(message: value_pb2.Value) -> PropertyValue:
    """Reads a value from the wire.

    Raises:
        LedgerError: BAD_VALUE, NOT_FINITE or VALUE_TOO_DEEP when it is not well-formed.
    """
    return values.from_wire(message, _READING)


def _canonical(value: Any, depth_left: int) -> PropertyValue:
    match value:
        case float():
            return _finite(value)
        case None | bool() | int() | str() | bytes() | Timestamp():
            return value
        case datetime():
            return Timestamp(microseconds(value))
        case Mapping():
            _check_depth(depth_left)
            return {_key(key): _canonical(item, depth_left - 1) for key, item in value.items()}
        case list() | tuple():
            _check_depth(depth_left)
            return [_canonical(item, depth_left - 1) for item in value]
    raise LedgerError(Code.BAD_VALUE, f"{type(value).__name__} is no kind of value")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise LedgerError(Code.NOT_FINITE, repr(value))
    return value


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise LedgerError(Code.BAD_VALUE, f"a map's key is text, not {type(key).__name__}")
    return key


def _check_depth(depth_left: int) -> None:
    if depth_left <= 0:
        raise LedgerError(Code.VALUE_TOO_DEEP, f"at most {MAX_DEPTH} lists and maps nest")
