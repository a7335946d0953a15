"""Evidence as services tell it: what this node found, and what the ledger has executed."""

from collections.abc import Iterable

from twinledger.consortium.disqualifying import convictions
from twinledger.ledger.evidence import Evidence, decode_evidence
from twinledger.ledger.state import StateView
from twinledger.v1 import ledger_service_pb2 as pb


def evidence_response(found: Iterable[Evidence], state: StateView) -> pb.ListEvidenceResponse:
    """Return one piece for each convicted key; what was executed stands for what was found here.

    Args:
        found: What this node found, or was shown, and checked.
        state: The newest state.
    """
    listed = {each.public_key: _message(each, each.encode()) for each in found}
    for conviction in convictions(state):
        evidence = decode_evidence(conviction.content)
        message = _message(evidence, conviction.content)
        message.disqualified_height = conviction.height
        listed[evidence.public_key] = message
    return pb.ListEvidenceResponse(evidence=[listed[key] for key in sorted(listed)])


def _message(evidence: Evidence, content: bytes) -> pb.Evidence:
    return pb.Evidence(witness=evidence.witness, public_key=evidence.public_key, content=content)
