"""Typed values as JSON and back, losing nothing.

| value | JSON |
|---|---|
| null, bool, string, list | themselves |
| int | a number without point and exponent: 13 |
| double | a number with one: 13.0, 1e3 |
| bytes | {"$bytes": "base64"} |
| timestamp | {"$time_us": microseconds since 1970} |
| map | an object |
| map with a key that begins with $ | {"$map": {...}} |
"""

import base64
import binascii
import json
from typing import Any, Final

from twinledger.client.values import PropertyValue
from twinledger.ledger.canonical import Timestamp
from twinledger.ledger.errors import Code, LedgerError

_BYTES: Final = "$bytes"
_TIME: Final = "$time_us"
_MAP: Final = "$map"


def parse_json(text: str) -> Any:
    """Reads JSON strictly: no NaN, no infinity, no key twice.

    Raises:
        LedgerError: NOT_FINITE, or BAD_REQUEST saying where it is not JSON.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except ValueError as error:
        raise LedgerError(Code.BAD_REQUEST, f"not JSON: {error}") from error
    except RecursionError:
        raise LedgerError(Code.VALUE_TOO_DEEP, "the JSON nests too deeply") from None


def _refuse_constant(name: str) -> Any:
    raise LedgerError(Code.NOT_FINITE, name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a key twice")
    return found


def value_from_json(content: Any) -> PropertyValue:
    """The value that parsed JSON stands for.

    Raises:
        LedgerError: BAD_VALUE for a $ form that is not one of ours.
    """
    if isinstance(content, list):
        return [value_from_json(item) for item in content]
    if not isinstance(content, dict):
        plain: PropertyValue = content
        return plain
    if not any(key.startswith("$") for key in content):
        return {key: value_from_json(item) for key, item in content.items()}
    return _special_from_json(content)


def _special_from_json(content: dict[str, Any]) -> PropertyValue:
    match content:
        case {"$bytes": str(text), **rest} if not rest:
            return _base64(text)
        case {"$time_us": int(us), **rest} if not rest and not isinstance(us, bool):
            return Timestamp(us)
        case {"$map": dict(entries), **rest} if not rest:
            return {key: value_from_json(item) for key, item in entries.items()}
    raise LedgerError(
        Code.BAD_VALUE,
        f"keys that begin with $ are {_BYTES}, {_TIME} and {_MAP}, alone in their object",
    )


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise LedgerError(Code.BAD_VALUE, f"{_BYTES} is not base64: {error}") from error


def value_to_json(value: PropertyValue) -> Any:
    """What `json.dumps` writes for a value."""
    match value:
        case bytes():
            return {_BYTES: base64.b64encode(value).decode()}
        case Timestamp():
            return {_TIME: value.us}
        case list():
            return [value_to_json(item) for item in value]
        case dict():
            entries = {key: value_to_json(item) for key, item in value.items()}
            return {_MAP: entries} if any(key.startswith("$") for key in value) else entries
        case _:
            return value
