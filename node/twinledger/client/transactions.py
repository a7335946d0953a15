"""A transaction of this client: signed once, sent as often as it takes."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from twinledger.client.identity import Identity
from twinledger.client.operations import Operation
from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import SUITE_ED25519
from twinledger.ledger.transaction import (
    SALT_SIZE,
    Author,
    assemble,
    build_body,
    signature,
    transaction_id,
)

LIFETIME_SECONDS: Final = 300.0
"""How long a transaction stays valid unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Signed bytes. Sending them twice, to any nodes, has one effect and gives one receipt.

    Attributes:
        id: The transaction's id, 32 bytes.
        raw: The serialized SignedTransaction, never encoded again.
        expires_at_us: The last block time at which it may be executed.
    """

    id: bytes
    raw: bytes
    expires_at_us: int

    @property
    def expired(self) -> bool:
        """Whether this machine's clock has passed the expiry."""
        return time.time_ns() // 1000 > self.expires_at_us


def sign_transaction(
    chain_id: bytes,
    authors: Sequence[Identity],
    operations: Sequence[Operation],
    lifetime_seconds: float = LIFETIME_SECONDS,
) -> SignedTransaction:
    """Signs a transaction that expires `lifetime_seconds` from now by this machine's clock.

    Args:
        chain_id: The chain it is meant for, 32 bytes.
        authors: Who signs, in order; the first one's member owns what is created.
        operations: What to do, in order, all or nothing.
        lifetime_seconds: Must stay within the consortium's max_lifetime_us.

    Raises:
        LedgerError: NO_OPERATIONS, or BAD_REQUEST without an author.
    """
    if not operations:
        raise LedgerError(Code.NO_OPERATIONS)
    if not authors:
        raise LedgerError(Code.BAD_REQUEST, "nobody signs: connect with an identity, or name one")
    expires_at_us = time.time_ns() // 1000 + round(lifetime_seconds * 1e6)
    named = [_author(author) for author in authors]
    body = build_body(chain_id, named, operations, expires_at_us, os.urandom(SALT_SIZE))
    raw = assemble(body, [signature(body, author.key) for author in authors])
    return SignedTransaction(transaction_id(body), raw, expires_at_us)


def _author(identity: Identity) -> Author:
    return Author(names.IdentityName(identity.name), identity.public_key, SUITE_ED25519)
