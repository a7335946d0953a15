"""Builds the operations of the consortium: proposals, votes, and what a member does to its node."""

from collections.abc import Iterable

from twinledger.client.building import checked
from twinledger.client.operations import Operation
from twinledger.ledger.governance_operations import (
    AdmitMember,
    Change,
    ChangeProtocol,
    ChangeRules,
    RemoveMember,
)
from twinledger.v1 import governance_pb2, operation_pb2


@checked
def propose(ground: bytes, change: Change) -> Operation:
    """Proposes a change on the ground that its plan was made on, and approves it."""
    message = governance_pb2.Propose(ground=ground)
    match change:
        case AdmitMember(join_file):
            message.admit_member.join_file = join_file
        case RemoveMember(member):
            message.remove_member.member = member
        case ChangeRules(rules, limits):
            message.change_rules.rules.extend(_values(rules))
            message.change_rules.limits.extend(_values(limits))
        case ChangeProtocol(version, activation_height):
            message.change_protocol.version = version
            message.change_protocol.activation_height = activation_height
    return Operation(propose=message)


def _values(numbers: Iterable[tuple[str, int]]) -> list[governance_pb2.RuleValue]:
    return [governance_pb2.RuleValue(name=name, value=value) for name, value in numbers]


@checked
def vote(proposal: int, plan: bytes, *, approve: bool) -> Operation:
    """Votes on a proposal for the author's member; `plan` is the hash of what it says."""
    return Operation(vote=governance_pb2.Vote(proposal=proposal, plan=plan, approve=approve))


@checked
def withdraw(proposal: int) -> Operation:
    """Takes back a proposal of the author's member."""
    return Operation(withdraw=governance_pb2.Withdraw(proposal=proposal))


@checked
def update_node(
    node_id: str,
    *,
    peer_address: str | None = None,
    client_address: str | None = None,
    witness_key: bytes | None = None,
    log_key: bytes | None = None,
    add_certificate: tuple[bytes, int] | None = None,
    remove_certificate: bytes | None = None,
) -> Operation:
    """Changes the record of a node of the author's member.

    Args:
        node_id: The node.
        peer_address: Where other nodes reach it, host:port.
        client_address: Where clients reach it, host:port.
        witness_key: The key it cosigns heads with, 32 bytes.
        log_key: The key of the log's own line, 32 bytes.
        add_certificate: DER, and until when it counts in microseconds since 1970.
        remove_certificate: The SHA-256 of a DER, 32 bytes.
    """
    message = governance_pb2.UpdateNode(
        node_id=node_id,
        peer_address=peer_address,
        client_address=client_address,
        witness_key=witness_key,
        log_key=log_key,
        remove_certificate=remove_certificate,
    )
    if add_certificate is not None:
        message.add_certificate.der, message.add_certificate.valid_until_us = add_certificate
    return Operation(update_node=message)


@checked
def replace_node(node_id: str, join_file: bytes) -> Operation:
    """Puts the node of a join file in the place of another of the author's member."""
    message = governance_pb2.ReplaceNode(node_id=node_id, join_file=join_file)
    return Operation(replace_node=message)


@checked
def bring_node(join_file: bytes) -> Operation:
    """Gives the node of a join file to the author's member, which has none."""
    return Operation(replace_node=governance_pb2.ReplaceNode(join_file=join_file))


@checked
def submit_evidence(evidence: bytes) -> Operation:
    """Disqualifies the witness key that this evidence convicts; canonical bytes."""
    return Operation(submit_evidence=governance_pb2.SubmitEvidence(evidence=evidence))


@checked
def rotate_key(identity: str, public_key: bytes) -> Operation:
    """Gives an identity another Ed25519 key, 32 bytes."""
    message = operation_pb2.RotateKey(identity=identity, public_key=public_key)
    return Operation(rotate_key=message)
