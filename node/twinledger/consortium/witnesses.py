"""Who certifies: the witnesses of a consortium, how many must sign, and the certificates they make.

Every member has one witness: its voting node, which cosigns heads with a key used for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from twinledger.consortium.members import Consortium
from twinledger.consortium.nodes import witness_name
from twinledger.consortium.rules import certificate_quorum
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.cosignature import Cosignature, check_cosignature
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import Evidence, check_evidence, decode_evidence
from twinledger.ledger.names import MemberName
from twinledger.ledger.note import MAX_LINES, NoteLine, SignedNote, encode_note


@dataclass(frozen=True, slots=True)
class Witness:
    """A member's voice in certificates.

    Attributes:
        member: Whose it is.
        name: How it signs, ``member/node``.
        public_key: Its witness key, 32 bytes of Ed25519.
    """

    member: MemberName
    name: str
    public_key: bytes


@dataclass(frozen=True)
class WitnessSet:
    """The witnesses in force at one height, and how many of them make a certificate.

    Making one raises CERTIFICATE_INVALID when no set of witnesses can be like this.
    """

    witnesses: tuple[Witness, ...]
    quorum: int

    def __post_init__(self) -> None:
        # A cosignature does not commit to its witness's name, so one key must not speak twice.
        for part in ("member", "name", "public_key"):
            found = {getattr(witness, part) for witness in self.witnesses}
            if len(found) != len(self.witnesses):
                raise LedgerError(Code.CERTIFICATE_INVALID, "two witnesses share a name or a key")
        if self.quorum < 1:
            raise LedgerError(Code.CERTIFICATE_INVALID, "no witness would have to sign")

    @cached_property
    def by_name(self) -> Mapping[str, Witness]:
        """The witnesses by the name they sign with."""
        return {witness.name: witness for witness in self.witnesses}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A head with the cosignatures of a quorum, and the note's bytes that hold them.

    Attributes:
        checkpoint: The head.
        cosignatures: By the witnesses' names, ascending.
        raw: The note.
    """

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]
    raw: bytes

    def encode(self) -> bytes:
        """The note's bytes."""
        return self.raw


def witness_set(consortium: Consortium) -> WitnessSet:
    """The witnesses of a consortium: each member's voting node, where it has one.

    A member counts from the block that records its node's promotion, not from its admission. A
    disqualified key is no witness, but its member's seat counts as before: the quorum is that of
    all seats, or else whoever convicts one liar would make it easier for the others.

    Raises:
        LedgerError: CERTIFICATE_INVALID, when no set of witnesses can be like this.
    """
    seats = [(member, node) for member, node in consortium.nodes if node.voter]
    witnesses = tuple(
        Witness(member, witness_name(member, node.node_id), node.witness_key)
        for member, node in seats
        if not node.disqualified
    )
    return WitnessSet(witnesses, certificate_quorum(consortium.rules, len(seats)))


def certify(
    witness_set: WitnessSet, checkpoint: Checkpoint, cosignatures: Iterable[Cosignature]
) -> Certificate:
    """Makes the certificate of a head from valid cosignatures, one for each witness at most.

    Raises:
        LedgerError: QUORUM_MISSING. Signatures are the caller's to check, when they come in.
    """
    ordered = tuple(sorted(cosignatures, key=lambda made: made.name))[:MAX_LINES]
    _check_quorum(witness_set, len(ordered))
    keys = witness_set.by_name
    lines = [made.line(keys[made.name].public_key) for made in ordered]
    return Certificate(checkpoint, ordered, encode_note(checkpoint.encode(), lines))


def check_certificate(raw: bytes, witness_set: WitnessSet, origin: str) -> Certificate:
    """Reads and checks a certificate: one bad line refuses it, whatever the others are.

    Args:
        raw: The note's bytes; they may be hostile.
        witness_set: The witnesses that were in force before the head's newest block.
        origin: The log that the head must be of.

    Raises:
        LedgerError: CERTIFICATE_INVALID or QUORUM_MISSING.
    """
    try:
        note = SignedNote.parse(raw)
        checkpoint = _read_head(note, origin)
        cosignatures = tuple([_checked(line, checkpoint, witness_set) for line in note.lines])
    except LedgerError as error:
        raise LedgerError(Code.CERTIFICATE_INVALID, error.detail) from None
    _check_quorum(witness_set, len(cosignatures))
    return Certificate(checkpoint, cosignatures, raw)


def accused(raw: bytes, witness_set: WitnessSet, origin: str) -> tuple[Witness, Evidence]:
    """The witness of a set that evidence convicts of signing two histories.

    Raises:
        LedgerError: EVIDENCE_INVALID, also when the key is no witness's of this set.
    """
    try:
        evidence = decode_evidence(raw)
    except LedgerError as error:
        raise LedgerError(Code.EVIDENCE_INVALID, error.detail) from None
    witness = witness_set.by_name.get(evidence.witness)
    if witness is None:
        raise LedgerError(Code.EVIDENCE_INVALID, f"{evidence.witness} is no witness here")
    return witness, check_evidence(raw, witness.public_key, origin)


def _checked(line: NoteLine, checkpoint: Checkpoint, witness_set: WitnessSet) -> Cosignature:
    witness = witness_set.by_name.get(line.name)
    if witness is None:
        raise LedgerError(Code.CERTIFICATE_INVALID, f"{line.name} is no witness of this head")
    cosignature = Cosignature.of_line(line, witness.public_key)
    try:
        check_cosignature(witness.public_key, checkpoint, cosignature)
    except LedgerError:
        detail = f"the signature of {line.name} is wrong"
        raise LedgerError(Code.CERTIFICATE_INVALID, detail) from None
    return cosignature


def _read_head(note: SignedNote, origin: str) -> Checkpoint:
    checkpoint = Checkpoint.decode(note.text)
    if checkpoint.origin != origin:
        raise LedgerError(Code.CERTIFICATE_INVALID, "the head is of another ledger")
    if any(one.name >= other.name for one, other in pairwise(note.lines)):
        raise LedgerError(Code.CERTIFICATE_INVALID, "its lines are not in the order of names")
    return checkpoint


def _check_quorum(witness_set: WitnessSet, signed: int) -> None:
    if signed < witness_set.quorum:
        known, needed = len(witness_set.witnesses), witness_set.quorum
        raise LedgerError(Code.QUORUM_MISSING, f"{signed} of {known} signed, {needed} must")
