"""`twinledger tx`: submit transactions, ask what became of them, have it proven."""

from pathlib import Path
from typing import TextIO

import click

from twinledger.cli.arguments import hex_bytes
from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_fields, print_json
from twinledger.cli.proving import proof_options, write_proof
from twinledger.cli.rendering import status_json
from twinledger.cli.tx_receipt import submit_with_receipt
from twinledger.cli.tx_submitting import Report, submit_lines
from twinledger.client import Ledger, TransactionStatus, Wait, proofs
from twinledger.client.ledger import WINDOW

_ID_BYTES = 32


@click.group(cls=ExampledGroup, example="twinledger tx submit operations.jsonl --devnet D")
def tx() -> None:
    """Submits transactions, asks what became of them and has it proven."""


@tx.command(
    example="""
twinledger tx submit operations.jsonl --devnet D
twinledger tx submit one.jsonl --receipt one.proof --devnet D
echo '{"operation": "update", "twin": "pump-7", "set": {"flow": 13.0}}' |
    twinledger tx submit - --json --devnet D

One transaction a line: an operation, or a list of those that succeed or fail together.
  {"operation": "create", "twin": "pump-7", "model": "dtmi:x:Pump;1", "set": {"flow": 12.5}}
  {"operation": "update", "twin": "pump-7", "set": {"flow": 13.0}, "expected_version": 1}
  [{"operation": "create", "twin": "tank-1"},
   {"operation": "relate", "source": "pump-7", "name": "feeds", "target": "tank-1"}]
(the list on one line). docs/cli.md has every kind.
"""
)
@click.argument("file", type=click.File(encoding="utf-8"), metavar="FILE|-")
@click.option(
    "--wait",
    type=click.Choice([each.value for each in Wait]),
    default=Wait.COMMITTED.value,
    show_default=True,
    help="Until a node has taken charge, a block holds it, or the members have certified that.",
)
@click.option(
    "--receipt",
    type=FILE,
    help="Of one transaction: wait until it is certified, and write what proves it.",
)
@click.option("--in-order", is_flag=True, help="Send each line only when the one before is done.")
@json_option
@connection_options
@click.pass_context
def submit(
    ctx: click.Context,
    file: TextIO,
    wait: str,
    receipt: Path | None,
    in_order: bool,
    as_json: bool,
    connection: Connection,
) -> None:
    """Submits the transactions of a file (- is standard input), JSON lines of operations.

    Lines are independent of one another and many are in flight at once; --in-order when a line
    needs what an earlier one did. With --json one object a line as outcomes come, `line` telling
    which. Exits 1 when any had no effect, or when its outcome is not known.
    """
    if receipt is not None:
        submit_with_receipt(file, receipt, connection, as_json=as_json)
        return
    report = Report(as_json=as_json, title=f"tx submit {file.name}")

    async def work(ledger: Ledger) -> None:
        window = 1 if in_order else WINDOW
        await submit_lines(ledger, file, report, wait=Wait(wait), window=window)

    with report:
        connection.run(work)
    if report.failed:
        ctx.exit(1)


@tx.command(example="twinledger tx status 64HEX --devnet D")
@click.argument("transaction_id", metavar="ID")
@json_option
@connection_options
def status(transaction_id: str, as_json: bool, connection: Connection) -> None:
    """Tells where a transaction stands.

    UNKNOWN, PENDING, COMMITTED, CERTIFIED, REJECTED or EXPIRED.
    """
    wanted = hex_bytes(transaction_id, _ID_BYTES, "a transaction id")

    async def work(ledger: Ledger) -> TransactionStatus:
        return await ledger.transaction(wanted)

    found = connection.run(work)
    if as_json:
        print_json(status_json(found))
        return
    receipt = found.receipt
    print_fields(
        [
            ("transaction", transaction_id),
            ("stage", found.stage),
            ("outcome", receipt.outcome if receipt else None),
            ("place", receipt.cursor if receipt else None),
        ]
    )
    for event in receipt.events if receipt else ():
        click.echo(f"  {event.kind} {event.subject}, version {event.version}")


@tx.command(example="twinledger tx prove 64HEX --out one.proof --devnet D")
@click.argument("transaction_id", metavar="ID")
@proof_options
def prove(
    transaction_id: str, head: Path | None, out: Path, as_json: bool, connection: Connection
) -> None:
    """Writes the receipt of a certified transaction: a file that proves what became of it.

    Whoever gets it checks it with `twinledger verify`, offline and without trusting the node that
    made it.
    """
    question = proofs.transaction(hex_bytes(transaction_id, _ID_BYTES, "a transaction id"))
    write_proof(question, head, out, connection, as_json=as_json)
