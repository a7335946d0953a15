"""A member's node as the consortium's leaf has it: addresses, keys, certificates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from twinledger.consensus import NodeId
from twinledger.ledger import keys
from twinledger.ledger.canonical import CanonicalValue
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import MemberName

CERTIFICATE_BYTES_MAX: Final = 2_048
CERTIFICATES_MAX: Final = 2
"""Two stand side by side while a node changes from one to the other."""


@dataclass(frozen=True, slots=True)
class NodeCertificate:
    """A certificate that the node's transport may show.

    Attributes:
        der: X.509, self-signed, ECDSA P-256; at most 2,048 bytes. Here it is only bytes: whoever
            opens connections reads it.
        valid_until_us: Until when it counts, microseconds since 1970.
    """

    der: bytes
    valid_until_us: int


@dataclass(frozen=True, slots=True)
class Node:
    """A member's node.

    Attributes:
        node_id: Its id, never used twice.
        peer_address: Where other nodes reach it, host:port.
        client_address: Where clients reach it, host:port.
        voter: Whether it takes part in ordering, and cosigns heads for its member.
        witness_key: The Ed25519 key it cosigns heads with, 32 bytes; used for nothing else.
        log_key: The Ed25519 key of the log's own line under a head it serves, 32 bytes.
        certificates: One, or two while one is exchanged for the other.
        disqualified: Whether this witness key was convicted of signing two histories: its
            cosignatures count no more, and its member's seat is empty until it has another key.
    """

    node_id: NodeId
    peer_address: str
    client_address: str
    voter: bool
    witness_key: bytes
    log_key: bytes
    certificates: tuple[NodeCertificate, ...]
    disqualified: bool = False

    def value(self) -> CanonicalValue:
        """Its place in the leaf, without its id."""
        certificates: list[CanonicalValue] = [
            {"der": each.der, "valid_until_us": each.valid_until_us} for each in self.certificates
        ]
        return {
            "peer_address": self.peer_address,
            "client_address": self.client_address,
            "voter": self.voter,
            "witness_key": self.witness_key,
            "log_key": self.log_key,
            "certificates": certificates,
            "disqualified": self.disqualified,
        }


def read_node(node_id: str, value: CanonicalValue) -> Node:
    """Reads a node's place in the leaf, or raises DATA_DAMAGED."""
    match value:
        case {
            "peer_address": str(peer_address),
            "client_address": str(client_address),
            "voter": bool(voter),
            "witness_key": bytes(witness_key),
            "log_key": bytes(log_key),
            "certificates": list(certificates),
            "disqualified": bool(disqualified),
            **other,
        } if not other:
            return Node(
                NodeId(node_id),
                peer_address,
                client_address,
                voter,
                witness_key,
                log_key,
                tuple(_read_certificate(each) for each in certificates),
                disqualified,
            )
        case _:
            raise record_damaged()


def witness_name(member: MemberName, node_id: NodeId) -> str:
    """The name a node cosigns heads under, member/node id."""
    return f"{member}/{node_id}"


def check_certificate_size(der: bytes) -> None:
    """Refuses, with BAD_CERTIFICATE, bytes that are too few or too many to be a certificate."""
    if not 1 <= len(der) <= CERTIFICATE_BYTES_MAX:
        raise LedgerError(Code.BAD_CERTIFICATE, f"it has 1 to {CERTIFICATE_BYTES_MAX} bytes")


def check_node_keys(node: Node) -> None:
    """Refuses, with BAD_KEY, a node whose keys are no keys or one and the same."""
    for key in (node.witness_key, node.log_key):
        keys.check_public_key(key)
    if node.witness_key == node.log_key:
        raise LedgerError(Code.BAD_KEY, f"node {node.node_id} has one key for two purposes")


def record_damaged() -> LedgerError:
    """The refusal of a consortium's leaf."""
    return LedgerError(Code.DATA_DAMAGED, "the state's consortium record is not well-formed")


def _read_certificate(value: CanonicalValue) -> NodeCertificate:
    match value:
        case {"der": bytes(der), "valid_until_us": int(valid_until_us)}:
            return NodeCertificate(der, valid_until_us)
        case _:
            raise record_damaged()
