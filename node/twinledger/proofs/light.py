"""How a light client follows the ledger: from head to head, and claims under the newest of them.

It keeps one standing, the newest certified head it has seen with the consortium after it. A newer
head is taken only with the consistency proof from that one and every change of the witnesses in
between; an older head, or another one of the same size, is refused by name. A claim then needs no
certificate of its own: it is checked under the head where the client stands.
"""

from __future__ import annotations

from twinledger.consortium.witnesses import check_certificate
from twinledger.ledger.checkpoint import Checkpoint, head_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.proofs.bundle import Bundle, GenesisAnchor, HeadAnchor, decode_claim
from twinledger.proofs.claims import Claim, HeadClaim
from twinledger.proofs.proven import Told
from twinledger.proofs.recovered import truncated
from twinledger.proofs.standing import Standing, set_of
from twinledger.proofs.verify import check_claim, verify


def follow(raw: bytes, chain_id: bytes, standing: Standing | None) -> Standing:
    """Where a client stands after a node has proven its newest head.

    Args:
        raw: The bundle of a head, as the answer to the question from where the client stands.
        chain_id: The chain that is meant, 32 bytes.
        standing: Where the client stands; None when it knows only the chain.

    Raises:
        LedgerError: HEAD_ROLLED_BACK, HEAD_CONFLICT, or what `verify` raises.
    """
    bundle = Bundle.decode(raw)
    if not isinstance(bundle.claim, HeadClaim):
        raise LedgerError(Code.PROOF_INVALID, "it proves something else than a head")
    if standing is not None and standing.head is not None:
        _refuse_other_ways(bundle, standing, standing.head)
        if _says_the_same(bundle, standing.head):
            # The witnesses signed it anew, or another quorum of them did: nothing has moved.
            check_claim(bundle.claim, standing.head)
            return standing
    moved = verify(raw, chain_id, standing).trusted
    if moved is None:
        raise LedgerError(Code.PROOF_INVALID, "it proves something else than a head")
    return moved


def claimed(raw: bytes, standing: Standing) -> tuple[Claim, Told]:
    """A claim that came alone, and what it proves under the head where a client stands.

    Raises:
        LedgerError: PROOF_MALFORMED, PROOF_SURPLUS, or what `check_claim` raises.
    """
    if standing.head is None:
        raise LedgerError(Code.PROOF_NOT_ANCHORED, "no head is known")
    claim = decode_claim(raw)
    return claim, check_claim(claim, standing.head)


def truncation(raw: bytes, standing: Standing) -> LedgerError | None:
    """PROOF_TRUNCATED, when a recovery cut off the head where a client stands; None when none did.

    Args:
        raw: The bundle of a node's newest head, from genesis.
        standing: Where the client stands.

    Raises:
        LedgerError: what `verify` raises.
    """
    known = standing.head
    recovery = verify(raw, standing.chain_id).recovery
    # A bundle shows the newest recovery; what is before it stands in that one's own proof.
    while known is not None and recovery is not None and recovery.epoch > standing.consortium.epoch:
        if known.size > recovery.fork.size:
            return truncated(known.height, recovery)
        recovery = verify(recovery.fork.proof, standing.chain_id).recovery
    return None


def _refuse_other_ways(bundle: Bundle, standing: Standing, known: Checkpoint) -> None:
    head = _head_of(bundle)
    match bundle.anchor:
        case GenesisAnchor():
            # A node that is asked from a head answers from it; from genesis it proves no growth.
            raise _rolled_back(f"it begins at genesis, not at the known size {known.size}")
        case HeadAnchor(size=size) if size < known.size:
            raise _rolled_back(f"it begins at size {size}, below the known size {known.size}")
        case HeadAnchor(size=size, root=root) if size == known.size and root != known.root:
            said = f"the node has another history below size {size} than the head that is known"
            raise LedgerError(Code.HEAD_CONFLICT, said)
    if head.origin != known.origin:
        # A recovery opened another epoch, or it is another chain's: the way to it must show which.
        return
    if head.size < known.size:
        raise _rolled_back(f"it is of size {head.size}, below the known size {known.size}")
    if head.size == known.size and head.root != known.root:
        _check_certified(bundle.head.certificate, standing)
        raise LedgerError(Code.HEAD_CONFLICT, f"two certified heads of size {head.size}")


def _check_certified(certificate: bytes, standing: Standing) -> None:
    """Checks a head of the known size."""
    # Where its newest block changed the witnesses, those before the change certify it.
    try:
        check_certificate(certificate, set_of(standing.consortium), standing.origin)
    except LedgerError:
        if standing.before is None:
            raise
        check_certificate(certificate, standing.before, standing.origin)


def _says_the_same(bundle: Bundle, known: Checkpoint) -> bool:
    return _head_of(bundle) == known and not bundle.changes and not bundle.head.consistency


def _head_of(bundle: Bundle) -> Checkpoint:
    try:
        return head_of(bundle.head.certificate)
    except LedgerError as error:
        raise LedgerError(Code.CERTIFICATE_INVALID, error.detail) from None


def _rolled_back(detail: str) -> LedgerError:
    return LedgerError(Code.HEAD_ROLLED_BACK, detail)
