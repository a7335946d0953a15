"""Receipts: what became of a transaction in its block. They are leaves of the receipts tree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

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
    TWIN_TRANSFERRED = "TWIN_TRANSFERRED"
    POLICY_CHANGED = "POLICY_CHANGED"
    IDENTITY_ADMITTED = "IDENTITY_ADMITTED"
    IDENTITY_REVOKED = "IDENTITY_REVOKED"
    KEY_ROTATED = "KEY_ROTATED"
    PROPOSED = "PROPOSED"
    VOTED = "VOTED"
    PROPOSAL_PASSED = "PROPOSAL_PASSED"
    PROPOSAL_REJECTED = "PROPOSAL_REJECTED"
    PROPOSAL_WITHDRAWN = "PROPOSAL_WITHDRAWN"
    NODE_UPDATED = "NODE_UPDATED"
    NODE_REPLACED = "NODE_REPLACED"
    WITNESS_DISQUALIFIED = "WITNESS_DISQUALIFIED"


@dataclass(frozen=True, slots=True)
class Event:
    """One effect of a transaction.

    Attributes:
        kind: What happened.
        subject: The twin, identity, proposal (its number), node or witness it happened to.
        version: The twin's version after it; 0 for anything else.
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

    @property
    def consumed(self) -> bool:
        """Whether the transaction used its id up: once its operations are tried, it has."""
        return self.committed or self.failed_operation is not None

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
        fields = decode(raw)
        if _kinds(fields) != [int, bytes, str, int, list]:
            raise LedgerError(Code.MALFORMED, "it is no receipt")
        found, transaction_id, outcome, failed, events = cast("list[Any]", fields)
        if found != FORMAT:
            raise LedgerError(Code.MALFORMED, f"receipt format {found} is unknown")
        failed_operation = None if failed == NO_OPERATION else failed
        events = tuple([_decode_event(event) for event in events])
        return cls(transaction_id, outcome, failed_operation, events)


def _decode_event(event: CanonicalValue) -> Event:
    if _kinds(event) != [str, str, int]:
        raise LedgerError(Code.MALFORMED, "it is no event of a receipt")
    kind, subject, version = cast("list[Any]", event)
    if kind not in _EVENT_KINDS:
        raise LedgerError(Code.MALFORMED, "a receipt's event is of an unknown kind")
    return Event(EventKind(kind), subject, version)


def _kinds(value: CanonicalValue) -> list[type]:
    """The exact types of a list's items: unlike patterns, they tell True from 1."""
    return [type(item) for item in value] if isinstance(value, list) else []


_EVENT_KINDS = frozenset(EventKind)
