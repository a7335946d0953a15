"""`tx submit --receipt`: one transaction, and the file that proves what became of it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from twinledger.cli.connection import Connection
from twinledger.cli.output import print_json
from twinledger.cli.proving import keep, tell
from twinledger.cli.tx_submitting import operations_of
from twinledger.client import Ledger, LedgerError, Operation, Proof, Receipt, proofs


def submit_with_receipt(
    lines: Iterable[str], out: Path, connection: Connection, *, as_json: bool
) -> None:
    """Submits, waits until the members have certified the block, and writes the verified proof.

    Raises:
        LedgerError: it had no effect; or nothing proves yet that it had one, which the error says.
        click.FileError: the file cannot be written; tried before anything is submitted.
    """
    operations = _only(lines)
    _try_out(out)

    async def work(ledger: Ledger) -> tuple[Receipt, Proof]:
        transaction = ledger.sign(*operations)
        receipt = await ledger.send(transaction)
        with _effect_told(receipt):
            # The same bytes again: from here on only the proof can fail.
            receipt = await ledger.send(transaction, certified=True)
            return receipt, await ledger.prove(proofs.transaction(receipt.transaction_id))

    receipt, proof = connection.run(work)
    try:
        keep(proof, out)
    except click.FileError as error:
        raise click.FileError(str(out), f"{error.message}; {_effect(receipt)}") from error
    if as_json:
        print_json(_json(receipt, proof, out))
        return
    tell(proof, out)


def _try_out(out: Path) -> None:
    """Refuses a file that cannot be written, without changing what it holds."""
    fresh = not out.exists()
    try:
        out.open("ab").close()
    except OSError as error:
        raise click.FileError(str(out), error.strerror) from error
    if fresh:
        out.unlink()


@contextmanager
def _effect_told(receipt: Receipt) -> Iterator[None]:
    """Whoever is told of a failure must not sign the transaction anew: it would count twice."""
    try:
        yield
    except LedgerError as error:
        detail = f"{error.detail}; {_effect(receipt)}" if error.detail else _effect(receipt)
        raise LedgerError(error.code, detail, error.retry_after_us) from error


def _effect(receipt: Receipt) -> str:
    known = receipt.transaction_id.hex()
    told = f"transaction {known} took effect in block {receipt.height} all the same"
    return f"{told}, only its proof is missing: twinledger tx prove {known} --out FILE"


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
