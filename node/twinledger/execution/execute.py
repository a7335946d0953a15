"""Executing a block: the pure function every node must agree on."""

from __future__ import annotations

from collections.abc import Sequence

from twinledger.consortium.genesis import Genesis
from twinledger.consortium.members import CONSORTIUM_KEY, consortium_hash
from twinledger.execution.judge import BlockJudge
from twinledger.execution.prepare import Prepared
from twinledger.execution.results import Execution, Parent, StateReader
from twinledger.execution.trees import update_trees
from twinledger.ledger.block import BlockBody
from twinledger.ledger.errors import Code, LedgerError, invariant
from twinledger.ledger.header import BlockHeader, header_hash
from twinledger.ledger.limits import Limits
from twinledger.ledger.merkle import EMPTY_ROOT, tree_hash
from twinledger.ledger.state_tree import TreeUpdate, update
from twinledger.ledger.state_tree_page import Branch, Page, PageKey


def block_transactions(payload: bytes, limits: Limits) -> tuple[bytes, ...]:
    """The transactions that executing a payload will judge, to prepare them beforehand."""
    return BlockBody.decode_or_empty(payload, limits).transactions


def execute(
    parent: Parent,
    state: StateReader,
    term: int,
    payload: bytes,
    prepared: Sequence[Prepared],
    chain_id: bytes,
    limits: Limits,
) -> Execution:
    """Executes a committed block.

    A payload that is no valid BlockBody is executed as an empty block at its parent's time: it is
    in the log, so it must have one meaning. A configuration entry is executed with an empty
    payload.

    Args:
        parent: What the block builds on.
        state: The agreed state exactly after the parent.
        term: The term of the log entry.
        payload: The log entry's payload: a serialized BlockBody, or nothing.
        prepared: One for each of ``block_transactions(payload, limits)``, in their order.
        chain_id: This chain's id.
        limits: The limits as the parent's state has them.

    Raises:
        LedgerError: INTERNAL when ``prepared`` does not match the payload, DATA_DAMAGED when the
            state is not what execution wrote. Nothing in the payload can make it raise.
    """
    body = BlockBody.decode_or_empty(payload, limits)
    invariant(
        [item.raw for item in prepared] == list(body.transactions),
        "the prepared transactions are not those of the block",
    )
    height, time_us = parent.height + 1, max(parent.time_us, body.time_us)
    judge = BlockJudge(state, height, time_us, chain_id, limits)
    receipts = tuple([judge.judge(index, item).encode() for index, item in enumerate(prepared)])
    tree = update_trees(state, Branch(parent.state_root, parent.height), height, judge.draft)
    consortium = judge.draft.changes.get(CONSORTIUM_KEY)
    header = BlockHeader(
        height=height,
        term=term,
        time_us=time_us,
        parent_hash=parent.header_hash,
        transactions_root=tree_hash(body.transactions),
        receipts_root=tree_hash(receipts),
        state_root=tree.root,
        consortium_hash=consortium_hash(consortium) if consortium else parent.consortium_hash,
    )
    return _executed(header, body.transactions, receipts, judge, tree)


def _executed(
    header: BlockHeader,
    transactions: tuple[bytes, ...],
    receipts: tuple[bytes, ...],
    judge: BlockJudge,
    tree: TreeUpdate,
) -> Execution:
    header_bytes = header.encode()
    return Execution(
        header=header,
        header_bytes=header_bytes,
        header_hash=header_hash(header_bytes),
        transactions=transactions,
        receipts=receipts,
        writes=dict(sorted(judge.draft.changes.items())),
        tree=tree,
        consumed=tuple(judge.consumed),
        updates=tuple(judge.updates),
    )


def genesis_block(genesis: Genesis) -> Execution:
    """The block at height 0: no transactions, and the writes that genesis makes."""
    writes: dict[bytes, bytes | None] = dict(sorted(genesis.writes().items()))
    tree = update(_NoPages(), None, 0, writes)
    header = BlockHeader(
        height=0,
        term=0,
        time_us=genesis.time_us,
        parent_hash=genesis.chain_id,
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        state_root=tree.root,
        consortium_hash=consortium_hash(genesis.consortium.encode()),
    )
    header_bytes = header.encode()
    return Execution(
        header=header,
        header_bytes=header_bytes,
        header_hash=header_hash(header_bytes),
        transactions=(),
        receipts=(),
        writes=writes,
        tree=tree,
        consumed=(),
        updates=(),
    )


class _NoPages:
    """Before genesis there is no tree."""

    def tree_page(self, key: PageKey) -> Page:
        raise LedgerError(Code.INTERNAL, f"genesis has no page {key} to read")
