"""Everything about a transaction that can be judged without the state and without a clock.

It is most of the work (the signature alone is more than half), it is pure, and it may be done in
threads before the block is executed, or at admission long before there is a block.
"""

from __future__ import annotations

from dataclasses import dataclass

from twinledger.execution.checks import check_chain
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.transaction import Transaction, check_signatures, parse


@dataclass(frozen=True, slots=True)
class Prepared:
    """A transaction with the verdict on its form, its chain and its signatures.

    Attributes:
        raw: The serialized SignedTransaction, as it travelled.
        transaction: What was read; None when it is not well-formed.
        error: What is wrong with it; None when nothing is, so far.
        limits: What it was judged by.
    """

    raw: bytes
    transaction: Transaction | None
    error: LedgerError | None
    limits: Limits


def prepare(raw: bytes, limits: Limits, chain_id: bytes) -> Prepared:
    """Reads a transaction and checks its chain and its signatures. Never raises LedgerError."""
    try:
        transaction = parse(raw, limits)
    except LedgerError as error:
        return Prepared(raw, None, error.with_traceback(None), limits)
    try:
        check_chain(transaction, chain_id)  # first: it spares the signatures of other chains
        check_signatures(transaction)
    except LedgerError as error:
        return Prepared(raw, transaction, error.with_traceback(None), limits)
    return Prepared(raw, transaction, None, limits)
