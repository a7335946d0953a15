"""How what is proven is told: values and times for people and for JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict

from twinledger.ledger.canonical import CanonicalValue, Timestamp
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.transaction import operation_messages


def time_text(time_us: int) -> str:
    """Microseconds since 1970 as UTC; a bare number where the calendar ends."""
    try:
        return datetime.fromtimestamp(time_us / 1e6, tz=UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{time_us} us"


def shown_value(value: CanonicalValue) -> Any:
    """A value of the state as JSON can carry it: bytes in hex, times as text."""
    match value:
        case bytes():
            return value.hex()
        case Timestamp():
            return time_text(value.us)
        case list():
            return [shown_value(item) for item in value]
        case dict():
            return {key: shown_value(item) for key, item in value.items()}
        case _:
            return value


def shown_operation(body: bytes, index: int) -> dict[str, Any] | None:
    """An operation of a transaction's body; None when it holds none of that number."""
    try:
        operations = operation_messages(body)
    except LedgerError:
        return None
    if not 0 <= index < len(operations):
        return None
    return MessageToDict(operations[index], preserving_proto_field_name=True)


def plural(count: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{count} {one if count == 1 else many}"
