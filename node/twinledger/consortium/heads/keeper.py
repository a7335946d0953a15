"""Everything a node knows and owes about heads, in one state machine.

The driver gives it executed headers, what peers send, and what came of checks; it asks ``signing``
what to sign, ``next_check`` what to check, and acts on what ``Found`` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from twinledger.consortium.heads.checks import Check, Claim, Purpose
from twinledger.consortium.heads.gathering import Gathering
from twinledger.consortium.heads.roots import OwnHeads
from twinledger.consortium.heads.signing import Signing
from twinledger.consortium.heads.suspicions import Question, Suspicions
from twinledger.consortium.witnesses import Certificate, WitnessSet
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.cosignature import Cosignature
from twinledger.ledger.evidence import Evidence, SignedHead

MAX_LOOKS: Final = 256
"""Claims that wait to be looked at; more are dropped, and come again when witnesses sign again."""
LOOKS_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a step, for the driver to keep and tell.

    Attributes:
        certificate: A new one of this node's own head, to be kept.
        changes_witnesses: Whether it is of the head at which the witnesses changed.
        contrary: A certificate of another head than this node's own at its size: the node must
            stop.
        evidence: New evidence, to be kept.
        suspects: Names of those that turned out to have signed another branch.
    """

    certificate: Certificate | None = None
    changes_witnesses: bool = False
    contrary: Certificate | None = None
    evidence: tuple[Evidence, ...] = ()
    suspects: tuple[str, ...] = ()


class HeadKeeper:
    """The state machine of one node."""

    def __init__(self, own: OwnHeads, signing: Signing, gathering: Gathering) -> None:
        """Each part as it was restored from what is kept on the disk."""
        self.own = own
        self.signing = signing
        self.gathering = gathering
        self.suspicions = Suspicions(own)
        self._looks: dict[tuple[bytes, Checkpoint], Claim] = {}

    # What happened.

    def executed(self, header: bytes, following: WitnessSet | None = None) -> Found:
        """Takes the next header; ``following`` is the new set when its block changed the witnesses.

        After a restart a certificate may be of a head that only now is executed again.

        Raises:
            LedgerError: DIVERGED, when this node had signed another head of this size.
        """
        head = self.own.add(header)
        if following is not None:
            self.gathering.change(head.size, following)
        if head.size == self.signing.signed_size:
            self.signing.check_own()
        for claim in self.gathering.claims(head.size):
            if self.own.differs(claim.signed.checkpoint):
                self._look(claim)
        certificate = self.gathering.certificate
        if certificate is not None and certificate.checkpoint.size == head.size:
            return Found(contrary=certificate if certificate.checkpoint != head else None)
        return Found()

    def signed(self, made: Iterable[tuple[Checkpoint, Cosignature]], public_key: bytes) -> None:
        """Takes this node's own cosignatures, sizes ascending, their mark being synced."""
        pairs = tuple(made)
        self.signing.note(tuple(head for head, _ in pairs))
        for head, cosignature in pairs:
            signed = SignedHead(head, cosignature)
            self.gathering.claim(Claim(public_key, signed))
            self.suspicions.note(public_key, signed)

    def received(self, heads: Iterable[SignedHead], speaker: str) -> None:
        """Takes what a peer sent; ``speaker`` is the witness that the peer is."""
        for head in heads:
            name = head.cosignature.name
            witness = self.gathering.witness(name)
            if witness is None or head.checkpoint.origin != self.own.origin:
                continue
            claim = Claim(witness.public_key, head)
            if name == speaker:
                self.gathering.claim(claim)
            if name != speaker or self.own.differs(head.checkpoint) or self._suspects(claim):
                self._look(claim)

    def learned(self, certificate: Certificate) -> Found:
        """Takes a certificate of a change of the witnesses that was checked elsewhere."""
        head = certificate.checkpoint
        if not self.gathering.size < head.size <= self.own.size:
            return Found()
        return self._accept(certificate)

    def idle(self) -> None:
        """Has the newest claim of every witness looked at, so that it can be passed on."""
        for claim in self.gathering.newest_claims():
            self._look(claim)

    # What to do.

    def next_check(self) -> Check | None:
        """The signatures to check next; None when there are none."""
        ready = self.gathering.ready()
        if ready is not None:
            return ready
        taken = [self._looks.pop(place) for place in list(self._looks)[:LOOKS_AT_ONCE]]
        return Check(Purpose.LOOK, tuple(taken)) if taken else None

    def checked(self, check: Check, valid: tuple[bool, ...]) -> Found:
        """Takes what came of a check."""
        held = [claim for claim, holds in zip(check.claims, valid, strict=True) if holds]
        suspects = self.suspicions.suspects
        evidence = [self.suspicions.note(claim.public_key, claim.signed) for claim in held]
        fresh = [claim for claim in held if claim.public_key in self.suspicions.suspects - suspects]
        for claim in fresh:
            self._look_at_all_of(claim.public_key)
        found = self._certify(check, valid) if check.purpose is Purpose.CERTIFY else Found()
        return Found(
            certificate=found.certificate,
            changes_witnesses=found.changes_witnesses,
            contrary=found.contrary,
            evidence=tuple(each for each in evidence if each is not None),
            suspects=tuple(claim.name for claim in fresh),
        )

    def answered(
        self, question: Question, root_within: bytes, way: tuple[bytes, ...]
    ) -> Evidence | None:
        """Takes an answer to a question of ``suspicions``; returns new evidence, if any."""
        return self.suspicions.answer(question, root_within, way)

    def _certify(self, check: Check, valid: tuple[bool, ...]) -> Found:
        certificate = self.gathering.certified(check.claims, valid)
        return Found() if certificate is None else self._accept(certificate)

    def _accept(self, certificate: Certificate) -> Found:
        if self.own.differs(certificate.checkpoint):
            self.gathering.set_aside(certificate.checkpoint)
            return Found(contrary=certificate)
        changes = certificate.checkpoint.size == self.gathering.barrier
        self.gathering.resume(certificate)
        return Found(certificate=certificate, changes_witnesses=changes)

    def _look(self, claim: Claim) -> None:
        """Puts a claim where it waits; one of a height not executed yet will come again."""
        head, key = claim.signed.checkpoint, claim.public_key
        if head.size > self.own.size or self.suspicions.seen.get(key) == claim.signed:
            return
        if self.own.differs(head) and self.suspicions.knows_enough_of(key):
            return
        if len(self._looks) < MAX_LOOKS:
            self._looks[key, head] = claim

    def _suspects(self, claim: Claim) -> bool:
        """Whether any head of its witness on this node's own branch would convict it."""
        return claim.public_key in self.suspicions.suspects

    def _look_at_all_of(self, public_key: bytes) -> None:
        """A new suspect's newest word on this node's own branch may convict it."""
        for claim in self.gathering.newest_claims():
            if claim.public_key == public_key:
                self._look(claim)
