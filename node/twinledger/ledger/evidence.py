"""Evidence: two heads of one key and origin that cannot both be of one growing tree.

A liar need not sign one size twice. Whatever two sizes it signed, the consistency proof from the
smaller to the larger, read under the larger root, fixes what the root at the smaller size was in
that tree. When the key signed another root at that size, it signed two histories. A node that was
misled but only ever extended its own branch has all its heads in one tree, so nothing here can name
it: that would need two trees of one root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from twinledger.ledger.canonical import MapForm
from twinledger.ledger.checkpoint import ROOT_SIZE, Checkpoint
from twinledger.ledger.cosignature import Cosignature, check_cosignature
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_proof import decode_way, encode_way, verify_consistency
from twinledger.ledger.history_tree import HistoryReader, consistency_proof, root
from twinledger.ledger.note import is_key_name

FORMAT: Final = 1
MAX_BYTES: Final = 4_096

_FORM = MapForm(
    format=int,
    key=bytes,
    larger_root=bytes,
    larger_signature=bytes,
    larger_size=int,
    larger_time_s=int,
    origin=str,
    path=bytes,
    smaller_root=bytes,
    smaller_signature=bytes,
    smaller_size=int,
    smaller_time_s=int,
    within=bytes,
    witness=str,
)


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head with one witness's cosignature under it."""

    checkpoint: Checkpoint
    cosignature: Cosignature


@dataclass(frozen=True, slots=True)
class Evidence:
    """Who signed two histories, and what shows it.

    Attributes:
        public_key: The witness key that signed both heads.
        smaller: The head of the smaller size; of two of one size, the one with the smaller root.
        larger: The other.
        root_within: The root that the larger head's tree had at the smaller size.
        way: The consistency proof from there to the larger head.
    """

    public_key: bytes
    smaller: SignedHead
    larger: SignedHead
    root_within: bytes
    way: tuple[bytes, ...]

    @property
    def witness(self) -> str:
        """The witness as it named itself, ``member/node``."""
        return self.larger.cosignature.name

    def encode(self) -> bytes:
        """The canonical bytes."""
        return _FORM.encode(
            FORMAT,
            self.public_key,
            *_fields(self.larger),
            self.larger.checkpoint.origin,
            encode_way(self.way),
            *_fields(self.smaller),
            self.root_within,
            self.witness,
        )


def find_evidence(
    reader: HistoryReader, public_key: bytes, one: SignedHead, other: SignedHead
) -> Evidence | None:
    """What two valid heads of one key and origin prove against it, if anything.

    Args:
        reader: The history tree that the head of the larger size is of; for two heads of one size
            it is not read.
        public_key: The key that signed both.
        one: A head.
        other: Another, of any size.

    Returns:
        The evidence, or None when the heads are consistent, or the tree is not the larger head's.
    """
    smaller, larger = sorted((one, other), key=_rank)
    first, second = smaller.checkpoint, larger.checkpoint
    within, way = second.root, tuple[bytes, ...]()
    if first.size < second.size:
        if root(reader, second.size) != second.root:
            return None
        within = root(reader, first.size)
        way = consistency_proof(reader, first.size, second.size)
    if within == first.root:
        return None
    return Evidence(public_key, smaller, larger, within, way)


def check_evidence(raw: bytes, public_key: bytes, origin: str) -> Evidence:
    """Checks that a key signed two inconsistent heads of a log.

    Args:
        raw: The canonical bytes of the evidence; they may be hostile.
        public_key: The witness key that is accused.
        origin: The log that the heads must be of.

    Raises:
        LedgerError: EVIDENCE_INVALID.
    """
    try:
        evidence = decode_evidence(raw)
        _check(evidence, public_key, origin)
    except LedgerError as error:
        if error.code is Code.EVIDENCE_INVALID:
            raise
        raise LedgerError(Code.EVIDENCE_INVALID, error.detail or error.message) from None
    return evidence


def decode_evidence(raw: bytes) -> Evidence:
    """Reads evidence without checking what it says.

    Raises:
        LedgerError: MALFORMED or PROOF_INVALID.
    """
    if len(raw) > MAX_BYTES:
        raise LedgerError(Code.MALFORMED, f"evidence has at most {MAX_BYTES} bytes")
    fields = _FORM.split(raw)
    found, public_key, larger, origin = fields[0], fields[1], fields[2:6], fields[6]
    way, smaller, within, witness = fields[7], fields[8:12], fields[12], fields[13]
    if found != FORMAT or not is_key_name(origin) or not is_key_name(witness):
        raise LedgerError(Code.MALFORMED, "its format, origin or witness is unknown")
    first, second = (_head(part, origin, witness) for part in (smaller, larger))
    return Evidence(public_key, first, second, within, decode_way(way))


def _check(evidence: Evidence, public_key: bytes, origin: str) -> None:
    smaller, larger = evidence.smaller, evidence.larger
    first, second = smaller.checkpoint, larger.checkpoint
    if evidence.public_key != public_key:
        raise LedgerError(Code.EVIDENCE_INVALID, "it is about another key")
    if second.origin != origin:
        raise LedgerError(Code.EVIDENCE_INVALID, "it is about another ledger")
    if _rank(smaller) >= _rank(larger):
        raise LedgerError(Code.EVIDENCE_INVALID, "its heads are the same or in the wrong order")
    for head in (smaller, larger):
        check_cosignature(public_key, head.checkpoint, head.cosignature)
    verify_consistency(evidence.root_within, first.size, second.root, second.size, evidence.way)
    if evidence.root_within == first.root:
        raise LedgerError(Code.EVIDENCE_INVALID, "its heads are consistent")


def _rank(head: SignedHead) -> tuple[int, bytes]:
    return head.checkpoint.size, head.checkpoint.root


def _fields(head: SignedHead) -> tuple[bytes, bytes, int, int]:
    checkpoint, cosignature = head.checkpoint, head.cosignature
    return checkpoint.root, cosignature.signature, checkpoint.size, cosignature.timestamp_s


def _head(fields: list[Any], origin: str, witness: str) -> SignedHead:
    root_, signature, size, time_s = fields
    if len(root_) != ROOT_SIZE or size < 1:
        raise LedgerError(Code.MALFORMED, "a head of it has no possible size or root")
    return SignedHead(Checkpoint(origin, size, root_), Cosignature(witness, time_s, signature))
