"""Makes real chains fast: signed transactions, executed straight into the stores of a folder."""

from dataclasses import dataclass
from pathlib import Path

from twinledger.client import operations as op
from twinledger.consensus import (
    Configuration,
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
from twinledger.execution.execute import execute, genesis_block
from twinledger.execution.prepare import prepare
from twinledger.execution.results import Execution, Ordered, Parent
from twinledger.ledger.block import encode_body
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.transaction import Signer, sign
from twinledger.storage import DataFolder, Stores
from twinledger.v1 import operation_pb2

NODE = NodeId("utility-1")
TIME_US = 1_795_000_000_000_000
BLOCK_US = 1_000_000
KEY = SigningKey.load(bytes(32))
ADMIN = Signer(IdentityName("utility/admin"), KEY)


@dataclass
class Chain:
    """A chain of one member that grows in an open folder."""

    folder: DataFolder
    stores: Stores
    genesis: Genesis

    @classmethod
    def create(cls, path: Path, *, kept_heights: int = 16) -> "Chain":
        """Make a folder with the block of genesis."""
        node = Node(
            node_id=NODE,
            peer_address="127.0.0.1:1",
            client_address="127.0.0.1:2",
            voter=True,
            witness_key=SigningKey.load(bytes([1] * 32)).public_key,
            log_key=SigningKey.load(bytes([2] * 32)).public_key,
            certificates=(NodeCertificate(b"none", 2 * TIME_US),),
        )
        member = Member(MemberName("utility"), (Admin("admin", KEY.public_key),), (node,))
        genesis = Genesis.parse(build("chains", TIME_US, [member])).signed_by(ADMIN)
        DataFolder.create(path, genesis.raw, NODE, reserve_bytes=1 << 20)
        chain = cls.open(path, kept_heights=kept_heights)
        chain.stores.chain.apply(genesis_block(chain.genesis))
        return chain

    @classmethod
    def open(cls, path: Path, *, kept_heights: int = 16) -> "Chain":
        """Open a folder that was made here."""
        folder = DataFolder.open(path, reserve_bytes=1 << 20)
        stores = folder.open_stores(kept_heights=kept_heights)
        return cls(folder, stores, Genesis.parse(folder.genesis))

    def sign(self, *operations: operation_pb2.Operation, salt: int = 0) -> bytes:
        """A transaction for the next block, by the one admin."""
        height = self.height + 1
        return sign(
            self.genesis.chain_id,
            [ADMIN],
            operations,
            TIME_US + height * BLOCK_US + 60_000_000,
            (height << 32 | salt).to_bytes(16, "big"),
        )

    @property
    def height(self) -> int:
        """The newest height."""
        return self.stores.chain.applied_height or 0

    def block(self, *transactions: bytes) -> Execution:
        """Order and execute one block."""
        time_us = TIME_US + (self.height + 1) * BLOCK_US
        return self.entry(EntryKind.BLOCK, encode_body(time_us, transactions), transactions)

    def configuration(self) -> Execution:
        """Order a configuration entry, which is an empty block."""
        return self.entry(EntryKind.CONFIGURATION, Configuration((NODE,)).encode(), ())

    def entry(self, kind: EntryKind, payload: bytes, transactions: tuple[bytes, ...]) -> Execution:
        """Order and execute the next entry."""
        log, index = self.stores.log, Index(self.height + 1)
        entry = make_entry(log.hash(Index(index - 1)), index, Term(1), kind, payload)
        vote = HardState(Term(1), NODE) if index == 1 else None
        log.write(Persist(1, vote, None, (entry,), index, ()))
        genesis = self.genesis
        done = execute(
            Parent.of(self.stores.chain.header(self.height)),
            self.stores.chain,
            Ordered(1, kind, payload),
            [prepare(raw, genesis.limits, genesis.chain_id) for raw in transactions],
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
        if self.height == 0:
            created = [op.create_twin(name, op.changes_of({"flow": 0.0})) for name in names]
            self.block(*[self.sign(one, salt=n) for n, one in enumerate(created)])
            blocks -= 1
        for _ in range(blocks):
            self.block(self.sign(self._next_operation(names)))

    def _next_operation(self, names: list[str]) -> operation_pb2.Operation:
        height = self.height + 1
        name, target = names[height % len(names)], names[(height + 1) % len(names)]
        if height % 40 < len(names):
            made = op.unrelate if height // 40 % 2 else op.relate
            return made(name, "feeds", target)
        return op.update_twin(name, op.changes_of({"flow": height / 2}, {"on": height % 2 == 0}))
