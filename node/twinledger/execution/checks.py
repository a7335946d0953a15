"""May this transaction be executed at all? The checks around its operations.

Admission uses them as well, with the node's newest state and its clock, so that what it lets in is
what execution will let through.
"""

from __future__ import annotations

from twinledger.consortium.identities import IdentityRecord, find_identity
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.state import StateView
from twinledger.ledger.transaction import Author, Transaction


def check_chain(transaction: Transaction, chain_id: bytes) -> None:
    """Refuses, with WRONG_CHAIN, what is meant for another chain."""
    if transaction.chain_id != chain_id:
        raise LedgerError(Code.WRONG_CHAIN, f"it names {transaction.chain_id.hex()}")


def check_time(transaction: Transaction, time_us: int, limits: Limits) -> None:
    """Refuses what has expired, or would have to be remembered for too long.

    Raises:
        LedgerError: EXPIRED or LIFETIME_TOO_LONG.
    """
    left_us = transaction.expires_at_us - time_us
    if left_us < 0:
        raise LedgerError(Code.EXPIRED, f"{-left_us} us ago")
    if left_us > limits.max_lifetime_us:
        raise LedgerError(
            Code.LIFETIME_TOO_LONG, f"{left_us} us ahead, at most {limits.max_lifetime_us}"
        )


def check_signers(
    transaction: Transaction, state: StateView, time_us: int
) -> tuple[IdentityRecord, ...]:
    """Finds every author's record.

    Raises:
        LedgerError: UNKNOWN_SIGNER, IDENTITY_REVOKED or IDENTITY_NOT_VALID.
    """
    return tuple([_check_signer(author, state, time_us) for author in transaction.authors])


def _check_signer(author: Author, state: StateView, time_us: int) -> IdentityRecord:
    record = find_identity(state, author.identity)
    if record is None:
        raise LedgerError(Code.UNKNOWN_SIGNER, author.identity)
    if record.public_key != author.public_key or record.suite != author.suite:
        raise LedgerError(Code.UNKNOWN_SIGNER, f"{author.identity} has another key")
    if record.revoked:
        raise LedgerError(Code.IDENTITY_REVOKED, author.identity)
    if not record.valid_at(time_us):
        raise LedgerError(Code.IDENTITY_NOT_VALID, author.identity)
    return record
