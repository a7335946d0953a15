"""Telling what disclosed leaves of a twin's tree say, once hashes have pinned them."""

from __future__ import annotations

from typing import Any

from twinledger.ledger.canonical import CanonicalValue, decode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.proofs.claims import Disclosed
from twinledger.proofs.words import shown_value
from twinledger.twins.tree import RELATIONSHIPS, TwinLeaf


def twin_leaf(leaf: Disclosed) -> TwinLeaf:
    """The leaf as the twin's tree hashes it."""
    return TwinLeaf(leaf.key, leaf.salt, leaf.record)


def shown(leaf: Disclosed) -> dict[str, Any]:
    """One leaf for programs: what it says, who wrote it, and both clocks.

    Raises:
        LedgerError: PROOF_PROPERTY, when its record is none.
    """
    key = leaf.key.decode("ascii", "backslashreplace")
    record = _record(leaf)
    origin = record.pop("origin")
    return {"key": key, **{name: shown_value(item) for name, item in record.items()}, **origin}


def all_shown(leaves: tuple[Disclosed, ...]) -> dict[str, Any]:
    """All leaves for programs, properties and relationships apart."""
    found: dict[str, Any] = {"properties": [], "relationships": []}
    for leaf in leaves:
        kind = "relationships" if leaf.key.startswith(RELATIONSHIPS) else "properties"
        found[kind].append(shown(leaf))
    return found


def _record(leaf: Disclosed) -> dict[str, Any]:
    try:
        record: CanonicalValue = decode(leaf.record)
    except LedgerError as error:
        raise LedgerError(Code.PROOF_PROPERTY, error.detail) from None
    match record:
        case {
            "origin": {
                "authors": list(authors),
                "transaction": bytes(transaction),
                "height": int(height),
                "block_time": block_time,
                "observed_at": observed_at,
            },
            **rest,
        }:
            origin = {
                "authors": shown_value(authors),
                "transaction_id": transaction.hex(),
                "height": height,
                "block_time": shown_value(block_time),
                "observed_at": shown_value(observed_at),
            }
            return {"origin": origin, **{str(name): item for name, item in rest.items()}}
        case _:
            raise LedgerError(Code.PROOF_PROPERTY, "a leaf's record is none of the twin's")
