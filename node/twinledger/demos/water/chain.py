"""Blocks as a node serves them, checked and reduced to what is counted.

A node's answer is not believed: every header must name its parent's hash, and the transactions and
receipts it serves must be those that the header commits to.
"""

from twinledger.demos.water.tally import BlockContents
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.receipt import EventKind, Receipt
from twinledger.ledger.transaction import transaction_id
from twinledger.v1 import block_pb2, transaction_pb2


class ChainBroken(ValueError):  # noqa: N818 - it says what happened
    """A node served blocks that do not belong to one chain."""


def read_block(block: block_pb2.Block, parent_hash: bytes) -> BlockContents:
    """Checks one block against its header and its parent, and tells what is counted.

    Args:
        block: The block as served.
        parent_hash: The hash of the header before it; of genesis, the chain id.

    Raises:
        ChainBroken: The block is not what its header says, or does not follow its parent.
        LedgerError: The header or a receipt is not well-formed.
    """
    header = BlockHeader.decode(block.header)
    if header.parent_hash != parent_hash:
        raise ChainBroken(f"block {header.height} does not name its parent's hash")
    if header.transactions_root != tree_hash(block.transactions):
        raise ChainBroken(f"the transactions of block {header.height} are not its header's")
    if header.receipts_root != tree_hash(block.receipts):
        raise ChainBroken(f"the receipts of block {header.height} are not its header's")
    receipts = [Receipt.decode(raw) for raw in block.receipts]
    committed = tuple(
        _id_of(raw)
        for raw, receipt in zip(block.transactions, receipts, strict=True)
        if receipt.committed
    )
    events = (event for receipt in receipts for event in receipt.events)
    updates = sum(event.kind is EventKind.TWIN_UPDATED for event in events)
    return BlockContents(header.height, header.hash(), committed, updates)


def _id_of(raw: bytes) -> bytes:
    """The id of a transaction from its own bytes, not from what the receipt says it is."""
    return transaction_id(transaction_pb2.SignedTransaction.FromString(raw).body)
