"""Blocks as a node serves them, checked and reduced to what is counted.

A node's answer is not believed: every header must name its parent's hash, and the transactions and
receipts it serves must be those that the header commits to.
"""

from collections.abc import AsyncIterable, AsyncIterator

from twinledger.client.chain_records import Block, body_of
from twinledger.demos.water.tally import BlockContents
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.receipt import EventKind


class ChainBroken(ValueError):  # noqa: N818 - it says what happened
    """A node served blocks that do not belong to one chain."""


async def read_chain(blocks: AsyncIterable[Block], chain_id: bytes) -> AsyncIterator[BlockContents]:
    """Checks blocks from genesis on, each against its header and its parent.

    Raises:
        ChainBroken: A block is not what its header says, or does not follow its parent.
    """
    parent_hash = chain_id
    async for block in blocks:
        yield read_block(block, parent_hash)
        parent_hash = block.header_hash


def read_block(block: Block, parent_hash: bytes) -> BlockContents:
    """Checks one block and tells what is counted of it.

    Args:
        block: The block as served.
        parent_hash: The hash of the header before it; for genesis, the chain id.

    Raises:
        ChainBroken: The block is not what its header says, or does not follow its parent.
    """
    _check(block, parent_hash)
    committed = tuple(
        _id_of(raw)
        for raw, receipt in zip(block.transactions, block.receipts, strict=True)
        if receipt.committed
    )
    events = (event for receipt in block.receipts for event in receipt.events)
    updates = sum(event.kind is EventKind.TWIN_UPDATED for event in events)
    return BlockContents(block.height, block.header_hash, committed, updates)


def _check(block: Block, parent_hash: bytes) -> None:
    header = block.header
    if header.parent_hash != parent_hash:
        raise ChainBroken(f"block {block.height} does not name its parent's hash")
    if header.transactions_root != tree_hash(block.transactions):
        raise ChainBroken(f"the transactions of block {block.height} are not its header's")
    if header.receipts_root != tree_hash(receipt.encode() for receipt in block.receipts):
        raise ChainBroken(f"the receipts of block {block.height} are not its header's")


def _id_of(raw: bytes) -> bytes:
    """The id of a transaction from its own bytes, not from what the receipt says it is."""
    found = body_of(raw)
    if found is None:
        raise ChainBroken("bytes that are no transaction have a receipt that says COMMITTED")
    return found[0]
