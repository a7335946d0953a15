"""`tx submit --receipt`: one transaction, and the file that proves what became of it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from twinledger.cli.connection import Connection
from twinledger.cli.output import print_json
from twinledger.cli.twin_proving import keep
from twinledger.cli.tx_submitting import operations_of
from twinledger.client import Ledger, Operation, Proof, Receipt, proofs


def submit_with_receipt(
    lines: Iterable[str], out: Path, connection: Connection, *, as_json: bool
) -> None:
    """Submits, waits until the members have certified the block, and writes the verified proof.

    Raises:
        LedgerError: it had no effect, or nothing proves that it had one.
    """
    operations = _only(lines)

    async def work(ledger: Ledger) -> tuple[Receipt, Proof]:
        receipt = await ledger.submit(*operations, certified=True)
        return receipt, await ledger.prove(proofs.transaction(receipt.transaction_id))

    receipt, proof = connection.run(work)
    keep(proof, out)
    if as_json:
        print_json(_json(receipt, proof, out))
        return
    for sentence in proof.proven.sentences:
        click.echo(sentence)
    click.echo(f"Proven in {out}, {len(proof.raw)} bytes. Check it with: twinledger verify {out}")


def _only(lines: Iterable[str]) -> list[Operation]:
    found = [operations_of(n, line) for n, line in enumerate(lines, 1) if line.strip()]
    if len(found) != 1:
        raise click.UsageError(f"--receipt is for one transaction, not {len(found)}")
    return found[0]


def _json(receipt: Receipt, proof: Proof, out: Path) -> dict[str, Any]:
    return {
        "transaction_id": receipt.transaction_id.hex(),
        "stage": "CERTIFIED",
        "file": str(out),
        "bytes": len(proof.raw),
        "proof": proof.proven.as_json(),
    }
