"""From an anchor to the certified head: whose signatures count, and that history only grew.

A verifier stands somewhere: at genesis, or at a head it trusts. From there each change of the
witness set leads one step on: the set before certified the head that ends at the block of the
change, and that block's header commits to the set after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from twinledger.consortium.genesis import chain_id_of_body
from twinledger.consortium.genesis_reader import read_genesis
from twinledger.consortium.members import Consortium, consortium_hash
from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.witnesses import (
    Certificate,
    WitnessSet,
    check_certificate,
    witness_set,
)
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.history_proof import decode_way, verify_consistency, verify_inclusion
from twinledger.proofs.bundle import ShownChange, ShownHead
from twinledger.proofs.claims import ShownBlock


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a verifier stands.

    Attributes:
        chain_id: The chain, 32 bytes.
        head: The head it stands at; None at genesis.
        consortium: The consortium in force after that head.
        before: The witnesses that certified that head, where they are known.
        recovery: What opened the epoch, where the way from the anchor led through it.
    """

    chain_id: bytes
    head: Checkpoint | None
    consortium: Consortium
    before: WitnessSet | None = None
    recovery: RecoveryFile | None = None

    @property
    def origin(self) -> str:
        """The name of the log whose heads count from here on."""
        return origin_of(self.chain_id, self.consortium.epoch)

    @property
    def size(self) -> int:
        """The size of the head; 0 at genesis."""
        return self.head.size if self.head else 0


def at_genesis(body: bytes) -> Standing:
    """Stands at the beginning of the chain that a genesis body makes.

    Raises:
        LedgerError: PROOF_MEMBERS.
    """
    with refusing(Code.PROOF_MEMBERS):
        _, consortium = read_genesis(body)
    return Standing(chain_id_of_body(body), None, consortium)


def after_change(standing: Standing, change: ShownChange) -> Standing:
    """Follows one change of the witness set.

    Raises:
        LedgerError: CERTIFICATE_INVALID, QUORUM_MISSING, PROOF_CONSISTENCY, PROOF_INCLUSION,
            PROOF_MEMBERS.
    """
    shown = ShownHead(change.certificate, change.consistency)
    certificate = certified(standing, shown)
    header = included(certificate.checkpoint, ShownBlock(change.header, change.path))
    if certificate.checkpoint.height != header.height:
        raise LedgerError(Code.PROOF_MEMBERS, "the head of a change does not end at its block")
    consortium = read_consortium(header, change.consortium)
    if consortium.set_number != standing.consortium.set_number + 1:
        raise LedgerError(Code.PROOF_MEMBERS, "a change of the witnesses is missing")
    if consortium.epoch != standing.consortium.epoch:
        raise LedgerError(Code.PROOF_MEMBERS, "another epoch begins, and no recovery is shown")
    before = set_of(standing.consortium)
    return replace(standing, head=certificate.checkpoint, consortium=consortium, before=before)


def certified(standing: Standing, shown: ShownHead) -> Certificate:
    """Checks a head's certificate, and that it extends the head that the verifier stands at.

    Raises:
        LedgerError: CERTIFICATE_INVALID, QUORUM_MISSING, PROOF_CONSISTENCY, PROOF_MEMBERS.
    """
    certificate = check_certificate(shown.certificate, set_of(standing.consortium), standing.origin)
    check_extends(standing.head, certificate.checkpoint, shown.consistency)
    return certificate


def certified_last(standing: Standing, shown: ShownHead, changed: bool) -> Certificate:
    """The same for the head that the claim is proven under.

    It must lie beyond the last change, whose own head the set before certified. It may be the
    trusted head itself; when the block that this ends at changed the witnesses, those before it
    certified it.
    """
    try:
        certificate = certified(standing, shown)
    except LedgerError:
        if changed or standing.before is None:
            raise
        again = check_certificate(shown.certificate, standing.before, standing.origin)
        if again.checkpoint != standing.head or shown.consistency:
            raise
        return again
    if changed and certificate.checkpoint.size == standing.size:
        raise LedgerError(Code.PROOF_MEMBERS, "the head does not lie beyond the last change")
    return certificate


def included(head: Checkpoint, shown: ShownBlock) -> BlockHeader:
    """Checks that a head's tree holds a block's header at its height.

    Raises:
        LedgerError: PROOF_INCLUSION.
    """
    with refusing(Code.PROOF_INCLUSION):
        header = BlockHeader.decode(shown.header)
        way = decode_way(shown.path)
        verify_inclusion(head.root, head.size, header.height, shown.header, way)
    return header


def read_consortium(header: BlockHeader, record: bytes) -> Consortium:
    """The consortium that a header commits to.

    Raises:
        LedgerError: PROOF_MEMBERS.
    """
    if consortium_hash(record) != header.consortium_hash:
        raise LedgerError(Code.PROOF_MEMBERS, "the header commits to another consortium")
    with refusing(Code.PROOF_MEMBERS):
        return Consortium.decode(record)


def set_of(consortium: Consortium) -> WitnessSet:
    """The witnesses of a consortium.

    Raises:
        LedgerError: PROOF_MEMBERS, when it cannot have such witnesses.
    """
    with refusing(Code.PROOF_MEMBERS):
        return witness_set(consortium)


@contextmanager
def refusing(code: Code) -> Iterator[None]:
    """Whatever is refused inside is refused with this code."""
    try:
        yield
    except LedgerError as error:
        raise LedgerError(code, error.detail or error.message) from None


def check_extends(before: Checkpoint | None, head: Checkpoint, consistency: bytes) -> None:
    """Checks that a head extends the one before; there is no path when none stands before.

    Raises:
        LedgerError: PROOF_CONSISTENCY.
    """
    with refusing(Code.PROOF_CONSISTENCY):
        way = decode_way(consistency)
        if before is not None:
            verify_consistency(before.root, before.size, head.root, head.size, way)
        elif way:
            raise LedgerError(Code.PROOF_CONSISTENCY, "nothing stands before the first head")
