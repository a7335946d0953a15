"""The entry: verify a proof bundle, whatever its bytes are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from twinledger.consortium.genesis import chain_id_of_body
from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.witnesses import check_certificate
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.note import SignedNote
from twinledger.proofs import recovered
from twinledger.proofs.bundle import (
    Bundle,
    GenesisAnchor,
    HeadAnchor,
    ShownChange,
    ShownRecovery,
)
from twinledger.proofs.checks import (
    check_absent,
    check_head,
    check_property,
    check_silence,
    check_twin,
)
from twinledger.proofs.claims import Claim, HeadClaim
from twinledger.proofs.history_check import check_history
from twinledger.proofs.proven import Proven, Told
from twinledger.proofs.read_checks import (
    check_block,
    check_parts,
    check_state,
    check_transactions,
)
from twinledger.proofs.standing import (
    Standing,
    after_change,
    at_genesis,
    certified_last,
    read_consortium,
    set_of,
)
from twinledger.proofs.transaction_check import check_transaction

_CHECKS: Final[dict[str, Callable[[Any, Checkpoint], Told]]] = {
    "head": check_head,
    "twin": check_twin,
    "property": check_property,
    "absent": check_absent,
    "history": check_history,
    "silence": check_silence,
    "transaction": check_transaction,
    "block": check_block,
    "state": check_state,
    "parts": check_parts,
    "transactions": check_transactions,
}
_ORIGIN: Final = re.compile(r"twinledger/([0-9a-f]{64})(?:/epoch-[0-9]+)?")


def verify(raw: bytes, chain_id: bytes | None = None, trusted: Standing | None = None) -> Proven:
    """Verifies a proof bundle.

    Args:
        raw: The file's bytes; they may be hostile.
        chain_id: The chain that the proof must be of, 32 bytes; anchors a bundle that begins at
            genesis.
        trusted: The head that the bundle must begin at, from ``Proven.trusted`` of a head.

    Raises:
        LedgerError: PROOF_MALFORMED, PROOF_SURPLUS, PROOF_NOT_ANCHORED, PROOF_WRONG_CHAIN,
            PROOF_MEMBERS, PROOF_RECOVERY, PROOF_TRUNCATED, CERTIFICATE_INVALID, QUORUM_MISSING,
            PROOF_CONSISTENCY, PROOF_INCLUSION, or that of the claim: PROOF_STATE, PROOF_PROPERTY,
            PROOF_HISTORY, PROOF_SILENCE, PROOF_TRANSACTION.
    """
    bundle = Bundle.decode(raw)
    proven = _checked(bundle, _start(bundle, chain_id, trusted))
    if chain_id is None and trusted is None:
        detail = f"it is consistent, not anchored; it is of chain {proven.chain_id.hex()}"
        raise LedgerError(Code.PROOF_NOT_ANCHORED, detail)
    return proven


def trusted_head(raw: bytes) -> Standing:
    """Where a verifier stands that trusts the head in a file: a bundle of a head, verified before.

    Only what needs no trust is checked again: a bundle that began at another head cannot be
    checked without it.

    Raises:
        LedgerError: as ``verify`` does; PROOF_NOT_ANCHORED when it is no bundle of a head.
    """
    bundle = Bundle.decode(raw)
    if not isinstance(bundle.claim, HeadClaim):
        raise LedgerError(Code.PROOF_NOT_ANCHORED, "the trusted file proves no head but a claim")
    if isinstance(bundle.anchor, GenesisAnchor):
        proven = _checked(bundle, at_genesis(bundle.anchor.genesis))
        if proven.trusted is not None:
            return proven.trusted
    return _taken_on_trust(bundle, bundle.claim)


def _taken_on_trust(bundle: Bundle, claim: HeadClaim) -> Standing:
    try:
        note = SignedNote.parse(bundle.head.certificate)
        head = Checkpoint.decode(note.text)
    except LedgerError as error:
        raise LedgerError(Code.CERTIFICATE_INVALID, error.detail) from None
    told = check_head(claim, head)
    consortium = read_consortium(told.header, claim.consortium)
    chain = _ORIGIN.fullmatch(head.origin)
    if chain is None or head.origin != origin_of(bytes.fromhex(chain[1]), consortium.epoch):
        raise LedgerError(Code.CERTIFICATE_INVALID, "its origin is none of a ledger's")
    return Standing(bytes.fromhex(chain[1]), head, consortium)


def check_claim(claim: Claim, head: Checkpoint) -> Told:
    """What a claim proves to whoever trusts the head that it is proven under.

    Raises:
        LedgerError: PROOF_INCLUSION, or the name that belongs to the claim's kind.
    """
    return _CHECKS[claim.kind](claim, head)


def _start(bundle: Bundle, chain_id: bytes | None, trusted: Standing | None) -> Standing:
    anchor = bundle.anchor
    if isinstance(anchor, GenesisAnchor):
        if trusted is not None:
            detail = "it begins at genesis, not at the head that you trust"
            raise LedgerError(Code.PROOF_NOT_ANCHORED, detail)
        if chain_id is not None and chain_id != chain_id_of_body(anchor.genesis):
            detail = f"it is of {chain_id_of_body(anchor.genesis).hex()}"
            raise LedgerError(Code.PROOF_WRONG_CHAIN, detail)
        return at_genesis(anchor.genesis)
    return _at_trusted(anchor, chain_id, trusted)


def _at_trusted(anchor: HeadAnchor, chain_id: bytes | None, trusted: Standing | None) -> Standing:
    if trusted is None or trusted.head is None:
        detail = f"it begins at a head of size {anchor.size}, which you must have verified before"
        raise LedgerError(Code.PROOF_NOT_ANCHORED, detail)
    if chain_id is not None and chain_id != trusted.chain_id:
        detail = f"the trusted head is of {trusted.chain_id.hex()}"
        raise LedgerError(Code.PROOF_WRONG_CHAIN, detail)
    if (anchor.size, anchor.root) != (trusted.head.size, trusted.head.root):
        detail = f"it begins at another head than the trusted one of size {trusted.head.size}"
        raise LedgerError(Code.PROOF_NOT_ANCHORED, detail)
    return trusted


def _checked(bundle: Bundle, standing: Standing) -> Proven:
    for change in bundle.changes:
        standing = _after(standing, change)
    certificate = certified_last(standing, bundle.head, changed=bool(bundle.changes))
    claim, head = bundle.claim, certificate.checkpoint
    told = check_claim(claim, head)
    witnesses = set_of(standing.consortium)
    trusted = None
    if isinstance(claim, HeadClaim):
        trusted = _moved_on(standing, claim, told, head)
    count, quorum = len(witnesses.witnesses), witnesses.quorum
    return Proven(
        claim.kind,
        standing.chain_id,
        certificate,
        count,
        quorum,
        told,
        trusted,
        standing.recovery,
    )


def _after(standing: Standing, change: ShownChange | ShownRecovery) -> Standing:
    if isinstance(change, ShownRecovery):
        return recovered.after_recovery(standing, change, head_from_genesis)
    return after_change(standing, change)


def head_from_genesis(raw: bytes, chain_id: bytes) -> Standing:
    """Where a verifier stands that has verified the bundle of a head.

    Raises:
        LedgerError: as ``verify`` does; PROOF_NOT_ANCHORED when it is no bundle of a head.
    """
    trusted = verify(raw, chain_id).trusted
    if trusted is None:
        raise LedgerError(Code.PROOF_NOT_ANCHORED, "it proves no head but a claim")
    return trusted


def at_fork(recovery: RecoveryFile) -> Standing:
    """Where a verifier stands that has verified, from genesis, the head a recovery goes on from.

    Raises:
        LedgerError: as ``verify`` does; PROOF_RECOVERY when it goes on from another head.
    """
    return recovered.at_fork(recovery, head_from_genesis)


def verify_recovery(raw: bytes, chain_id: bytes) -> Standing:
    """Where a verifier stands that has verified a complete recovery file.

    Raises:
        LedgerError: PROOF_RECOVERY.
    """
    return recovered.opened_by(raw, chain_id, head_from_genesis)


def check_kept_head(raw: bytes, recovery: bytes, chain_id: bytes) -> None:
    """Refuses the bundle of a head that a recovery cut off, also when it begins at another head.

    As a client keeps the newest one that it followed to: what it began at need not be known, for
    the recovery brings the witnesses of its fork, and they certified more than that.

    Args:
        raw: The bundle. Of what begins at genesis or is no head, `verify` and `check_kept` tell.
        recovery: The recovery file.
        chain_id: The chain, 32 bytes.

    Raises:
        LedgerError: PROOF_TRUNCATED; PROOF_RECOVERY, PROOF_MALFORMED, PROOF_SURPLUS.
    """
    bundle = Bundle.decode(raw)
    if isinstance(bundle.anchor, GenesisAnchor) or not isinstance(bundle.claim, HeadClaim):
        return
    opened = verify_recovery(recovery, chain_id)
    if opened.recovery is None:
        return
    at = at_fork(opened.recovery)
    changes = [each.certificate for each in bundle.changes if isinstance(each, ShownChange)]
    for shown in (*changes, bundle.head.certificate):
        try:
            certificate = check_certificate(shown, set_of(at.consortium), at.origin)
        except LedgerError:
            continue  # by others: it says nothing of the fork
        recovered.check_kept(certificate.checkpoint.height, certificate, opened)


def _moved_on(standing: Standing, claim: HeadClaim, told: Told, head: Checkpoint) -> Standing:
    """Where a verifier stands that has verified a head."""
    consortium = read_consortium(told.header, claim.consortium)
    # The newest block itself may have changed the set; the one before it certified that.
    passed = consortium.set_number - standing.consortium.set_number
    if passed not in (0, 1) or consortium.epoch != standing.consortium.epoch:
        raise LedgerError(Code.PROOF_MEMBERS, "a change of the witnesses is missing")
    before = set_of(standing.consortium)
    return replace(standing, head=head, consortium=consortium, before=before)
