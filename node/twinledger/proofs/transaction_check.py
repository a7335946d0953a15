"""Checking the receipt: that a block holds a transaction, and what became of it."""

from __future__ import annotations

from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.history_proof import decode_way
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.transaction import transaction_id
from twinledger.proofs import signed
from twinledger.proofs.checks import AGREED
from twinledger.proofs.claims import ShownOutcome, ShownTransaction, TransactionClaim
from twinledger.proofs.proven import Told
from twinledger.proofs.sides import check_leaf
from twinledger.proofs.standing import included, refusing
from twinledger.proofs.words import time_text

_ELSEWHERE = "that it had no effect in another block"


def check_transaction(claim: TransactionClaim, head: Checkpoint) -> Told:
    """That a block holds a transaction, and what became of it."""
    header = included(head, claim.block)
    receipt, authors = check_outcome(header, claim)
    block = f"The block of height {header.height} ({time_text(header.time_us)})"
    said = (
        f"{block} holds transaction {receipt.transaction_id.hex()}.",
        f"Its authors are {', '.join(authors)}.",
        f"Its outcome there was {receipt.outcome}.",
        *(f"{e.kind} {e.subject}, version {e.version}." for e in receipt.events),
    )
    facts = {
        "transaction_id": receipt.transaction_id.hex(),
        "outcome": receipt.outcome,
        "authors": list(authors),
        "events": [
            {"kind": str(e.kind), "subject": e.subject, "version": e.version}
            for e in receipt.events
        ],
    }
    return Told(header, said, (AGREED,) if receipt.committed else (AGREED, _ELSEWHERE), facts)


def check_outcome(
    header: BlockHeader, shown: TransactionClaim | ShownOutcome
) -> tuple[Receipt, tuple[str, ...]]:
    """A transaction and its receipt under a block's roots; the receipt and the authors.

    Raises:
        LedgerError: PROOF_TRANSACTION.
    """
    with refusing(Code.PROOF_TRANSACTION):
        for root, leaf, path in (
            (header.transactions_root, shown.transaction, shown.transaction_path),
            (header.receipts_root, shown.receipt, shown.receipt_path),
        ):
            check_leaf(root, leaf, decode_way(path), shown.sides)
        receipt = Receipt.decode(shown.receipt)
        return receipt, _authors(receipt, signed.split(shown.transaction))


def _authors(receipt: Receipt, shown: ShownTransaction) -> tuple[str, ...]:
    """Whose signatures the ledger accepted, or who a refused transaction says it is of."""
    if receipt.transaction_id != transaction_id(shown.body):
        raise LedgerError(Code.PROOF_TRANSACTION, "the receipt is another transaction's")
    return signed.check(shown) if receipt.committed else signed.authors(shown)
