"""`twinledger node audit` and `node drill`: is a folder sound, and would we know?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.failures import failures_told
from twinledger.cli.options import DIRECTORY, json_option
from twinledger.cli.output import print_fields, print_json, print_table
from twinledger.cli.parts import load_part

EX_DATAERR: Final = 65
_SHOWN: Final = 20
"""Findings that are printed for a person."""

_SCRATCH = click.option(
    "--scratch",
    type=DIRECTORY,
    help="Where to work; needs as much room as the chain. [default: beside DATA_DIR]",
)


@click.command(cls=ExampledCommand, example="twinledger node audit node/data")
@click.argument("data_dir", type=DIRECTORY)
@_SCRATCH
@json_option
@click.pass_context
def audit(ctx: click.Context, data_dir: Path, scratch: Path | None, as_json: bool) -> None:
    """Executes the whole chain of a stopped node again and compares every record.

    DATA_DIR is the node's data folder or a copy of it, and is not changed. Exits 0 when all is as
    it must be, 65 when anything is not: then the first wrong height is named, and each wrong record
    with its key and bytes.
    """
    part = load_part("twinledger.node.auditing.audit", "node")
    with failures_told(), _progress() as progress:
        report = part.audit_folder(data_dir, scratch=scratch, progress=progress)
    if as_json:
        print_json(_report_json(report))
    else:
        _print_report(report)
    ctx.exit(0 if report.sound else EX_DATAERR)


@click.command(cls=ExampledCommand, example="twinledger node drill node/data")
@click.argument("data_dir", type=DIRECTORY)
@_SCRATCH
@json_option
@click.pass_context
def drill(ctx: click.Context, data_dir: Path, scratch: Path | None, as_json: bool) -> None:
    """Damages copies of a stopped node's folder in every way and shows what finds it.

    One record of each kind and one file of each kind: a byte flipped, or lost. DATA_DIR is not
    changed. It audits once for each kind that does not stop the start, so try it on a short chain.
    Exits 65 when something is not found on which anything rests.
    """
    part = load_part("twinledger.node.auditing.drill", "node")
    with failures_told(), _waiting("damaging copies"):
        exercises = list(part.drill_folder(data_dir, scratch=scratch))
    if as_json:
        print_json([_exercise_json(exercise) for exercise in exercises])
    else:
        print_table(("DAMAGED", "HOW", "FOUND BY", "CODE", "TOLD"), map(_row, exercises))
    missed = [exercise for exercise in exercises if not exercise.as_it_must_be]
    ctx.exit(EX_DATAERR if missed else 0)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("blocks"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("audit", total=None)
        yield lambda height, last: bar.update(task, completed=height, total=last)


@contextmanager
def _waiting(what: str) -> Iterator[None]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


def _print_report(report: Any) -> None:
    rate = f"{report.blocks_per_second:.0f} blocks a second"
    print_fields(
        [
            ("node", report.node_id or None),
            ("chain id", report.chain_id.hex() or None),
            ("from height", report.start),
            ("to height", report.height),
            ("transactions", report.transactions),
            ("took", f"{report.seconds:.1f} s, {rate}"),
            ("wrong", report.findings.count),
        ]
    )
    for note in report.notes:
        click.echo(f"Note: {note}")
    if report.sound:
        click.echo("Everything is what the log and the genesis file make it.")
        return
    first = report.findings.first
    if first.height is None:
        click.echo("No block is wrong, but what lies beside them is:")
    else:
        click.echo(f"The first wrong height is {first.height}: {first.record} {first.told}.")
    for finding in report.findings.found[:_SHOWN]:
        click.echo(f"  {finding.record} {finding.told} [{finding.where}]")
    if report.findings.count > _SHOWN:
        click.echo(f"  and {report.findings.count - _SHOWN} more")


def _report_json(report: Any) -> dict[str, Any]:
    first = report.findings.first
    return {
        "sound": report.sound,
        "node_id": report.node_id,
        "chain_id": report.chain_id.hex(),
        "from_height": report.start,
        "to_height": report.height,
        "transactions": report.transactions,
        "seconds": round(report.seconds, 3),
        "blocks_per_second": round(report.blocks_per_second, 1),
        "wrong": report.findings.count,
        "first_wrong_height": first.height if first else None,
        "findings": [_finding_json(finding) for finding in report.findings.found],
        "notes": list(report.notes),
    }


def _finding_json(finding: Any) -> dict[str, Any]:
    return {
        "height": finding.height,
        "store": finding.store,
        "record": finding.record,
        "told": finding.told,
        "key": None if finding.key is None else finding.key.hex(),
        "first_byte": finding.first,
        "end_byte": finding.end,
    }


def _row(exercise: Any) -> tuple[str, ...]:
    damage = exercise.damage
    found_by = exercise.found_by or ("nothing" if damage.advice else "NOTHING")
    told = exercise.told if len(exercise.told) <= 100 else exercise.told[:97] + "..."  # noqa: PLR2004
    return (damage.what, damage.change, found_by, exercise.code or "-", told)


def _exercise_json(exercise: Any) -> dict[str, Any]:
    return {
        "damaged": exercise.damage.what,
        "how": exercise.damage.change,
        "found_by": exercise.found_by or None,
        "code": exercise.code or None,
        "told": exercise.told,
        "height": exercise.height,
        "advice": exercise.damage.advice or None,
    }
