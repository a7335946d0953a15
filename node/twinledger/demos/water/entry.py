"""The command `twinledger demo water`."""

import asyncio
import json
import shutil
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

from twinledger.demos.water import run as demonstration
from twinledger.demos.water.gateways import MEMBERS
from twinledger.demos.water.report import show
from twinledger.demos.water.result import Result
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create

STEPS = 97
STEPS_MIN = 4


@click.command("water")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the four nodes' data in this new folder. Without it, it is thrown away.",
)
@click.option(
    "--steps",
    type=click.IntRange(STEPS_MIN, STEPS),
    default=STEPS,
    show_default=True,
    help="How many quarters of an hour of the day are sent.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@click.pass_context
def command(context: click.Context, folder: Path | None, steps: int, as_json: bool) -> None:
    """Four companies agree on a day of a real water network, and lose their leader midway.

    Starts four nodes on this machine, makes a twin of every element of EPANET's Net3, streams in
    a simulated day as signed readings, kills the leader half way, and counts on every node what
    was acknowledged. Exits 0 only when nothing is lost, nothing doubled, and all nodes agree.

    \b
    Example:
      twinledger demo water --dir water-demo
    """  # noqa: D301 - click's mark for text that is not wrapped
    # The command line's own switch: errors too are one JSON object then.
    context.meta["twinledger.cli.json"] = as_json
    place = folder or Path(tempfile.mkdtemp(prefix="twinledger-water-"))
    try:
        result = _run(place, steps, quiet=as_json)
    except BaseException:
        _tell_where(place, kept=True)
        raise
    if as_json:
        click.echo(json.dumps(result.to_json()))
    else:
        show(result, Console())
    _tell_where(place, kept=folder is not None or bool(result.failures()))
    for failure in result.failures():
        click.echo(f"The demonstration failed: {failure}.", err=True)
    if result.failures():
        context.exit(1)


def _run(place: Path, steps: int, *, quiet: bool) -> Result:
    devnet = Devnet(create(place, len(MEMBERS), name="water of Net3"))
    try:
        with _progress(quiet) as progress:
            return asyncio.run(demonstration.run(devnet, steps, progress))
    finally:
        devnet.down()


def _progress(quiet: bool) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        Elapsed(),
        console=Console(stderr=True),
        disable=quiet,
    )


def _tell_where(place: Path, *, kept: bool) -> None:
    """Says where the data lies, or removes it."""
    if kept:
        click.echo(f"The nodes' data is kept: twinledger devnet up --dir {place}", err=True)
    else:
        shutil.rmtree(place)
