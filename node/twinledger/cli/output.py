"""What commands print: JSON for programs, plain lines and tables for people."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click


def print_json(content: Any) -> None:
    """One JSON document."""
    click.echo(json.dumps(content, indent=2, allow_nan=False))


def print_json_line(content: Any) -> None:
    """One JSON document on one line, one of many."""
    click.echo(json.dumps(content, allow_nan=False))


def print_fields(fields: Iterable[tuple[str, Any]]) -> None:
    """Names and values, one a line."""
    rows = [(name, "-" if value is None else str(value)) for name, value in fields]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table with a line for each row; plain text, so that it can be cut and pasted."""
    cells = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    table = [list(columns), *cells]
    widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def time_text(time_us: int | None) -> str | None:
    """Microseconds since 1970 for a person."""
    if time_us is None:
        return None
    try:
        return datetime.fromtimestamp(time_us / 1e6, tz=UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        # A device may claim any time; the year 300,000 has no calendar form.
        return f"{time_us} us"
