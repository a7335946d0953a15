"""Updates of twins as history and watch tell them, read back from the blocks that made them.

A block's receipts say which operations took effect; the operations themselves are decoded from the
transactions as they were signed. A few decoded blocks are kept, because everyone who watches reads
the same newest ones.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from twinledger.execution.execute import executed_transactions
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.names import TwinId
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.transaction import operation_messages
from twinledger.storage import ChainReader, ChainStore, StoredBlock
from twinledger.v1 import operation_pb2, transaction_pb2
from twinledger.v1 import twin_service_pb2 as pb

_KEPT_BLOCKS: Final = 64


@dataclass(slots=True)
class Updates:
    """Reads updates from blocks. Used by the event loop only."""

    chain: ChainStore
    _kept: "OrderedDict[int, list[pb.TwinUpdate]]" = field(default_factory=OrderedDict)

    def of_block(
        self, height: int, *, after_index: int = -1
    ) -> tuple[list[pb.TwinUpdate], pb.Cursor]:
        """Return a block's updates after one of its transactions, and the cursor behind it."""
        updates = self._kept.get(height)
        if updates is None:
            updates = self._kept[height] = list(updates_of(self.chain.block(height)))
            if len(self._kept) > _KEPT_BLOCKS:
                self._kept.popitem(last=False)
        last = max((u.origin.cursor.index for u in updates), default=0)
        cursor = pb.Cursor(height=height, index=max(last, after_index, 0))
        return [u for u in updates if u.origin.cursor.index > after_index], cursor

    def history(
        self, state: ChainReader, twin_id: TwinId, after_version: int, limit: int
    ) -> list[pb.TwinUpdate]:
        """Return a twin's updates with greater versions, at most `limit`, versions ascending."""
        places = state.updates(twin_id, after_version, limit)
        wanted = {place.version for place in places}
        return [
            update
            for height in dict.fromkeys(place.height for place in places)
            for update in self.of_block(height)[0]
            if update.twin_id == twin_id and update.version in wanted
        ]


def updates_of(block: StoredBlock) -> Iterator[pb.TwinUpdate]:
    """Read the updates that a block's transactions made, in chain order."""
    header = BlockHeader.decode(block.header)
    transactions = executed_transactions(block.payload, len(block.receipts))
    for index, (raw, receipt_bytes) in enumerate(zip(transactions, block.receipts, strict=True)):
        receipt = Receipt.decode(receipt_bytes)
        if receipt.committed:
            yield from _read_transaction(raw, receipt, header, index)


def _read_transaction(
    raw: bytes, receipt: Receipt, header: BlockHeader, index: int
) -> Iterator[pb.TwinUpdate]:
    body = transaction_pb2.SignedTransaction.FromString(raw).body
    authors = [a.identity for a in transaction_pb2.TransactionBody.FromString(body).authors]
    origin = pb.Origin(
        transaction_id=receipt.transaction_id,
        authors=authors,
        block_time_us=header.time_us,
        cursor=pb.Cursor(height=header.height, index=index),
    )
    operations = operation_messages(body)
    for number, (operation, event) in enumerate(zip(operations, receipt.events, strict=True)):
        if event.version:
            update = pb.TwinUpdate(
                twin_id=event.subject,
                version=event.version,
                operation=operation,
                operation_index=number,
                origin=origin,
            )
            observed_at_us = _observed_at_us(operation)
            if observed_at_us is not None:
                update.origin.observed_at_us = observed_at_us
            yield update


def _observed_at_us(operation: operation_pb2.Operation) -> int | None:
    kind = operation.WhichOneof("kind")
    said = getattr(operation, kind) if kind else None
    return said.observed_at_us if said is not None and said.HasField("observed_at_us") else None
