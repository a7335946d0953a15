"""What execution takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from twinledger.consensus import EntryKind
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.names import TwinId
from twinledger.ledger.state import StateView
from twinledger.ledger.state_tree import PageReader, TreeUpdate
from twinledger.ledger.transaction import TransactionId


class StateReader(StateView, PageReader, Protocol):
    """The agreed state exactly after the parent block, and the pages of its trees."""

    def seen(self, transaction_id: TransactionId) -> bool:
        """Whether a block up to the parent used up this id.

        The answer must be right for ids used up in blocks younger than ``max_lifetime_us``; it may
        be either for older ones, because those have expired.
        """
        ...


class Ordered(NamedTuple):
    """What a committed log entry says: its term, its kind and its payload."""

    term: int
    kind: EntryKind
    payload: bytes

    @property
    def body(self) -> bytes:
        """The serialized BlockBody; nothing for a configuration."""
        return self.payload if self.kind is EntryKind.BLOCK else b""


class Consumed(NamedTuple):
    """A transaction that used up its id, with its place in the block."""

    transaction_id: TransactionId
    transaction_index: int


class Update(NamedTuple):
    """One update of one twin, with the operation that made it."""

    twin_id: TwinId
    version: int
    transaction_index: int
    operation_index: int


@dataclass(frozen=True, slots=True)
class Parent:
    """What a block builds on.

    Attributes:
        height: The parent's height.
        header_hash: The parent's header hash.
        time_us: The parent's block time.
        state_root: The parent's state root.
        consortium_hash: The consortium after the parent.
    """

    height: int
    header_hash: bytes
    time_us: int
    state_root: bytes
    consortium_hash: bytes

    @classmethod
    def of(cls, header: BlockHeader) -> Parent:
        """The parent that a header describes."""
        return cls(
            header.height,
            header.hash(),
            header.time_us,
            header.state_root,
            header.consortium_hash,
        )


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of a block.

    Attributes:
        header: The derived header.
        header_bytes: Its 185 bytes.
        header_hash: Their hash.
        transactions: The serialized transactions, in order.
        receipts: The canonical receipts, one for each transaction.
        writes: What changes in the state, keys ascending by bytes; None deletes.
        tree: What that changes in the state tree and in the trees of twins.
        consumed: The transactions that used up their ids.
        updates: The updates of twins, in the order they happened.
    """

    header: BlockHeader
    header_bytes: bytes
    header_hash: bytes
    transactions: tuple[bytes, ...]
    receipts: tuple[bytes, ...]
    writes: Mapping[bytes, bytes | None]
    tree: TreeUpdate
    consumed: tuple[Consumed, ...]
    updates: tuple[Update, ...]

    def as_parent(self) -> Parent:
        """What the next block builds on."""
        return Parent(
            self.header.height,
            self.header_hash,
            self.header.time_us,
            self.header.state_root,
            self.header.consortium_hash,
        )
