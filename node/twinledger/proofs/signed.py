"""Signed transactions in bundles: who signed them, whatever they ask for.

They are not judged again. The ledger has done that: a bundle shows what became of them. So a
verifier reads operations that it does not know as well as those that it does.
"""

from __future__ import annotations

from twinledger.ledger import domains, keys
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.wire import read_message
from twinledger.proofs.claims import ShownTransaction
from twinledger.v1 import transaction_pb2


def split(raw: bytes) -> ShownTransaction:
    """Body and signatures of a serialized SignedTransaction.

    Raises:
        LedgerError: MALFORMED.
    """
    message = read_message(transaction_pb2.SignedTransaction, raw)
    return ShownTransaction(message.body, tuple(message.signatures))


def authors(shown: ShownTransaction) -> tuple[str, ...]:
    """Who must have signed.

    Raises:
        LedgerError: MALFORMED.
    """
    body = read_message(transaction_pb2.TransactionBody, shown.body)
    return tuple(author.identity for author in body.authors)


def check(shown: ShownTransaction) -> tuple[str, ...]:
    """Checks the signature of every author and returns their names.

    Raises:
        LedgerError: MALFORMED, WRONG_SIGNATURE_COUNT, BAD_SIGNATURE.
    """
    body = read_message(transaction_pb2.TransactionBody, shown.body)
    if not body.authors or len(body.authors) != len(shown.signatures):
        raise LedgerError(Code.WRONG_SIGNATURE_COUNT, "each author signs once")
    message = domains.SIGN_TRANSACTION + shown.body
    for author, signature in zip(body.authors, shown.signatures, strict=True):
        keys.verify(author.public_key, message, signature)
    return tuple(author.identity for author in body.authors)
