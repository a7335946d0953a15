"""Across a recovery: from the epoch whose quorum was lost to the one that the members opened.

The recovery file brings its own proof, from genesis, of the head that it goes on from and of the
consortium there. By that consortium's admins its signatures are checked; the consortium of the new
epoch follows from the file alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.recovery.judging import judge
from twinledger.consortium.witnesses import Certificate
from twinledger.ledger.checkpoint import epoch_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.proofs.bundle import ShownRecovery
from twinledger.proofs.standing import Standing, check_extends, refusing

HeadVerifier = Callable[[bytes, bytes], Standing]
"""Verifies the bundle of a head from genesis, of a chain id; returns where one then stands."""


def after_recovery(standing: Standing, shown: ShownRecovery, verify_head: HeadVerifier) -> Standing:
    """Follows a recovery.

    Raises:
        LedgerError: PROOF_RECOVERY; PROOF_CONSISTENCY; PROOF_TRUNCATED when the verifier stands at
            a certified head that the recovery cut off.
    """
    opened = opened_by(shown.recovery, standing.chain_id, verify_head)
    fork, recovery = opened.head, opened.recovery
    if fork is None or recovery is None or standing.consortium.epoch >= recovery.epoch:
        raise LedgerError(Code.PROOF_RECOVERY, "it opens no epoch after the one before it")
    if standing.head is not None and standing.head.size > fork.size:
        raise truncated(standing.head.height, recovery)
    check_extends(standing.head, fork, shown.consistency)
    return opened


def opened_by(raw: bytes, chain_id: bytes, verify_head: HeadVerifier) -> Standing:
    """Where a verifier stands that follows a recovery file from genesis.

    Raises:
        LedgerError: PROOF_RECOVERY.
    """
    with refusing(Code.PROOF_RECOVERY):
        recovery = RecoveryFile.parse(raw)
        if recovery.chain_id != chain_id:
            raise LedgerError(Code.PROOF_RECOVERY, "it is of another chain")
        at = at_fork(recovery, verify_head)
        after = judge(recovery, at.consortium, chain_id)
    return Standing(chain_id, at.head, after, recovery=recovery)


def at_fork(recovery: RecoveryFile, verify_head: HeadVerifier) -> Standing:
    """Where a verifier stands that has verified, from genesis, the head a recovery goes on from.

    Raises:
        LedgerError: PROOF_RECOVERY when the file's proof is of another head; what it is refused
            with.
    """
    at, fork = verify_head(recovery.fork.proof, recovery.chain_id), recovery.fork
    if at.head is None or (at.head.size, at.head.root) != (fork.size, fork.root):
        raise LedgerError(Code.PROOF_RECOVERY, "it proves another head than it goes on from")
    return at


def check_kept(height: int, certificate: Certificate, opened: Standing) -> None:
    """Refuses a block that was certified and that a recovery cut off.

    Args:
        height: The block, which the certified head includes.
        certificate: Of that head.
        opened: Where a verifier stands that has verified the recovery.

    Raises:
        LedgerError: PROOF_TRUNCATED, naming who signed the recovery, and of those whose own
            witnesses had certified what it cut off.
    """
    recovery = opened.recovery
    if recovery is None or epoch_of(certificate.checkpoint.origin) >= recovery.epoch:
        return
    if height > recovery.fork.height:
        raise truncated(height, recovery, [made.name for made in certificate.cosignatures])


def truncated(height: int, recovery: RecoveryFile, witnesses: Sequence[str] = ()) -> LedgerError:
    """The verdict on a recovery that cut off what was certified."""
    by = ", ".join(recovery.signed_by)
    detail = (
        f"height {height} was certified, and the recovery into epoch {recovery.epoch} goes on "
        f"from height {recovery.fork.height}; {by} signed that nothing newer was certified"
    )
    members = {witness.partition("/")[0] for witness in witnesses}
    both = [name for name in recovery.signed_by if name.partition("/")[0] in members]
    if both:
        detail += f", although the witnesses of {', '.join(both)} had certified it"
    return LedgerError(Code.PROOF_TRUNCATED, detail)
