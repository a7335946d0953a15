"""Makes blocks as execution would: log entry, header, receipts and writes that fit together."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.unit.ledger.trees import MemoryPages
from tests.unit.storage.writing import GENESIS_HASH, chain, create_log, open_log, persist
from twinledger.consensus import Index
from twinledger.execution.results import Consumed, Execution, Update
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.merkle import EMPTY_ROOT, tree_hash
from twinledger.ledger.names import TwinId
from twinledger.ledger.receipt import COMMITTED, Event, EventKind, Receipt
from twinledger.ledger.state_tree import TreeUpdate, update
from twinledger.ledger.state_tree_page import Branch
from twinledger.ledger.transaction import TransactionId
from twinledger.storage.chain_store import ChainStore
from twinledger.storage.log_store import LogStore

Writes = Mapping[bytes, bytes | None]


def transaction_id(height: int, index: int) -> TransactionId:
    return TransactionId(height.to_bytes(16, "big") + index.to_bytes(16, "big"))


def genesis() -> Execution:
    return execution(0, 0, GENESIS_HASH, {b"consortium": b"members"})


def execution(
    height: int,
    term: int,
    parent_hash: bytes,
    writes: Writes,
    updates: Sequence[tuple[str, int]] = (),
    transactions: int = 0,
    tree: TreeUpdate | None = None,
) -> Execution:
    """A block whose every transaction is consumed; updates belong to its first transaction.

    Without a `tree` it is as if nothing had been in the state before.
    """
    tree = tree or update(MemoryPages(), None, height, writes)
    receipts = tuple(receipt(height, index, updates) for index in range(transactions))
    header = BlockHeader(
        height,
        term,
        1000 + height,
        parent_hash,
        EMPTY_ROOT,
        tree_hash(receipts),
        tree.root,
        bytes(32),
    )
    return Execution(
        header=header,
        header_bytes=header.encode(),
        header_hash=header.hash(),
        transactions=tuple(b"signed" for _ in range(transactions)),
        receipts=receipts,
        writes=dict(sorted(writes.items())),
        tree=tree,
        consumed=tuple(Consumed(transaction_id(height, i), i) for i in range(transactions)),
        updates=tuple(
            Update(TwinId(twin), version, 0, place) for place, (twin, version) in enumerate(updates)
        ),
    )


def receipt(height: int, index: int, updates: Sequence[tuple[str, int]]) -> bytes:
    events = tuple(Event(EventKind.TWIN_UPDATED, twin, version) for twin, version in updates)
    return Receipt(transaction_id(height, index), COMMITTED, None, events).encode()


class Node:
    """A log and a chain that grow together."""

    def __init__(self, folder: Path, kept_heights: int = 4) -> None:
        self.folder = folder
        self.log = open_log(folder)
        self.chain = ChainStore.open(folder / "chain", self.log, kept_heights=kept_heights)
        if self.chain.applied_height is None:
            self.chain.apply(genesis())

    @classmethod
    def create(cls, folder: Path, kept_heights: int = 4) -> "Node":
        create_log(folder)
        ChainStore.create(folder / "chain")
        return cls(folder, kept_heights)

    def commit(
        self,
        writes: Writes,
        updates: Sequence[tuple[str, int]] = (),
        *,
        transactions: int = 1,
        payload: bytes = b"body",
    ) -> Execution:
        """One block: into the log, then executed."""
        self.log.write(persist(*chain(self.log, [payload], term=3)))
        return self.execute(writes, updates, transactions=transactions)

    def execute(
        self, writes: Writes, updates: Sequence[tuple[str, int]] = (), *, transactions: int = 1
    ) -> Execution:
        """Execute the next block of the log."""
        block = self.next_execution(writes, updates, transactions=transactions)
        self.chain.apply(block)
        return block

    def next_execution(
        self, writes: Writes, updates: Sequence[tuple[str, int]] = (), *, transactions: int = 1
    ) -> Execution:
        parent = self.chain.header(self.chain.applied_height or 0)
        term = log_term(self.log, parent.height + 1)
        root = Branch(parent.state_root, parent.height)
        tree = update(self.chain, root, parent.height + 1, writes)
        return execution(
            parent.height + 1, term, parent.hash(), writes, updates, transactions, tree
        )

    def restarted(self, kept_heights: int = 4) -> "Node":
        self.close()
        return Node(self.folder, kept_heights)

    def close(self) -> None:
        self.chain.close()
        self.log.close()


def log_term(log: LogStore, height: int) -> int:
    """The term at a height; that of the newest entry for a height the log has not reached."""
    return log.term(min(log.last_index(), Index(height)))
