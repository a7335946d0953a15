"""Puts the state machine together from what a node finds on its disk when it starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from twinledger.consortium.heads.gathering import Gathering
from twinledger.consortium.heads.keeper import HeadKeeper
from twinledger.consortium.heads.roots import OwnHeads
from twinledger.consortium.heads.signing import Signing
from twinledger.consortium.witnesses import WitnessSet, check_certificate
from twinledger.ledger.checkpoint import Checkpoint, head_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import Evidence, SignedHead


@dataclass(frozen=True, slots=True)
class Kept:
    """What a node kept.

    Attributes:
        signed: The newest head it ever signed.
        first: The witnesses at genesis.
        changes: (size, the set after it) for each change of the witnesses, ascending.
        change_certificates: By size, the certificates of those changes that have one.
        newest: The newest certificate.
        seen: The newest head of each witness key that was checked.
        evidence: What convicts witnesses, each checked when it was found.
    """

    signed: Checkpoint | None
    first: WitnessSet
    changes: tuple[tuple[int, WitnessSet], ...] = ()
    change_certificates: Mapping[int, bytes] = field(default_factory=dict)
    newest: bytes | None = None
    seen: Mapping[bytes, SignedHead] = field(default_factory=dict)
    evidence: Iterable[Evidence] = ()


def restore(own: OwnHeads, kept: Kept) -> HeadKeeper:
    """The state machine as it was.

    Raises:
        LedgerError: CERTIFICATE_INVALID or QUORUM_MISSING, when a certificate that was kept is not
            by the witnesses that it needs; DIVERGED, when another head was signed than is executed.
    """
    certified = kept.change_certificates
    gathering = Gathering(own, kept.first, kept.changes)
    for size, _ in kept.changes:
        if size not in certified:
            break
        gathering.resume(check_certificate(certified[size], gathering.witnesses, own.origin))
    if kept.newest is not None:
        _resume_newest(gathering, kept, kept.newest, own.origin)
    keeper = HeadKeeper(own, Signing(own, kept.signed), gathering)
    keeper.suspicions.restore(kept.seen, kept.evidence)
    return keeper


def _resume_newest(gathering: Gathering, kept: Kept, newest: bytes, origin: str) -> None:
    """Goes on from the newest certificate, which need not be above that of the last change.

    The newest is written at leisure and that of a change at once, so that a crash may leave one of
    before the change. One of a change's own head may not be the one that was kept of the change:
    that head is signed again while it is the newest, and by more witnesses than were needed first.
    """
    try:
        witnesses = _witnesses_before(kept, head_of(newest).size)
    except LedgerError as error:
        raise LedgerError(Code.CERTIFICATE_INVALID, error.detail) from None
    certificate = check_certificate(newest, witnesses, origin)
    if certificate.checkpoint.size > gathering.size:
        gathering.resume(certificate)


def _witnesses_before(kept: Kept, size: int) -> WitnessSet:
    """The set that certifies the head of a size."""
    following = [witnesses for changed, witnesses in kept.changes if changed < size]
    return following[-1] if following else kept.first
