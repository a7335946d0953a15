"""Blocks, heads and nodes as a node tells them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from twinledger.client.receipts import Cursor
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.header import BlockHeader, header_hash
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.transaction import TransactionId, transaction_id
from twinledger.ledger.wire import read_message
from twinledger.v1 import block_pb2, ledger_service_pb2, operator_service_pb2, transaction_pb2


@dataclass(frozen=True, slots=True)
class Block:
    """A block; every byte string is what was hashed.

    Attributes:
        header: The decoded header.
        header_hash: The hash that names the block, computed here from its bytes.
        header_bytes: The header as it travelled.
        kind: BLOCK or CONFIGURATION; None in a block that was proven: no header tells it.
        transactions: Serialized SignedTransactions, in order.
        receipts: Their receipts, in order.
    """

    header: BlockHeader
    header_hash: bytes
    header_bytes: bytes
    kind: str | None
    transactions: tuple[bytes, ...]
    receipts: tuple[Receipt, ...]

    @property
    def height(self) -> int:
        """Its height; 0 is genesis."""
        return self.header.height

    @property
    def end(self) -> Cursor:
        """The place after its last transaction."""
        return Cursor(self.height, max(0, len(self.transactions) - 1))

    @classmethod
    def from_message(cls, message: block_pb2.Block, *, proven: bool = False) -> "Block":
        """Reads it from the wire; `proven` leaves out what no proof shows.

        Raises:
            LedgerError: MALFORMED when header or receipts are not of a format we know.
        """
        return cls(
            BlockHeader.decode(message.header),
            header_hash(message.header),
            message.header,
            None if proven else _kind_of(message),
            tuple(message.transactions),
            tuple(Receipt.decode(raw) for raw in message.receipts),
        )


def _kind_of(message: block_pb2.Block) -> str:
    return block_pb2.EntryKind.Name(message.kind).removeprefix("ENTRY_KIND_")


def body_of(raw: bytes) -> tuple[TransactionId, transaction_pb2.TransactionBody] | None:
    """The id and the body of a transaction in a block; None for bytes that are none.

    A faulty leader can put anything into a block; execution gives it a receipt and no effect.
    """
    try:
        signed = read_message(transaction_pb2.SignedTransaction, raw)
        body = read_message(transaction_pb2.TransactionBody, signed.body)
    except LedgerError:
        return None
    return transaction_id(signed.body), body


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block that a node has executed; where reads are verified, that is certified.

    Attributes:
        chain_id: The chain, 32 bytes.
        header: The block's header.
        header_hash: Its hash, computed here.
        certificate: The newest certificate of the node, a signed note; empty while it has none.
            Unless reads are verified nothing of it is checked.
        certified_height: The height that the certificate is of; None without one.
    """

    chain_id: bytes
    header: BlockHeader
    header_hash: bytes
    certificate: bytes = b""
    certified_height: int | None = None

    @property
    def height(self) -> int:
        """Its height."""
        return self.header.height

    @classmethod
    def from_message(cls, message: ledger_service_pb2.GetHeadResponse) -> "Head":
        """Reads it from the wire; the hash is computed here."""
        return cls(
            message.chain_id,
            BlockHeader.decode(message.header),
            header_hash(message.header),
            message.certificate,
            message.certified_height if message.certificate else None,
        )


class NodeRole(StrEnum):
    """What a node is in the ordering protocol."""

    UNKNOWN = "unknown"
    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"
    LEARNER = "learner"


_ROLES: Final = {
    operator_service_pb2.NODE_ROLE_FOLLOWER: NodeRole.FOLLOWER,
    operator_service_pb2.NODE_ROLE_PRE_CANDIDATE: NodeRole.PRE_CANDIDATE,
    operator_service_pb2.NODE_ROLE_CANDIDATE: NodeRole.CANDIDATE,
    operator_service_pb2.NODE_ROLE_LEADER: NodeRole.LEADER,
    operator_service_pb2.NODE_ROLE_LEARNER: NodeRole.LEARNER,
}


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """How a node sees another one."""

    node_id: str
    address: str
    connected: bool
    match_height: int


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """How a node is; fields as in operator_service.proto, times in microseconds.

    Attributes:
        certified_height: The height of its newest certificate; None while it has none.
        certified_at_s: When the witnesses signed that, the oldest of them; seconds since 1970.
        signed_height: The height of the newest head that it signed; None when it signed none.
        evidence_count: How many witnesses it can convict of signing two histories.
        certificate_days_left: For each node, how many days its newest certificate still counts; 0
            or less when it is over.
    """

    node_id: str
    member: str
    chain_id: bytes
    role: NodeRole
    term: int
    leader_id: str | None
    height: int
    committed_height: int
    applied_height: int
    head: bytes
    block_time_us: int
    pool_transactions: int
    pool_bytes: int
    pool_capacity: int
    peers: tuple[PeerStatus, ...]
    disk_free_bytes: int
    uptime_us: int
    version: str
    warnings: tuple[str, ...]
    certified_height: int | None = None
    certified_at_s: int = 0
    signed_height: int | None = None
    evidence_count: int = 0
    certificate_days_left: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_message(cls, message: operator_service_pb2.GetStatusResponse) -> "NodeStatus":
        """Reads it from the wire."""
        return cls(
            node_id=message.node_id,
            member=message.member,
            chain_id=message.chain_id,
            role=_ROLES.get(message.role, NodeRole.UNKNOWN),
            term=message.term,
            leader_id=message.leader_id or None,
            height=message.height,
            committed_height=message.committed_height,
            applied_height=message.applied_height,
            head=message.head,
            block_time_us=message.block_time_us,
            pool_transactions=message.pool_transactions,
            pool_bytes=message.pool_bytes,
            pool_capacity=message.pool_capacity,
            peers=tuple(
                PeerStatus(each.node_id, each.address, each.connected, each.match_height)
                for each in message.peers
            ),
            disk_free_bytes=message.disk_free_bytes,
            uptime_us=message.uptime_us,
            version=message.version,
            warnings=tuple(message.warnings),
            certified_height=(
                message.certified_height if message.HasField("certified_height") else None
            ),
            certified_at_s=message.certified_at_s,
            signed_height=message.signed_height if message.HasField("signed_height") else None,
            evidence_count=message.evidence_count,
            certificate_days_left={each.node_id: each.days_left for each in message.certificates},
        )
