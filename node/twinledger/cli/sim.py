"""`twinledger sim`: consensus in a simulated world."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import click

from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.options import json_option
from twinledger.cli.output import print_json_line
from twinledger.ledger.errors import Code, LedgerError
from twinledger.simulation import InvariantBroken, Result, run


@click.command(
    cls=ExampledCommand,
    example="""
twinledger sim --seed 7
twinledger sim --seed 1 --minutes 5 --json
""",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--nodes", type=click.IntRange(1, 15), default=5, show_default=True)
@click.option("--events", type=click.IntRange(min=1), default=5_000, show_default=True)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Go on with the following seeds for so long.",
)
@json_option
def sim(seed: int, nodes: int, events: int, minutes: float | None, as_json: bool) -> None:
    """Runs consensus through crashes, lost messages and broken disks, checking what must hold.

    One seed is one world, the same on every run. Prints a line for each; exits 1 at the first that
    breaks a promise, with what is needed to replay it.
    """
    for number in _seeds(seed, minutes):
        result = _run(number, nodes, events)
        if as_json:
            print_json_line(_json(result))
        else:
            click.echo(result.line())


def _seeds(first: int, minutes: float | None) -> Iterator[int]:
    ends_at = time.monotonic() + (minutes or 0) * 60
    yield first
    while time.monotonic() < ends_at:
        first += 1
        yield first


def _run(seed: int, nodes: int, events: int) -> Result:
    try:
        return run(seed, nodes, events, progress=_progress(seed, events))
    except InvariantBroken as error:
        raise LedgerError(Code.INTERNAL, f"seed {seed}: {error}") from error


def _progress(seed: int, events: int) -> Callable[[int], None] | None:
    """Return what shows, to a person at a terminal, how far a world has come."""
    if not sys.stderr.isatty():
        return None
    return lambda done: click.echo(
        f"seed {seed}: {done:,} of {events:,} events\r", err=True, nl=False
    )


def _json(result: Result) -> dict[str, Any]:
    return {**asdict(result), "faults": dict(result.faults)}
