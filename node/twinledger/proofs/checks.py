"""Checking each kind of claim under a certified head.

Each check raises a named LedgerError or tells what is proven. Bytes that a hash has pinned are
read only after that: they can then be wrong in no way that the whole ledger would not share.
"""

from __future__ import annotations

from typing import Any

from twinledger.ledger import names
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.names import TwinId
from twinledger.ledger.state_proof import StateProof, verify_absence, verify_presence
from twinledger.proofs import leaves
from twinledger.proofs.claims import (
    AbsentClaim,
    HeadClaim,
    PropertyClaim,
    ShownTwin,
    SilenceClaim,
    TwinClaim,
)
from twinledger.proofs.proven import Told
from twinledger.proofs.standing import included, read_consortium, refusing
from twinledger.proofs.words import plural, time_text
from twinledger.twins.records import Twin
from twinledger.twins.state_keys import twin_key
from twinledger.twins.tree import TwinLeaf
from twinledger.twins.tree_proof import verify_leaf, verify_leaves, verify_no_leaf

AGREED = "that what was reported is true: the ledger agreed on who signed it, not on the world"
OTHERS_HIDDEN = "anything about the twin's other properties and relationships"


def check_head(claim: HeadClaim, head: Checkpoint) -> Told:
    """The head, its newest block, and the consortium after it."""
    header = included(head, claim.block)
    if header.height != head.height:
        raise LedgerError(Code.PROOF_INCLUSION, "the block is not the head's newest")
    consortium = read_consortium(header, claim.consortium)
    members = ", ".join(member.name for member in consortium.members)
    said = (
        f"The ledger of {names.shown(consortium.name)} reached height {header.height}.",
        f"The block of that height is of {time_text(header.time_us)}.",
        f"Its members after that block: {members}.",
    )
    facts = {
        "consortium": consortium.name,
        "members": [member.name for member in consortium.members],
        "set_number": consortium.set_number,
        "epoch": consortium.epoch,
    }
    return Told(header, said, (), facts)


def check_twin(claim: TwinClaim, head: Checkpoint) -> Told:
    """A whole twin."""
    header, twin, shown = whole_twin(claim.id, claim.twin, claim.leaves, head)
    count = f"{plural(len(shown['properties']), 'property', 'properties')} and "
    count += plural(len(shown["relationships"]), "relationship", "relationships")
    said = (*introduced(header, twin), f"It had exactly {count}: they are all in this file.")
    return Told(header, said, (AGREED,), {"twin": {**twin_facts(twin), **shown}})


def check_property(claim: PropertyClaim, head: Checkpoint) -> Told:
    """One property or relationship of a twin, or that there is none."""
    header, twin = shown_twin(claim.id, claim.twin, head)
    with refusing(Code.PROOF_PROPERTY):
        proof = StateProof.decode(claim.proof)
        if claim.leaf is None:
            verify_no_leaf(twin.property_root, claim.key, proof)
        elif claim.leaf.key != claim.key:
            raise LedgerError(Code.PROOF_PROPERTY, "the leaf is another key's")
        else:
            verify_leaf(twin.property_root, leaves.twin_leaf(claim.leaf), proof)
    key = names.shown(claim.key.decode("ascii", "backslashreplace"))
    shown = None if claim.leaf is None else leaves.shown(claim.leaf)
    had = "had nothing" if shown is None else "had exactly this"
    said = (*introduced(header, twin), f"At {key} it {had}.")
    facts = {"twin": twin_facts(twin), "key": claim.key.decode("ascii", "backslashreplace")}
    return Told(header, said, (AGREED, OTHERS_HIDDEN), {**facts, "leaf": shown})


def check_absent(claim: AbsentClaim, head: Checkpoint) -> Told:
    """That there was no such twin."""
    header = included(head, claim.block)
    with refusing(Code.PROOF_STATE):
        key = twin_key(names.twin_id(claim.id))
        verify_absence(header.state_root, key, StateProof.decode(claim.proof))
    said = (f"{_after(header)} there was no twin {claim.id}.",)
    later = "that there was none before, or came none later"
    return Told(header, said, (later,), {"twin_id": claim.id})


def check_silence(claim: SilenceClaim, head: Checkpoint) -> Told:
    """That a twin had no update between two blocks."""
    first_header, first = shown_twin(claim.id, claim.first, head)
    header, last = shown_twin(claim.id, claim.last, head)
    if first_header.height >= header.height:
        raise LedgerError(Code.PROOF_SILENCE, "the first block does not stand before the last")
    if (first.version, first.history_head) != (last.version, last.history_head):
        raise LedgerError(Code.PROOF_SILENCE, "its version or history head moved on")
    said = (
        f"{_after(first_header)} twin {claim.id} was at version {last.version}.",
        f"{_after(header)} it still was: in between it had no update at all.",
    )
    facts = {"twin": twin_facts(last), "from_height": first_header.height}
    unsent = "that nothing happened to the thing itself, or that nobody tried to report"
    return Told(header, said, (unsent,), {**facts, "to_height": header.height})


def shown_twin(twin_id: str, shown: ShownTwin, head: Checkpoint) -> tuple[BlockHeader, Twin]:
    """A twin's record under the state root of a block that the head holds.

    Raises:
        LedgerError: PROOF_INCLUSION, PROOF_STATE.
    """
    header = included(head, shown.block)
    with refusing(Code.PROOF_STATE):
        checked: TwinId = names.twin_id(twin_id)
        proof = StateProof.decode(shown.proof)
        verify_presence(header.state_root, twin_key(checked), shown.record, proof)
        return header, Twin.decode(checked, shown.record)


def whole_twin(
    twin_id: str, shown: ShownTwin, disclosed: tuple[Any, ...], head: Checkpoint
) -> tuple[BlockHeader, Twin, dict[str, Any]]:
    """A twin with all leaves of its tree, told for programs.

    Raises:
        LedgerError: PROOF_INCLUSION, PROOF_STATE, PROOF_PROPERTY.
    """
    header, twin = shown_twin(twin_id, shown, head)
    found: list[TwinLeaf] = [leaves.twin_leaf(leaf) for leaf in disclosed]
    if found != sorted(found):
        raise LedgerError(Code.PROOF_PROPERTY, "its leaves are not in the order of keys")
    with refusing(Code.PROOF_PROPERTY):
        verify_leaves(twin.property_root, found)
    return header, twin, leaves.all_shown(disclosed)


def introduced(header: BlockHeader, twin: Twin) -> tuple[str, ...]:
    """The sentence that introduces a twin."""
    model = f", model {twin.model}" if twin.model else ""
    life = ", retired" if twin.retired else ""
    kind = f"owned by {twin.owner}{model}{life}"
    return (f"{_after(header)} twin {twin.twin_id} was at version {twin.version}, {kind}.",)


def twin_facts(twin: Twin) -> dict[str, Any]:
    """A twin's record for programs."""
    return {
        "id": twin.twin_id,
        "version": twin.version,
        "owner": twin.owner,
        "model": twin.model,
        "retired": twin.retired,
        "successor": twin.successor_id,
        "history_head": twin.history_head.hex(),
    }


def _after(header: BlockHeader) -> str:
    return f"After the block of height {header.height} ({time_text(header.time_us)})"
