"""Admitting, revoking and reading identities; and the members they belong to."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime

from twinledger.client import building, operations
from twinledger.client.nodes import Node
from twinledger.client.operations import Operation
from twinledger.client.profile import TrustedNode
from twinledger.client.receipts import Receipt
from twinledger.client.session import Session, receipt_of
from twinledger.ledger.operations import Role
from twinledger.v1 import consortium_service_pb2

_PAGE_SIZE = 500


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """An identity as the ledger has it."""

    identity: str
    public_key: bytes
    role: Role
    revoked: bool


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


class Identities:
    """A ledger's identities, as `ledger.identities`. Changing them takes an admin of the member."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def admit(
        self,
        identity: str,
        public_key: bytes,
        role: Role,
        *,
        valid_from: datetime | int = 0,
        valid_until: datetime | int = 0,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Admits an identity (member/name) with its Ed25519 public key, 32 bytes.

        It may sign from the block time `valid_from` on and until before `valid_until`; 0 sets no
        bound, and an admin has none.
        """
        operation = operations.admit_identity(identity, public_key, role, valid_from, valid_until)
        return await self._submit(operation, timeout_seconds)

    async def revoke(self, identity: str, *, timeout_seconds: float | None = None) -> Receipt:
        """Revokes an identity for ever; its name is never used again."""
        return await self._submit(operations.revoke_identity(identity), timeout_seconds)

    async def list(
        self, *, member: str = "", after: str = ""
    ) -> AsyncGenerator[IdentityRecord, None]:
        """Identities in the order of their names, revoked ones too; pages are read as needed."""
        request = building.request(
            consortium_service_pb2.ListIdentitiesRequest,
            member=member,
            page_size=_PAGE_SIZE,
            after_identity=after,
        )

        async def attempt(
            node: Node, seconds: float
        ) -> consortium_service_pb2.ListIdentitiesResponse:
            return await node.consortium.ListIdentities(request, timeout=seconds)

        while True:
            response = await self._session.read(attempt)
            for each in response.identities:
                yield IdentityRecord(each.identity, each.public_key, Role(each.role), each.revoked)
            if not response.next_after_identity:
                return
            request.after_identity = response.next_after_identity

    async def _submit(self, operation: Operation, timeout_seconds: float | None) -> Receipt:
        transaction = self._session.sign([operation])
        return receipt_of(await self._session.submit(transaction, timeout_seconds=timeout_seconds))
