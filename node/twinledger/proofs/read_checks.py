"""Checking the claims that a client reads by: blocks, values of the state, parts of twins.

What they show is proven, each item for itself. That nothing else is there is proven only where the
claim's sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from twinledger.ledger import names
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.state_proof import StateProof, verify_absence, verify_presence
from twinledger.proofs import leaves
from twinledger.proofs.checks import AGREED, twin_facts
from twinledger.proofs.claims import (
    BlockClaim,
    PartsClaim,
    ShownOutcomes,
    ShownPart,
    ShownValue,
    StateClaim,
    TransactionsClaim,
)
from twinledger.proofs.proven import Told
from twinledger.proofs.sides import place_of
from twinledger.proofs.standing import included, refusing
from twinledger.proofs.transaction_check import check_outcome
from twinledger.proofs.words import plural, time_text
from twinledger.twins.records import Twin
from twinledger.twins.state_keys import is_twin_leaf, twin_key
from twinledger.twins.tree_proof import verify_leaf

_OTHER_TWINS = "that there are no other twins, and that these have nothing else"
_OTHER_TRANSACTIONS = "that there are no other transactions"
_HASH_BYTES = 32


def check_block(claim: BlockClaim, head: Checkpoint) -> Told:
    """A whole block."""
    header = included(head, claim.block)
    with refusing(Code.PROOF_TRANSACTION):
        if tree_hash(claim.transactions) != header.transactions_root:
            raise LedgerError(Code.PROOF_TRANSACTION, "the block has other transactions")
        if tree_hash(claim.receipts) != header.receipts_root:
            raise LedgerError(Code.PROOF_TRANSACTION, "the block has other receipts")
        receipts = [Receipt.decode(raw) for raw in claim.receipts]
    held = plural(len(receipts), "transaction", "transactions")
    said = (f"{_block(header)} holds exactly {held}: they are all in this file.",)
    return Told(header, said, (AGREED,), {"transactions": [_outcome(each) for each in receipts]})


def check_state(claim: StateClaim, head: Checkpoint) -> Told:
    """Values of the state."""
    header = included(head, claim.block)
    with refusing(Code.PROOF_STATE):
        _check_ascending([each.key for each in claim.values])
        for each in claim.values:
            _check_value(header, each)
    shown = [(_text(each.key), each.value) for each in claim.values]
    said = [
        f"{_after(header)} the state had {'nothing' if value is None else 'exactly this'} at {key}."
        for key, value in shown
    ]
    values = {key: None if value is None else value.hex() for key, value in shown}
    return Told(header, tuple(said), (), {"values": values})


def check_parts(claim: PartsClaim, head: Checkpoint) -> Told:
    """Records of twins, and some of their properties and relationships."""
    header = included(head, claim.block)
    with refusing(Code.PROOF_STATE):
        _check_ascending([each.id.encode() for each in claim.twins])
    found = [_checked_part(header, each) for each in claim.twins]
    said = tuple(
        f"{_after(header)} twin {twin['id']} was at version {twin['version']} and had, among"
        f" others perhaps, what this file shows."
        for twin in found
    )
    return Told(header, said, (AGREED, _OTHER_TWINS), {"twins": found})


def check_transactions(claim: TransactionsClaim, head: Checkpoint) -> Told:
    """Transactions of some blocks, each with what became of it."""
    headers = [included(head, each.block) for each in claim.blocks]
    with refusing(Code.PROOF_TRANSACTION):
        if not headers:
            raise LedgerError(Code.PROOF_TRANSACTION, "it shows no block")
        _check_ascending([header.height for header in headers])
    found = [
        outcome
        for header, each in zip(headers, claim.blocks, strict=True)
        for outcome in _checked_outcomes(header, each)
    ]
    said = tuple(
        f"{_block(header)} holds {plural(len(each.transactions), 'transaction', 'transactions')}"
        f" that this file shows."
        for header, each in zip(headers, claim.blocks, strict=True)
    )
    return Told(headers[-1], said, (AGREED, _OTHER_TRANSACTIONS), {"transactions": found})


def _check_value(header: BlockHeader, shown: ShownValue) -> None:
    if is_twin_leaf(shown.key):
        raise LedgerError(Code.PROOF_STATE, "that is no leaf of the state tree but of a twin's")
    proof = StateProof.decode(shown.proof)
    if shown.value is None:
        verify_absence(header.state_root, shown.key, proof)
    else:
        verify_presence(header.state_root, shown.key, shown.value, proof)


def _checked_part(header: BlockHeader, shown: ShownPart) -> dict[str, Any]:
    with refusing(Code.PROOF_STATE):
        twin_id = names.twin_id(shown.id)
        proof = StateProof.decode(shown.proof)
        verify_presence(header.state_root, twin_key(twin_id), shown.record, proof)
        twin = Twin.decode(twin_id, shown.record)
    with refusing(Code.PROOF_PROPERTY):
        _check_ascending([each.leaf.key for each in shown.leaves])
        for each in shown.leaves:
            leaf = leaves.twin_leaf(each.leaf)
            verify_leaf(twin.property_root, leaf, StateProof.decode(each.proof))
    return {**twin_facts(twin), **leaves.all_shown(tuple(each.leaf for each in shown.leaves))}


def _checked_outcomes(header: BlockHeader, shown: ShownOutcomes) -> list[dict[str, Any]]:
    checked = [check_outcome(header, each) for each in shown.transactions]
    with refusing(Code.PROOF_TRANSACTION):
        _check_ascending(
            [place_of(e.sides, len(e.receipt_path) // _HASH_BYTES) for e in shown.transactions]
        )
    return [
        {"height": header.height, "authors": list(authors), **_outcome(receipt)}
        for receipt, authors in checked
    ]


def _check_ascending(found: Iterable[Any]) -> None:
    if not all(one < other for one, other in pairwise(found)):
        raise LedgerError(Code.PROOF_INVALID, "what it shows is not in order, or comes twice")


def _outcome(receipt: Receipt) -> dict[str, Any]:
    return {"transaction_id": receipt.transaction_id.hex(), "outcome": receipt.outcome}


def _text(key: bytes) -> str:
    return names.shown(key.decode("ascii", "backslashreplace"))


def _block(header: BlockHeader) -> str:
    return f"The block of height {header.height} ({time_text(header.time_us)})"


def _after(header: BlockHeader) -> str:
    return f"After the block of height {header.height}"
