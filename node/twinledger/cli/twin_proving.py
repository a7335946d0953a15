"""`twinledger twin prove`: a file that proves what is claimed of a twin."""

from pathlib import Path
from typing import Any

import click

from twinledger.cli.connection import Connection
from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.proving import proof_options, write_proof
from twinledger.client import Question, proofs

_SECTIONS = ("reported/", "desired/", "relationship/")


@click.command(
    cls=ExampledCommand,
    example="""
twinledger twin prove pump-7 --out pump-7.proof --devnet D
twinledger twin prove pump-7 --property flow --out flow.proof --devnet D
twinledger twin prove pump-7 --history --at 108 --out passport.proof --devnet D
twinledger twin prove pump-7 --silent-between 100 108 --out quiet.proof --devnet D
twinledger twin prove pump-9 --absent --out none.proof --devnet D
""",
)
@click.argument("twin_id", metavar="ID")
@click.option(
    "--property",
    "path",
    metavar="PATH",
    help="Only this one: a path, or desired/PATH or relationship/NAME/TARGET.",
)
@click.option("--at", type=click.IntRange(min=0), metavar="HEIGHT", help="After this block.")
@click.option("--absent", is_flag=True, help="That there is no such twin.")
@click.option("--history", is_flag=True, help="With every update that it ever had.")
@click.option(
    "--silent-between",
    "silent",
    type=click.IntRange(min=0),
    nargs=2,
    metavar="H1 H2",
    help="That it had no update between the blocks of these heights.",
)
@proof_options
def prove(
    twin_id: str,
    path: str | None,
    at: int | None,
    absent: bool,
    history: bool,
    silent: tuple[int, int] | None,
    head: Path | None,
    out: Path,
    as_json: bool,
    connection: Connection,
) -> None:
    """Writes a file that proves a claim about a twin, having verified it.

    Whole twin by default, as of the newest certified block. Whoever gets the file checks it with
    `twinledger verify`, offline and without trusting the node that made it.
    """
    question = _question(twin_id, path, at, absent, history, silent)
    write_proof(question, head, out, connection, as_json=as_json)


def _question(twin_id: str, path: str | None, at: int | None, *kinds: Any) -> Question:
    absent, history, silent = kinds
    if sum((absent, history, bool(silent), path is not None)) > 1:
        raise click.UsageError("a proof is of one claim: leave the other options out")
    if silent:
        if at is not None:
            raise click.UsageError("--silent-between names its heights itself")
        return proofs.silence(twin_id, *silent)
    if absent:
        return proofs.absent(twin_id, at=at)
    if history:
        return proofs.history(twin_id, at=at)
    if path is not None:
        key = path if path.startswith(_SECTIONS) else f"reported/{path}"
        return proofs.twin_property(twin_id, key, at=at)
    return proofs.twin(twin_id, at=at)
