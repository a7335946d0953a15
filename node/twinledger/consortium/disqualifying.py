"""Disqualifying a witness key that is convicted of signing two histories.

A node that finds evidence only keeps it. What takes a key out of the witness set is a transaction
that carries the evidence and that every node checks in execution: from the next block on the key
counts no more. It is the key that goes, not the member: its seat stays, the quorum with it, and by
its own admin it may register another key (`node_changes.update_node`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from twinledger.consortium.acting import Acting
from twinledger.consortium.members import Consortium, Member, load_consortium
from twinledger.consortium.nodes import Node, witness_name
from twinledger.consortium.storing import check_quorum, store
from twinledger.ledger.canonical import MapForm
from twinledger.ledger.checkpoint import origin_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import Evidence, check_evidence, decode_evidence
from twinledger.ledger.governance_operations import SubmitEvidence
from twinledger.ledger.receipt import Event, EventKind
from twinledger.ledger.state import StateDraft, StateView, split_leaf

PREFIX: Final = b"evidence/"
_FORM: Final = MapForm(evidence=bytes, height=int, submitter=str)


@dataclass(frozen=True, slots=True)
class Conviction:
    """Evidence that the ledger has executed; it stays for ever.

    Attributes:
        content: The evidence, canonical bytes.
        height: The block that disqualified the key.
        submitter: Who brought it, the transaction's first author.
    """

    content: bytes
    height: int
    submitter: str

    def encode(self) -> bytes:
        """The canonical leaf."""
        return _FORM.encode(self.content, self.height, self.submitter)

    @classmethod
    def decode(cls, raw: bytes) -> Conviction:
        """Reads the canonical leaf, or raises DATA_DAMAGED."""
        content, height, submitter = split_leaf(_FORM, raw)
        return cls(content, height, submitter)


def convictions(state: StateView) -> Iterator[Conviction]:
    """All evidence that a state has, in the order of the keys it convicts."""
    for _, raw in state.scan(PREFIX):
        yield Conviction.decode(raw)


def submit_evidence(state: StateDraft, operation: SubmitEvidence, acting: Acting) -> Event:
    """Takes a witness key that signed two histories out of the witness set.

    Raises:
        LedgerError: ACCESS_DENIED, EVIDENCE_INVALID, WITNESS_UNKNOWN, WITNESS_DISQUALIFIED;
            QUORUM_IMPOSSIBLE when too few keys would be left to certify anything.
    """
    acting.require_operator()
    consortium = load_consortium(state)
    evidence = _decode(operation.evidence)
    member, node = _witness_of(consortium, evidence)
    if node.disqualified:
        raise LedgerError(Code.WITNESS_DISQUALIFIED, evidence.witness)
    origin = origin_of(acting.chain_id, consortium.epoch)
    check_evidence(operation.evidence, node.witness_key, origin)
    nodes = tuple(replace(n, disqualified=True) if n == node else n for n in member.nodes)
    changed = consortium.with_member(replace(member, nodes=nodes))
    check_quorum(changed)
    store(state, consortium, changed)
    conviction = Conviction(operation.evidence, acting.height, acting.authors[0].identity)
    state.put(PREFIX + node.witness_key.hex().encode(), conviction.encode())
    return Event(EventKind.WITNESS_DISQUALIFIED, evidence.witness, 0)


def _decode(raw: bytes) -> Evidence:
    try:
        return decode_evidence(raw)
    except LedgerError as error:
        raise LedgerError(Code.EVIDENCE_INVALID, error.detail) from None


def _witness_of(consortium: Consortium, evidence: Evidence) -> tuple[Member, Node]:
    """The seat of the key that is accused, under the name that it has there."""
    for member in consortium.members:
        for node in member.nodes:
            if node.voter and node.witness_key == evidence.public_key:
                # A signature does not commit to the name, so anybody could have put another there.
                if evidence.witness != witness_name(member.name, node.node_id):
                    raise LedgerError(Code.EVIDENCE_INVALID, "it names another witness")
                return member, node
    raise LedgerError(Code.WITNESS_UNKNOWN, evidence.public_key.hex())
