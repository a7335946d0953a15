"""What a member changes about its own node by its admin alone: addresses, keys, the node itself."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from twinledger.consensus import NodeId
from twinledger.consortium.acting import Acting
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.members import Consortium, Member, load_consortium
from twinledger.consortium.nodes import CERTIFICATES_MAX, Node, NodeCertificate
from twinledger.consortium.storing import (
    bury_keys,
    bury_node,
    check_distinct,
    check_keys_unused,
    check_new_node,
    check_quorum,
    check_record,
    store,
)
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.governance_operations import BringNode, ReplaceNode, UpdateNode
from twinledger.ledger.receipt import Event, EventKind
from twinledger.ledger.state import StateDraft


def update_node(state: StateDraft, operation: UpdateNode, acting: Acting) -> Event:
    """Changes a node's record. A key that is changed is dead for ever.

    With another witness key a member whose key was disqualified has a voice in certificates again.

    Raises:
        LedgerError: NODE_NOT_FOUND, ACCESS_DENIED, NO_CHANGE, KEY_USED, MEMBER_CONFLICT, BAD_KEY,
            BAD_CERTIFICATE, LAST_CERTIFICATE.
    """
    consortium = load_consortium(state)
    member, before = _node_of(consortium, operation.node_id)
    acting.require_admin(member.name)
    after = replace(
        before,
        peer_address=operation.peer_address or before.peer_address,
        client_address=operation.client_address or before.client_address,
        witness_key=operation.witness_key or before.witness_key,
        log_key=operation.log_key or before.log_key,
        certificates=_certificates(before, operation),
    )
    if after.witness_key != before.witness_key:
        after = replace(after, disqualified=False)
    if after == before:
        raise LedgerError(Code.NO_CHANGE, before.node_id)
    check_record(after)
    check_keys_unused(state, _differing(after, before))
    _store_node(state, consortium, member, before, after)
    bury_keys(state, _differing(before, after), acting.height)
    return Event(EventKind.NODE_UPDATED, after.node_id, 0)


def replace_node(state: StateDraft, operation: ReplaceNode, acting: Acting) -> Event:
    """Puts a new node in the place of a member's own, whose id and keys are then dead for ever.

    The new one speaks for its member from the block that records its promotion, as any newcomer.

    Raises:
        LedgerError: NODE_NOT_FOUND, ACCESS_DENIED, JOIN_INVALID, NODE_ID_USED, KEY_USED,
            MEMBER_CONFLICT; QUORUM_IMPOSSIBLE when too few others cosign meanwhile.
    """
    consortium = load_consortium(state)
    member, before = _node_of(consortium, operation.node_id)
    acting.require_admin(member.name)
    after = _learner(JoinFile.parse(operation.join_file).member, member)
    if after.node_id == before.node_id:
        raise LedgerError(Code.NODE_ID_USED, after.node_id)
    check_new_node(state, after)
    check_quorum(_store_node(state, consortium, member, before, after))
    bury_node(state, before, acting.height)
    return Event(EventKind.NODE_REPLACED, after.node_id, 0)


def bring_node(state: StateDraft, operation: BringNode, acting: Acting) -> Event:
    """Gives a member that has no node, as it brought none to a recovery, one again.

    No quorum changes here: the node learns. Once it votes there is one seat more to certify, which
    asks for one signature more at the most, and its own is there.

    Raises:
        LedgerError: JOIN_INVALID, MEMBER_NOT_FOUND, ACCESS_DENIED, SEAT_TAKEN, NODE_ID_USED,
            KEY_USED, MEMBER_CONFLICT.
    """
    consortium = load_consortium(state)
    joining = JoinFile.parse(operation.join_file).member
    member = consortium.member(joining.name)
    if member is None:
        raise LedgerError(Code.MEMBER_NOT_FOUND, joining.name)
    acting.require_admin(member.name)
    if member.nodes:
        raise LedgerError(Code.SEAT_TAKEN, f"{member.name} has {member.nodes[0].node_id}")
    brought = _learner(joining, member)
    check_new_node(state, brought)
    _store_nodes(state, consortium, member, (brought,))
    return Event(EventKind.NODE_REPLACED, brought.node_id, 0)


def _learner(joining: Member, member: Member) -> Node:
    """The node of a member's join file; it speaks for the member from its promotion on."""
    if joining.name != member.name or not set(joining.admins) <= set(member.admins):
        raise LedgerError(Code.JOIN_INVALID, f"it is not of {member.name} and its admins now")
    (node,) = joining.nodes
    return replace(node, voter=False)


def _node_of(consortium: Consortium, node_id: NodeId) -> tuple[Member, Node]:
    for member in consortium.members:
        for node in member.nodes:
            if node.node_id == node_id:
                return member, node
    raise LedgerError(Code.NODE_NOT_FOUND, node_id)


def _certificates(before: Node, operation: UpdateNode) -> tuple[NodeCertificate, ...]:
    kept = {each.der: each for each in before.certificates}
    if operation.add_certificate is not None:
        added = NodeCertificate(*operation.add_certificate)
        kept[added.der] = added
    if operation.remove_certificate is not None:
        named = [der for der in kept if sha256(der).digest() == operation.remove_certificate]
        if not named:
            shown = operation.remove_certificate.hex()
            raise LedgerError(Code.BAD_CERTIFICATE, f"the record has none with SHA-256 {shown}")
        del kept[named[0]]
    if not 1 <= len(kept) <= CERTIFICATES_MAX:
        raise LedgerError(Code.LAST_CERTIFICATE, before.node_id)
    return tuple(kept.values())


def _differing(these: Node, those: Node) -> tuple[bytes, ...]:
    """The keys of these that those do not have."""
    others = (those.witness_key, those.log_key)
    return tuple(key for key in (these.witness_key, these.log_key) if key not in others)


def _store_node(
    state: StateDraft, consortium: Consortium, member: Member, before: Node, after: Node
) -> Consortium:
    nodes = tuple(after if node == before else node for node in member.nodes)
    return _store_nodes(state, consortium, member, nodes)


def _store_nodes(
    state: StateDraft, consortium: Consortium, member: Member, nodes: tuple[Node, ...]
) -> Consortium:
    ordered = tuple(sorted(nodes, key=lambda node: node.node_id))
    changed = consortium.with_member(replace(member, nodes=ordered))
    check_distinct(changed.members)
    store(state, consortium, changed)
    return changed
