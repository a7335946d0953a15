"""How errors leave: a sentence with a next step for people, one JSON object for programs."""

import json

import click

from twinledger.ledger.errors import LedgerError

_JSON = "twinledger.cli.json"


def use_json(ctx: click.Context) -> None:
    """From now on errors of this run leave as JSON."""
    ctx.meta[_JSON] = True


def report(error: LedgerError, ctx: click.Context) -> None:
    """Writes an error to standard error."""
    if ctx.meta.get(_JSON):
        click.echo(json.dumps(error_json(error)), err=True)
    else:
        click.echo(f"Error {error.code}: {error.message}\n  Next: {error.next_step}", err=True)


def error_json(error: LedgerError) -> dict[str, str]:
    """An error as a JSON object."""
    return {"code": str(error.code), "message": error.message, "next_step": error.next_step}
