"""Keeping a changed consortium: its set number, and what is dead for ever.

A node id, a witness key or a log key that once left the consortium never comes back: somebody may
still hold what was signed with it, or the key itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from twinledger.consensus import NodeId
from twinledger.consortium.distinct import common_fault
from twinledger.consortium.members import CONSORTIUM_KEY, Consortium, Member, Node
from twinledger.consortium.nodes import check_certificate_size, check_node_keys
from twinledger.consortium.rules import certificate_quorum
from twinledger.ledger.canonical import encode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.state import StateDraft, StateView


def store(state: StateDraft, before: Consortium, after: Consortium) -> None:
    """Keeps the consortium; its set number moves on when who certifies changed."""
    number = before.set_number + (_certifying(before) != _certifying(after))
    state.put(CONSORTIUM_KEY, replace(after, set_number=number).encode())


def _certifying(consortium: Consortium) -> tuple[object, ...]:
    """Who cosigns heads with which key, and how many of them it takes."""
    voters = [
        (member, node.node_id, node.witness_key, node.disqualified)
        for member, node in consortium.nodes
        if node.voter
    ]
    return (consortium.rules.certificate_quorum, *voters)


def check_quorum(after: Consortium) -> None:
    """Refuses, with QUORUM_IMPOSSIBLE, a consortium that could never certify a head again.

    The set before a block certifies it. So with fewer keys than the quorum not even the block that
    brings in another key could be certified, whatever anybody does.
    """
    seats = [node for _, node in after.nodes if node.voter]
    able = sum(not node.disqualified for node in seats)
    needed = max(1, certificate_quorum(after.rules, len(seats)))
    if able < needed:
        detail = f"only {able} members' nodes would cosign, {needed} must"
        raise LedgerError(Code.QUORUM_IMPOSSIBLE, detail)


def check_distinct(members: Sequence[Member]) -> None:
    """Refuses, with MEMBER_CONFLICT, what two parts of a consortium must not share."""
    if fault := common_fault(members):
        raise LedgerError(Code.MEMBER_CONFLICT, fault)


def check_new_node(state: StateView, node: Node) -> None:
    """Refuses a node with an id or a key that is dead.

    Raises:
        LedgerError: NODE_ID_USED, KEY_USED.
    """
    if state.get(_node_key(node.node_id)) is not None:
        raise LedgerError(Code.NODE_ID_USED, node.node_id)
    check_keys_unused(state, _keys(node))


def check_keys_unused(state: StateView, keys: Iterable[bytes]) -> None:
    """Refuses, with KEY_USED, a key that is dead."""
    for key in keys:
        if state.get(_key_key(key)) is not None:
            raise LedgerError(Code.KEY_USED, key.hex())


def check_record(node: Node) -> None:
    """Refuses a node's record that could not stand in a genesis file.

    Raises:
        LedgerError: BAD_KEY, BAD_CERTIFICATE.
    """
    check_node_keys(node)
    for certificate in node.certificates:
        check_certificate_size(certificate.der)


def bury_node(state: StateDraft, node: Node, height: int) -> None:
    """Makes a node's id and keys dead for ever."""
    state.put(_node_key(node.node_id), encode(height))
    bury_keys(state, _keys(node), height)


def bury_keys(state: StateDraft, keys: Iterable[bytes], height: int) -> None:
    """Makes keys dead for ever."""
    for key in keys:
        state.put(_key_key(key), encode(height))


def _keys(node: Node) -> tuple[bytes, bytes]:
    return node.witness_key, node.log_key


def _node_key(node_id: NodeId) -> bytes:
    return f"dead-node/{node_id}".encode()


def _key_key(key: bytes) -> bytes:
    return f"dead-key/{key.hex()}".encode()
