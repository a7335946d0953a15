"""Reading what convicts witnesses of signing two histories.

Evidence needs no trust in who hands it over: it is checked here, with the accused key alone.
"""

from dataclasses import dataclass

from twinledger.client.nodes import Node
from twinledger.ledger.checkpoint import origin_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import Evidence, check_evidence, decode_evidence
from twinledger.v1 import ledger_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class ListedEvidence:
    """Evidence that a node has; it was checked.

    Attributes:
        evidence: Two heads that one key signed, and what proves that they are of two histories.
        content: Its canonical bytes.
        disqualified_height: The block that took the key out of the witness set, as the node says;
            None while none did.
    """

    evidence: Evidence
    content: bytes
    disqualified_height: int | None

    @property
    def witness(self) -> str:
        """The witness as it named itself, member/node."""
        return self.evidence.witness

    @property
    def public_key(self) -> bytes:
        """The key that signed both heads, 32 bytes."""
        return self.evidence.public_key

    def fits(self, text: str) -> bool:
        """Whether a text means it: the witness's name, or the first digits of its key in hex."""
        return text == self.witness or (bool(text) and self.public_key.hex().startswith(text))


async def read_evidence(node: Node, seconds: float, chain_id: bytes) -> list[ListedEvidence]:
    """Asks one node for all the evidence it has.

    Raises:
        LedgerError: EVIDENCE_INVALID, when it accuses a key without proof.
    """
    response = await node.ledger.ListEvidence(pb.ListEvidenceRequest(), timeout=seconds)
    return [_listed(each, chain_id) for each in response.evidence]


def check_for_chain(content: bytes, chain_id: bytes) -> Evidence:
    """Checks that somebody signed two histories of a chain, in whichever epoch.

    Raises:
        LedgerError: EVIDENCE_INVALID.
    """
    try:
        evidence = decode_evidence(content)
    except LedgerError as error:
        raise LedgerError(Code.EVIDENCE_INVALID, error.detail) from None
    origin, chain = evidence.larger.checkpoint.origin, origin_of(chain_id)
    if origin != chain and not origin.startswith(f"{chain}/epoch-"):
        raise LedgerError(Code.EVIDENCE_INVALID, "it is about another ledger")
    return check_evidence(content, evidence.public_key, origin)


def _listed(message: pb.Evidence, chain_id: bytes) -> ListedEvidence:
    evidence = check_for_chain(message.content, chain_id)
    if (message.witness, message.public_key) != (evidence.witness, evidence.public_key):
        raise LedgerError(Code.EVIDENCE_INVALID, "the node says that it is about somebody else")
    height = message.disqualified_height if message.HasField("disqualified_height") else None
    return ListedEvidence(evidence, message.content, height)
