"""How errors leave: a sentence with a next step for people, one JSON object for programs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click

from twinledger.cli.parts import load_part
from twinledger.ledger.errors import Code, LedgerError

_JSON = "twinledger.cli.json"


def use_json(ctx: click.Context) -> None:
    """From now on errors of this run leave as JSON."""
    ctx.meta[_JSON] = True


def wants_json(ctx: click.Context) -> bool:
    """Whether errors of this run leave as JSON."""
    return bool(ctx.meta.get(_JSON))


def report(error: LedgerError, ctx: click.Context) -> None:
    """Writes an error to standard error."""
    if wants_json(ctx):
        click.echo(json.dumps(error_json(error)), err=True)
    else:
        click.echo(f"Error {error.code}: {error.message}\n  Next: {error.next_step}", err=True)


def error_json(error: LedgerError) -> dict[str, str]:
    """An error as a JSON object."""
    return {"code": str(error.code), "message": error.message, "next_step": error.next_step}


@contextmanager
def failures_told() -> Iterator[None]:
    """A disk that refuses is told as an error of the catalogue."""
    failure = load_part("twinledger.storage", "node").StorageFailure
    try:
        yield
    except failure as error:
        raise LedgerError(Code(error.code), error.sentence.removesuffix(".")) from error
