"""A chain in memory: a genesis of two members, blocks executed one on another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from twinledger.consensus import Configuration, EntryKind, NodeId
from twinledger.consortium.genesis import Genesis, build
from twinledger.consortium.members import Admin, Member
from twinledger.consortium.nodes import Node, NodeCertificate
from twinledger.execution.execute import (
    block_transactions,
    execute,
    genesis_block,
    limits_of,
)
from twinledger.execution.prepare import prepare
from twinledger.execution.results import Execution, Ordered
from twinledger.ledger.block import encode_body
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.limits import DEFAULT_LIMITS, Limits
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.state_tree_page import Page, PageKey
from twinledger.ledger.transaction import Signer, TransactionId, sign
from twinledger.v1.operation_pb2 import Operation

START_US = 1_795_305_600_000_000
SECOND_US = 1_000_000


def signer(identity: str) -> Signer:
    """An identity with a key that follows from its name."""
    return Signer(IdentityName(identity), SigningKey.load(identity.encode().ljust(32, b".")))


UTILITY = signer("utility/admin")
MAKER = signer("maker/admin")


def member(name: str, port: int) -> Member:
    admin = Admin("admin", signer(f"{name}/admin").key.public_key)
    return Member(MemberName(name), (admin,), (node(f"{name}-1", port),))


def node(node_id: str, port: int) -> Node:
    """A node with keys that follow from its name; nothing here reads its certificate."""
    return Node(
        NodeId(node_id),
        f"127.0.0.1:{port}",
        f"127.0.0.1:{port + 1}",
        voter=True,
        witness_key=signer(f"{node_id} witness").key.public_key,
        log_key=signer(f"{node_id} log").key.public_key,
        certificates=(NodeCertificate(f"certificate of {node_id}".encode(), START_US * 2),),
    )


def two_members(limits: Limits = DEFAULT_LIMITS) -> Genesis:
    members = [member("utility", 7000), member("maker", 7100)]
    genesis = Genesis.parse(build("two members", START_US, members, limits))
    return genesis.signed_by(UTILITY).signed_by(MAKER)


@dataclass
class MemoryState:
    """The plainest state there can be."""

    leaves: dict[bytes, bytes] = field(default_factory=dict)
    used: set[TransactionId] = field(default_factory=set)
    pages: dict[PageKey, Page] = field(default_factory=dict)

    def get(self, key: bytes) -> bytes | None:
        return self.leaves.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(sorted(item for item in self.leaves.items() if item[0].startswith(prefix)))

    def seen(self, transaction_id: TransactionId) -> bool:
        return transaction_id in self.used

    def tree_page(self, key: PageKey) -> Page:
        return self.pages[key]

    def take(self, execution: Execution) -> None:
        for key, value in execution.writes.items():
            if value is None:
                self.leaves.pop(key, None)
            else:
                self.leaves[key] = value
        self.used.update(item.transaction_id for item in execution.consumed)
        self.pages |= execution.tree.pages
        for page in execution.tree.stale:
            del self.pages[page]


class Chain:
    """Executes blocks and keeps the state, as a node would."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.genesis = two_members(limits)
        self.state = MemoryState()
        self.newest = genesis_block(self.genesis)
        self.state.take(self.newest)
        self._salt = 0

    @property
    def now_us(self) -> int:
        return self.newest.header.time_us

    def sign(
        self,
        *operations: Operation,
        by: Sequence[Signer] = (UTILITY,),
        expires_in_us: int = SECOND_US,
    ) -> bytes:
        """A signed transaction that lives a second of block time."""
        self._salt += 1
        salt = self._salt.to_bytes(16, "big")
        return sign(self.genesis.chain_id, by, operations, self.now_us + expires_in_us, salt)

    def payload(self, *transactions: bytes, time_us: int | None = None) -> bytes:
        """A block body with the clock at the newest block, unless another time is given."""
        return encode_body(self.now_us if time_us is None else time_us, transactions)

    def execute(
        self, payload: bytes, term: int = 1, kind: EntryKind = EntryKind.BLOCK
    ) -> Execution:
        """Executes a payload on the newest block, without keeping anything."""
        limits, chain_id = limits_of(self.state), self.genesis.chain_id
        ordered = Ordered(term, kind, payload)
        transactions = block_transactions(ordered.body, limits)
        prepared = [prepare(raw, limits, chain_id) for raw in transactions]
        return execute(self.newest.as_parent(), self.state, ordered, prepared, chain_id)

    def configure(self, configuration: Configuration) -> None:
        """Executes a block that records who orders, and keeps it."""
        self.newest = self.execute(configuration.encode(), kind=EntryKind.CONFIGURATION)
        self.state.take(self.newest)

    def append(self, *transactions: bytes, time_us: int | None = None) -> list[Receipt]:
        """Executes a block of these transactions, keeps it, and returns its receipts."""
        self.newest = self.execute(self.payload(*transactions, time_us=time_us))
        self.state.take(self.newest)
        return [Receipt.decode(raw) for raw in self.newest.receipts]

    def submit(self, *operations: Operation, by: Sequence[Signer] = (UTILITY,)) -> Receipt:
        """One transaction in a block of its own."""
        (receipt,) = self.append(self.sign(*operations, by=by))
        return receipt

    def outcome(self, *operations: Operation, by: Sequence[Signer] = (UTILITY,)) -> str:
        return self.submit(*operations, by=by).outcome
