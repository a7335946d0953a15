"""Texts of the command line turned into values."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import click

from twinledger.client.json_values import parse_json, value_from_json
from twinledger.client.values import PropertyValue, microseconds
from twinledger.ledger.errors import Code, LedgerError


def value_of(text: str) -> PropertyValue:
    """The value that a text stands for: JSON if it is JSON, else the text itself.

    Raises:
        LedgerError: NOT_FINITE for NaN and Infinity, BAD_VALUE for a $ form that is not ours.
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value_from_json(parse_json(text))


def assignments(texts: Iterable[str]) -> dict[str, PropertyValue]:
    """`PATH=VALUE` each.

    Raises:
        click.UsageError: one has no '=', or a path stands twice.
    """
    found: dict[str, PropertyValue] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"{text!r} is not PATH=VALUE")
        if path in found:
            raise click.UsageError(f"{path} is given twice")
        found[path] = value_of(value)
    return found


def amounts(texts: Iterable[str]) -> dict[str, float]:
    """`PATH=AMOUNT` each.

    Raises:
        LedgerError: WRONG_TYPE when an amount is no number.
    """
    found: dict[str, float] = {}
    for path, value in assignments(texts).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LedgerError(Code.WRONG_TYPE, f"{path} cannot grow by {value!r}")
        found[path] = value
    return found


def time_of(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> int | None:
    """A time with its zone in ISO 8601, or microseconds since 1970; a click callback."""
    if text is None:
        return None
    try:
        return int(text) if text.lstrip("-").isdecimal() else _microseconds(text)
    except (ValueError, LedgerError) as error:
        raise click.BadParameter(f"{text!r}: {error}") from error


def _microseconds(text: str) -> int:
    return microseconds(datetime.fromisoformat(text))


def hex_bytes(text: str, size: int, what: str) -> bytes:
    """`size` bytes in hex digits.

    Raises:
        LedgerError: BAD_REQUEST.
    """
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != size:
        raise LedgerError(Code.BAD_REQUEST, f"{what} is {2 * size} hex digits, not {text!r}")
    return found


def fields_of(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Pairs as a dictionary, without those that say nothing."""
    return {name: value for name, value in pairs if value is not None}
