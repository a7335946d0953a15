"""Evidence against witnesses whose keys follow from their nodes' names, as in `execution.chain`."""

from tests.unit.execution.chain import signer
from tests.unit.ledger.heads import NOW_S, branch, head_of
from tests.unit.ledger.trees import MemoryHistory
from twinledger.consensus import NodeId
from twinledger.consortium.nodes import witness_name
from twinledger.ledger.checkpoint import origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.evidence import Evidence, SignedHead, find_evidence
from twinledger.ledger.names import MemberName

ONE, TWO = (MemoryHistory.of(branch(3, name, 9)) for name in (b"one", b"two"))


def evidence_against(
    member: str,
    chain_id: bytes,
    *,
    sizes: tuple[int, int] = (5, 8),
    epoch: int = 0,
    node_id: str = "",
    named: str = "",
) -> Evidence:
    """What convicts a member's node that signed one tree at the first size, another at the second.

    `named` is the name it signed under, when it is not its own.
    """
    node = node_id or f"{member}-1"
    key = signer(f"{node} witness").key
    name = named or witness_name(MemberName(member), NodeId(node))
    origin = origin_of(chain_id, epoch)
    heads = (head_of(tree, size, origin) for tree, size in zip((ONE, TWO), sizes, strict=True))
    signed = [SignedHead(head, cosign(key, name, head, NOW_S)) for head in heads]
    found = find_evidence(TWO, key.public_key, *signed)
    assert found is not None, "the two heads are consistent"
    return found
