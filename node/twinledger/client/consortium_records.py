"""Members, their nodes and identities, as nodes tell them and as proofs show them."""

from dataclasses import dataclass

from twinledger.client.nodes import Node
from twinledger.client.profile import TrustedNode
from twinledger.consortium import identities
from twinledger.ledger.operations import Role
from twinledger.v1 import consortium_service_pb2


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """An identity as the ledger has it.

    Attributes:
        identity: The full name, member/name.
        public_key: Its Ed25519 public key, 32 bytes.
        role: What it may do.
        revoked: Whether it was revoked; it stays so for ever.
        valid_from_us: From this block time on it may sign, microseconds since 1970; 0: always.
        valid_until_us: At this block time and later it may not any more; 0: no end.
    """

    identity: str
    public_key: bytes
    role: Role
    revoked: bool
    valid_from_us: int = 0
    valid_until_us: int = 0

    @classmethod
    def from_message(cls, message: consortium_service_pb2.IdentityRecord) -> "IdentityRecord":
        """Reads it from the wire."""
        return cls(
            message.identity,
            message.public_key,
            Role(message.role),
            message.revoked,
            message.valid_from_us,
            message.valid_until_us,
        )

    @classmethod
    def of(cls, record: identities.IdentityRecord) -> "IdentityRecord":
        """Of the record in the agreed state."""
        return cls(
            record.identity,
            record.public_key,
            record.role,
            record.revoked,
            record.valid_from_us,
            record.valid_until_us,
        )


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A member's node as the ledger has it.

    Attributes:
        node_id: Its id.
        peer_address: Where other nodes reach it, host:port.
        client_address: Where clients reach it, host:port.
        voter: Whether it takes part in ordering.
        witness_key: The Ed25519 key it cosigns heads with, 32 bytes.
        log_key: The Ed25519 key of the log's own line under a head it serves, 32 bytes.
        certificates: What it may show, each DER with the time until which it counts (microseconds
            since 1970), the newest last.
        disqualified: Whether its witness key was convicted of signing two histories.
    """

    node_id: str
    peer_address: str
    client_address: str
    voter: bool
    witness_key: bytes
    log_key: bytes
    certificates: tuple[tuple[bytes, int], ...]
    disqualified: bool

    @classmethod
    def from_message(cls, message: consortium_service_pb2.NodeRecord) -> "NodeRecord":
        """Reads it from the wire."""
        return cls(
            message.node_id,
            message.peer_address,
            message.client_address,
            message.voter,
            message.witness_key,
            message.log_key,
            tuple((each.der, each.valid_until_us) for each in message.certificates),
            message.disqualified,
        )

    def trusted(self) -> TrustedNode:
        """What a client needs of it to trust it."""
        certificates = tuple(der for der, _ in self.certificates)
        return TrustedNode(self.node_id, self.client_address, self.peer_address, certificates)


@dataclass(frozen=True, slots=True)
class Member:
    """A member and its nodes."""

    name: str
    nodes: tuple[NodeRecord, ...]


@dataclass(frozen=True, slots=True)
class Consortium:
    """The consortium at a height."""

    chain_id: bytes
    name: str
    members: tuple[Member, ...]
    height: int

    @property
    def client_addresses(self) -> tuple[str, ...]:
        """Where clients reach the nodes."""
        return tuple(node.client_address for member in self.members for node in member.nodes)

    @property
    def trusted_nodes(self) -> tuple[TrustedNode, ...]:
        """The nodes as a profile holds them."""
        return tuple(node.trusted() for member in self.members for node in member.nodes)

    @classmethod
    def from_message(cls, message: consortium_service_pb2.GetConsortiumResponse) -> "Consortium":
        """Reads it from the wire."""
        members = tuple(
            Member(
                member.name,
                tuple(NodeRecord.from_message(each) for each in member.nodes),
            )
            for member in message.members
        )
        return cls(message.chain_id, message.name, members, message.height)


async def read_consortium(node: Node, seconds: float) -> Consortium:
    """Asks one node for the consortium."""
    request = consortium_service_pb2.GetConsortiumRequest()
    return Consortium.from_message(await node.consortium.GetConsortium(request, timeout=seconds))
