"""Receipts: what became of a transaction in its block. They are leaves of the receipts tree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from twinledger.ledger.canonical import CanonicalValue, decode, encode
from twinledger.ledger.errors import Code, LedgerError

FORMAT = 1
COMMITTED = "COMMITTED"
"""The outcome of a transaction that took effect."""
NO_OPERATION = -1
"""Stands in a receipt when no operation failed."""


class EventKind(StrEnum):
    """What an operation did."""

    TWIN_CREATED = "TWIN_CREATED"
    TWIN_UPDATED = "TWIN_UPDATED"
    RELATED = "RELATED"
    UNRELATED = "UNRELATED"
    TWIN_RETIRED = "TWIN_RETIRED"
    IDENTITY_ADMITTED = "IDENTITY_ADMITTED"
    IDENTITY_REVOKED = "IDENTITY_REVOKED"


@dataclass(frozen=True, slots=True)
class Event:
    """One effect of a transaction.

    Attributes:
        kind: What happened.
        subject: The twin or the identity it happened to.
        version: The twin's version after it; 0 for an identity.
    """

    kind: EventKind
    subject: str
    version: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a transaction.

    Attributes:
        transaction_id: Its id; empty when the bytes were not well-formed.
        outcome: COMMITTED, or the code of the error that rejected it.
        failed_operation: The operation that failed, from 0; None when none was to blame.
        events: One for each operation when COMMITTED, else none.
    """

    transaction_id: bytes
    outcome: str
    failed_operation: int | None
    events: tuple[Event, ...]

    @property
    def committed(self) -> bool:
        """Whether the transaction took effect."""
        return self.outcome == COMMITTED

    def encode(self) -> bytes:
        """The canonical receipt."""
        failed = NO_OPERATION if self.failed_operation is None else self.failed_operation
        events: CanonicalValue = [[str(e.kind), e.subject, e.version] for e in self.events]
        return encode([FORMAT, self.transaction_id, self.outcome, failed, events])

    @classmethod
    def decode(cls, raw: bytes) -> Receipt:
        """Reads a canonical receipt.

        Raises:
            LedgerError: MALFORMED.
        """
        match decode(raw):
            case [1, bytes(transaction_id), str(outcome), int(failed), list(events)]:
                receipt = cls(
                    transaction_id,
                    outcome,
                    None if failed == NO_OPERATION else failed,
                    tuple([_decode_event(event) for event in events]),
                )
            case _:
                raise LedgerError(Code.MALFORMED, "it is no receipt of format 1")
        # Patterns take True for 1; only bytes that this receipt has are its own.
        if receipt.encode() != raw:
            raise LedgerError(Code.MALFORMED, "a receipt's numbers are not ints")
        return receipt


def _decode_event(event: CanonicalValue) -> Event:
    match event:
        case [str(kind), str(subject), int(version)] if kind in _KINDS:
            return Event(EventKind(kind), subject, version)
        case _:
            raise LedgerError(Code.MALFORMED, "a receipt's event is not well-formed")


_KINDS = frozenset(EventKind)
