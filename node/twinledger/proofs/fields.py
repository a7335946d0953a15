"""Records as canonical maps: a dataclass's fields are the map's keys, no more and no fewer."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from twinledger.ledger.canonical import CanonicalValue, Timestamp
from twinledger.ledger.errors import Code, LedgerError

R = TypeVar("R")


def to_value(record: Any) -> CanonicalValue:
    """The canonical value of a record, of a tuple of them, or of a plain value."""
    if _is_record(type(record)):
        return {field.name: to_value(getattr(record, field.name)) for field in fields(record)}
    if isinstance(record, tuple):
        return [to_value(item) for item in record]
    return cast("CanonicalValue", record)


def read_record(kind: type[R], value: CanonicalValue) -> R:
    """Reads a record from a decoded canonical value.

    Raises:
        LedgerError: PROOF_MALFORMED.
    """
    return cast("R", _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    if _is_record(kind):
        return _read_fields(kind, value)
    if get_origin(kind) is tuple:
        (item_kind, _) = get_args(kind)
        return tuple([_read(item_kind, item) for item in _exactly(list, value)])
    if isinstance(kind, UnionType):
        (wanted, _) = get_args(kind)
        return None if value is None else _read(wanted, value)
    return _exactly(kind, value)


def _is_record(kind: Any) -> bool:
    return is_dataclass(kind) and kind is not Timestamp


def _read_fields(kind: Any, value: Any) -> Any:
    hints = _hints(kind)
    found = _exactly(dict, value)
    if found.keys() != hints.keys():
        raise LedgerError(Code.PROOF_MALFORMED, f"a {kind.__name__} has other fields")
    return kind(**{name: _read(hint, found[name]) for name, hint in hints.items()})


def _exactly(kind: type[R], value: Any) -> R:
    """The value, when it is of this very type: True is no number."""
    if type(value) is not kind:
        raise LedgerError(Code.PROOF_MALFORMED, f"a value is no {kind.__name__}")
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
