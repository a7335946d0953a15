"""What every command that writes a proof shares: its options, asking for it, and keeping it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_json
from twinledger.client import Ledger, Proof, Question, TrustedHead


def proof_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --trusted-head, --out, --json and how to connect."""
    for option in (
        connection_options,
        json_option,
        click.option("--out", type=FILE, required=True, help="The file to write."),
        click.option(
            "--trusted-head",
            "head",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Begin at this verified head instead of at genesis.",
        ),
    ):
        command = option(command)
    return command


def write_proof(
    question: Question, head: Path | None, out: Path, connection: Connection, *, as_json: bool
) -> None:
    """Asks for a proof, verifies it, writes it and tells what it proves.

    Raises:
        LedgerError: a node cannot prove it, or what it sent does not.
        click.FileError: the file cannot be written.
    """
    trusted = None if head is None else TrustedHead.load(head)

    async def work(ledger: Ledger) -> Proof:
        return await ledger.prove(question, trusted=trusted)

    proof = connection.run(work)
    keep(proof, out)
    if as_json:
        print_json({**proof.proven.as_json(), "file": str(out), "bytes": len(proof.raw)})
    else:
        tell(proof, out)


def tell(proof: Proof, out: Path) -> None:
    """Prints what a proof that was kept says."""
    for sentence in proof.proven.sentences:
        click.echo(sentence)
    click.echo(f"Proven in {out}, {len(proof.raw)} bytes. Check it with: twinledger verify {out}")


def keep(proof: Proof, out: Path) -> None:
    """Writes a proof, or ends with a word on why not."""
    try:
        proof.save(out)
    except OSError as error:
        raise click.FileError(str(out), error.strerror) from error
