"""Makes real chains fast: signed transactions, executed straight into the stores of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twinledger.client import operations as op
from twinledger.consensus import (
    Configuration,
    Entry,
    EntryKind,
    HardState,
    Index,
    NodeId,
    Persist,
    Term,
    make_entry,
)
from twinledger.consortium.genesis import Genesis, build
from twinledger.consortium.members import Admin, Member, Node, NodeCertificate
from twinledger.execution.execute import block_transactions, execute, genesis_block
from twinledger.execution.prepare import prepare
from twinledger.execution.results import Execution, Ordered, Parent
from twinledger.ledger.block import encode_body
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.transaction import Signer, sign
from twinledger.storage import DataFolder, Stores
from twinledger.v1 import operation_pb2

NODE = NodeId("utility-1")
TIME_US = 1_795_000_000_000_000
BLOCK_US = 1_000_000
_AT_ONCE = 100


def admin_of(name: str) -> Signer:
    """A member's one admin."""
    key = SigningKey.load(name.encode().ljust(32, b"-"))
    return Signer(IdentityName(f"{name}/admin"), key)


ADMIN = admin_of("utility")


def witness_key(name: str) -> SigningKey:
    """The key that the node of a member signs heads with."""
    return SigningKey.load(name.encode().ljust(32, b"."))


def member(name: str, peer: str = "127.0.0.1:1", client: str = "127.0.0.1:2") -> Member:
    """A member with one node and one admin."""
    node = Node(
        node_id=NodeId(f"{name}-1"),
        peer_address=peer,
        client_address=client,
        voter=True,
        witness_key=witness_key(name).public_key,
        log_key=SigningKey.load(witness_key(name).seed[::-1]).public_key,
        certificates=(NodeCertificate(name.encode(), 2 * TIME_US),),
    )
    return Member(MemberName(name), (Admin("admin", admin_of(name).key.public_key),), (node,))


@dataclass
class Chain:
    """A chain of one member that grows in an open folder."""

    folder: DataFolder
    stores: Stores
    genesis: Genesis

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        kept_heights: int = 16,
        lifetime_us: int = 3_600_000_000,
        members: Sequence[Member] = (),
    ) -> "Chain":
        """Make a folder with the block of genesis; the first member is the one that acts."""
        members = members or [member("utility")]
        genesis = Genesis.parse(
            build("chains", TIME_US, members, Limits(max_lifetime_us=lifetime_us))
        )
        for one in members:
            genesis = genesis.signed_by(admin_of(one.name))
        DataFolder.create(path, genesis.raw, NODE, reserve_bytes=1 << 20)
        chain = cls.open(path, kept_heights=kept_heights)
        chain.begin()
        return chain

    def begin(self) -> None:
        """Write the block of genesis."""
        self.stores.chain.apply(genesis_block(self.genesis))

    @classmethod
    def open(cls, path: Path, *, kept_heights: int = 16) -> "Chain":
        """Open a folder that was made here."""
        folder = DataFolder.open(path, reserve_bytes=1 << 20)
        stores = folder.open_stores(kept_heights=kept_heights)
        return cls(folder, stores, Genesis.parse(folder.genesis))

    def sign(self, height: int, *operations: operation_pb2.Operation, salt: int = 0) -> bytes:
        """A transaction for the block of a height, by the one admin."""
        return sign(
            self.genesis.chain_id,
            [ADMIN],
            operations,
            TIME_US + height * BLOCK_US + 10_000_000,
            (height << 32 | salt).to_bytes(16, "big"),
        )

    @property
    def height(self) -> int:
        """The newest height."""
        return self.stores.chain.applied_height or 0

    def configuration(self) -> Execution:
        """Order a configuration entry, which is an empty block."""
        (done,) = self.extend([(EntryKind.CONFIGURATION, Configuration((NODE,)).encode())])
        return done

    def extend(self, contents: Sequence[tuple[EntryKind, bytes]]) -> list[Execution]:
        """Order entries in one synced write, and execute them."""
        log, first = self.stores.log, self.height + 1
        rolling, entries = log.hash(Index(first - 1)), list[Entry]()
        term = max(
            Term(1), log.term(Index(first - 1))
        )  # a recovery's first entry is of a later one
        for index, (kind, payload) in enumerate(contents, first):
            entries.append(make_entry(rolling, Index(index), term, kind, payload))
            rolling = entries[-1].hash
        vote = HardState(Term(1), NODE) if first == 1 else None
        log.write(Persist(1, vote, None, tuple(entries), entries[-1].index, ()))
        return [self.execute(entry) for entry in entries]

    def execute(self, entry: Entry) -> Execution:
        """Execute an entry of the log."""
        genesis = self.genesis
        payload = entry.payload if entry.kind is EntryKind.BLOCK else b""
        done = execute(
            Parent.of(self.stores.chain.header(self.height)),
            self.stores.chain,
            Ordered(entry.term, entry.kind, entry.payload),
            [
                prepare(raw, genesis.limits, genesis.chain_id)
                for raw in block_transactions(payload, genesis.limits)
            ],
            genesis.chain_id,
        )
        self.stores.chain.apply(done)
        return done

    def close(self) -> None:
        """Close stores and folder."""
        self.stores.close()
        self.folder.close()

    def grow(self, blocks: int, twins: int = 8) -> None:
        """Blocks of every kind of operation, one transaction each but for the first."""
        names = [f"pump-{number}" for number in range(twins)]
        last = self.height + blocks
        while self.height < last:
            heights = range(self.height + 1, min(last, self.height + _AT_ONCE) + 1)
            self.extend([(EntryKind.BLOCK, self._body(height, names)) for height in heights])

    def _body(self, height: int, names: list[str]) -> bytes:
        if height == 1:
            operations = [op.create_twin(name, op.changes_of({"flow": 0.0})) for name in names]
        else:
            operations = [_operation(height, names)]
        transactions = [self.sign(height, one, salt=salt) for salt, one in enumerate(operations)]
        return encode_body(TIME_US + height * BLOCK_US, transactions)


def _operation(height: int, names: list[str]) -> operation_pb2.Operation:
    name, target = names[height % len(names)], names[(height + 1) % len(names)]
    if height % 40 < len(names):
        made = op.unrelate if height // 40 % 2 else op.relate
        return made(name, "feeds", target)
    return op.update_twin(name, op.changes_of({"flow": height / 2}, {"on": height % 2 == 0}))
