"""A node's blocks are taken only when they are one chain that holds what its headers say."""

from dataclasses import replace

import pytest

from twinledger.client.chain_records import Block
from twinledger.demos.water.chain import ChainBroken, read_block
from twinledger.ledger.header import BlockHeader, Height
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.receipt import COMMITTED, Event, EventKind, Receipt
from twinledger.ledger.transaction import transaction_id
from twinledger.v1 import block_pb2, transaction_pb2

PARENT = b"p" * 32
BODIES = [
    transaction_pb2.TransactionBody(salt=b"%d" % number).SerializeToString() for number in range(3)
]


def make_block(outcomes: list[str], bodies: list[bytes] = BODIES) -> block_pb2.Block:
    transactions = [
        transaction_pb2.SignedTransaction(body=body).SerializeToString() for body in bodies
    ]
    updated = (Event(EventKind.TWIN_UPDATED, "tank-1", 2), Event(EventKind.RELATED, "tank-1", 3))
    receipts = [
        Receipt(transaction_id(body), outcome, None, updated if outcome == COMMITTED else ())
        for body, outcome in zip(bodies, outcomes, strict=True)
    ]
    encoded = [receipt.encode() for receipt in receipts]
    header = BlockHeader(
        height=Height(7),
        term=2,
        time_us=5,
        parent_hash=PARENT,
        transactions_root=tree_hash(transactions),
        receipts_root=tree_hash(encoded),
        state_root=b"s" * 32,
        consortium_hash=b"c" * 32,
    )
    return block_pb2.Block(header=header.encode(), transactions=transactions, receipts=encoded)


def test_only_transactions_with_effect_are_counted() -> None:
    block = make_block([COMMITTED, "DUPLICATE", COMMITTED])
    contents = read_block(Block.from_message(block), PARENT)
    assert contents.committed == (transaction_id(BODIES[0]), transaction_id(BODIES[2]))
    assert contents.updates == 2
    assert contents.height == 7
    assert contents.header_hash == BlockHeader.decode(block.header).hash()


def test_a_block_that_names_another_parent_is_refused() -> None:
    with pytest.raises(ChainBroken, match="block 7 does not name its parent"):
        read_block(Block.from_message(make_block([COMMITTED] * 3)), b"q" * 32)


def test_a_hidden_transaction_does_not_go_unnoticed() -> None:
    block = make_block([COMMITTED] * 3)
    del block.transactions[1]
    del block.receipts[1]
    with pytest.raises(ChainBroken, match="transactions of block 7"):
        read_block(Block.from_message(block), PARENT)


def test_a_receipt_that_was_changed_does_not_go_unnoticed() -> None:
    block = make_block([COMMITTED] * 3)
    changed = replace(Receipt.decode(block.receipts[0]), outcome="DUPLICATE", events=())
    block.receipts[0] = changed.encode()
    with pytest.raises(ChainBroken, match="receipts of block 7"):
        read_block(Block.from_message(block), PARENT)
