"""Building passports and receipts: the claims that need the bodies of blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from twinledger.ledger.canonical import Timestamp
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.history_proof import encode_way
from twinledger.ledger.history_tree import HistoryReader, Place, append, inclusion_proof
from twinledger.ledger.names import TwinId
from twinledger.proofs import signed
from twinledger.proofs.builder import Builder, too_large
from twinledger.proofs.bundle import MAX_BYTES
from twinledger.proofs.claims import (
    HistoryClaim,
    ShownOutcome,
    ShownTransaction,
    ShownUpdate,
    TransactionClaim,
)
from twinledger.proofs.sides import sides_of
from twinledger.proofs.sources import UpdatePlace
from twinledger.twins.records import Twin

_PAGE = 1_000
# What an update's item costs in a bundle, at least: a twin with more than fit is refused early.
_ITEM_BYTES = 100


def _everything(_height: int, _index: int) -> bool:
    return True


def history_claim(
    builder: Builder,
    twin_id: TwinId,
    height: int | None = None,
    readable: Callable[[int, int], bool] = _everything,
) -> HistoryClaim:
    """A twin's passport as of a block; transactions that may not be shown are left out of it.

    Raises:
        LedgerError: TWIN_NOT_FOUND, HEIGHT_NOT_REACHED, PROOF_TOO_LARGE; PRUNED when the block's
            state is not kept any more. Bodies that are pruned are left out.
    """
    whole = builder.twin_claim(twin_id, height)
    version = Twin.decode(twin_id, whole.twin.record).version
    if version * _ITEM_BYTES > MAX_BYTES:
        raise too_large()
    items = _Items(builder, readable)
    after = 0
    while after < version:
        page = builder.chain.updates(twin_id, after, min(_PAGE, version - after))
        if not page:
            raise LedgerError(Code.DATA_DAMAGED, f"the updates of {twin_id} after version {after}")
        for place in page:
            items.take(place)
        after = page[-1].version
    shown = tuple(items.transactions.values())
    return HistoryClaim(twin_id, whole.twin, whole.leaves, tuple(items.updates), shown)


def transaction_claim(builder: Builder, transaction_id: bytes) -> TransactionClaim:
    """The receipt of a transaction.

    Raises:
        LedgerError: TRANSACTION_NOT_FOUND; HEIGHT_NOT_REACHED when its block is not certified yet;
            PRUNED when its body is not kept any more.
    """
    place = builder.chain.location(transaction_id)
    if place is None:
        raise LedgerError(Code.TRANSACTION_NOT_FOUND, transaction_id.hex())
    height, index = builder.certified(place.height), place.transaction_index
    shown = BlockTrees(builder, height).outcome(index)
    fields = {name: getattr(shown, name) for name in ShownOutcome.__slots__}
    return TransactionClaim(builder.block(height), **fields)


class BlockTrees:
    """A block's transactions and receipts, with the paths of each.

    Raises:
        LedgerError: PRUNED when the bodies are not kept any more.
    """

    def __init__(self, builder: Builder, height: int) -> None:
        self._transactions = builder.chain.transactions(height)
        self._receipts = builder.chain.receipts(height)
        self._trees = [_Leaves.of(each) for each in (self._transactions, self._receipts)]

    def __len__(self) -> int:
        return len(self._transactions)

    def outcome(self, index: int) -> ShownOutcome:
        """The transaction at a place, and its receipt."""
        count = len(self)
        paths = [encode_way(inclusion_proof(tree, index, count)) for tree in self._trees]
        return ShownOutcome(
            self._transactions[index],
            paths[0],
            self._receipts[index],
            paths[1],
            sides_of(index, count),
        )


class _Items:
    """The items of a history, and the bodies that are still kept."""

    def __init__(self, builder: Builder, readable: Callable[[int, int], bool]) -> None:
        self._chain = builder.chain
        self._readable = readable
        self._size = 0
        self.updates: list[ShownUpdate] = []
        self.transactions: dict[bytes, ShownTransaction] = {}
        self._block: tuple[int, BlockHeader, list[bytes] | None] | None = None

    def take(self, place: UpdatePlace) -> None:
        """Adds an update."""
        _, header, transactions = self._read(place.height)
        found = place.transaction_id
        time = Timestamp(header.time_us)
        self.updates.append(ShownUpdate(found, place.operation_index, place.height, time))
        shown = self._readable(place.height, place.transaction_index)
        if transactions is not None and shown and found not in self.transactions:
            raw = transactions[place.transaction_index]
            self._size += len(raw)
            if self._size > MAX_BYTES:
                raise too_large()
            self.transactions[found] = signed.split(raw)

    def _read(self, height: int) -> tuple[int, BlockHeader, list[bytes] | None]:
        if self._block is None or self._block[0] != height:
            header = BlockHeader.decode(self._chain.header_bytes(height))
            self._block = height, header, self._bodies(height)
        return self._block

    def _bodies(self, height: int) -> list[bytes] | None:
        try:
            return list(self._chain.transactions(height))
        except LedgerError as error:
            if error.code is not Code.PRUNED:
                raise
            return None


@dataclass
class _Leaves(HistoryReader):
    """The tree over the transactions or receipts of one block."""

    hashes: dict[Place, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, leaves: Sequence[bytes]) -> _Leaves:
        tree = cls()
        for number, leaf in enumerate(leaves):
            tree.hashes |= append(tree, number, leaf)
        return tree

    def history_hash(self, place: Place) -> bytes:
        return self.hashes[place]
