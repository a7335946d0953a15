"""Executing a block: the pure function every node must agree on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from twinledger.consensus import BadConfiguration, Configuration, EntryKind
from twinledger.consortium.genesis import Genesis
from twinledger.consortium.governed import CONFIGURATION_KEY, with_votes
from twinledger.consortium.members import (
    CONSORTIUM_KEY,
    Consortium,
    consortium_hash,
    load_consortium,
)
from twinledger.consortium.protocol import KNOWN_VERSIONS, refuse_unknown_protocol
from twinledger.consortium.recovery.opening import open_epoch
from twinledger.execution.judge import BlockJudge
from twinledger.execution.overlay import Overlay
from twinledger.execution.prepare import Prepared, prepare
from twinledger.execution.results import Execution, Ordered, Parent, StateReader
from twinledger.execution.trees import update_trees
from twinledger.ledger.block import BlockBody
from twinledger.ledger.canonical import encode
from twinledger.ledger.errors import Code, LedgerError, invariant
from twinledger.ledger.header import BlockHeader, header_hash
from twinledger.ledger.limits import Limits
from twinledger.ledger.merkle import EMPTY_ROOT, tree_hash
from twinledger.ledger.state import StateView
from twinledger.ledger.state_tree import TreeUpdate, update
from twinledger.ledger.state_tree_page import Branch, Page, PageKey


def limits_of(state: StateView) -> Limits:
    """The limits as a state has them: what the next block is executed by."""
    return load_consortium(state).limits


def block_transactions(payload: bytes, limits: Limits) -> tuple[bytes, ...]:
    """The transactions that executing a payload will judge, to prepare them beforehand."""
    return BlockBody.decode_or_empty(payload, limits).transactions


def executed_transactions(payload: bytes, receipts: int) -> tuple[bytes, ...]:
    """The transactions of a block that was executed with so many receipts.

    Limits may have changed since: what was executed as an empty block has no receipts.
    """
    return BlockBody.parse(payload).transactions if receipts else ()


def execute(
    parent: Parent,
    state: StateReader,
    ordered: Ordered,
    prepared: Sequence[Prepared],
    chain_id: bytes,
    knows: Collection[int] = KNOWN_VERSIONS,
) -> Execution:
    """Executes a committed block.

    A payload that is no valid BlockBody is executed as an empty block at its parent's time: it is
    in the log, so it must have one meaning. A configuration entry is a block without transactions
    that records in the consortium's leaf who votes now.

    Args:
        parent: What the block builds on.
        state: The agreed state exactly after the parent.
        ordered: The log entry.
        prepared: One for each of ``block_transactions(ordered.body, limits_of(state))``, in their
            order. What was prepared by other limits is prepared again.
        chain_id: This chain's id.
        knows: The protocol versions that this program has.

    Raises:
        LedgerError: INTERNAL when ``prepared`` does not match the payload, DATA_DAMAGED when the
            state is not what execution wrote, PROTOCOL_UNKNOWN when the members agreed on rules
            that this program does not have. Nothing in the payload can make it raise.
    """
    limits = limits_of(state)
    body = BlockBody.decode_or_empty(ordered.body, limits)
    invariant(
        [item.raw for item in prepared] == list(body.transactions),
        "the prepared transactions are not those of the block",
    )
    height, time_us = parent.height + 1, max(parent.time_us, body.time_us)
    refuse_unknown_protocol(state, height, knows)
    judge = BlockJudge(state, height, time_us, chain_id, limits)
    current = [_by_these_limits(item, limits, chain_id) for item in prepared]
    receipts = tuple([judge.judge(index, item).encode() for index, item in enumerate(current)])
    if ordered.kind is EntryKind.CONFIGURATION:
        _record_votes(judge.draft, ordered.payload, parent, chain_id)
    _count_one_change(judge.draft, state)
    tree = update_trees(state, Branch(parent.state_root, parent.height), height, judge.draft)
    consortium = judge.draft.changes.get(CONSORTIUM_KEY)
    header = BlockHeader(
        height=height,
        term=ordered.term,
        time_us=time_us,
        parent_hash=parent.header_hash,
        transactions_root=tree_hash(body.transactions),
        receipts_root=tree_hash(receipts),
        state_root=tree.root,
        consortium_hash=consortium_hash(consortium) if consortium else parent.consortium_hash,
    )
    return _executed(header, body.transactions, receipts, judge, tree)


def _by_these_limits(prepared: Prepared, limits: Limits, chain_id: bytes) -> Prepared:
    """What was prepared, by the limits in force: nodes prepare ahead, perhaps by older ones."""
    if prepared.limits == limits:
        return prepared
    return prepare(prepared.raw, limits, chain_id)


def _count_one_change(draft: Overlay, state: StateReader) -> None:
    """A block is one change of who certifies, however many of its operations made one.

    Proofs lead from set to set by the blocks that changed it, and their numbers leave none out.
    """
    leaf = draft.changes.get(CONSORTIUM_KEY)
    if leaf is None:
        return
    after, number = Consortium.decode(leaf), load_consortium(state).set_number + 1
    if after.set_number > number:
        draft.put(CONSORTIUM_KEY, replace(after, set_number=number).encode())


def _record_votes(draft: Overlay, payload: bytes, parent: Parent, chain_id: bytes) -> None:
    """Put into the state who orders, and into the consortium's leaf who votes from here on."""
    try:
        configuration = Configuration.decode(payload)
    except BadConfiguration:
        return  # no follower takes it; if it stands in a log all the same, it has one meaning
    if configuration.record:
        _open_epoch(draft, configuration, parent, chain_id)
        return
    draft.put(CONFIGURATION_KEY, encode(payload))
    before = load_consortium(draft)
    after = with_votes(before, configuration)
    if after != before:
        draft.put(CONSORTIUM_KEY, after.encode())


def _open_epoch(
    draft: Overlay, configuration: Configuration, parent: Parent, chain_id: bytes
) -> None:
    """Begin a new epoch as the members signed it; what they did not sign changes nothing."""
    above = Overlay(draft)
    try:
        open_epoch(above, configuration, (parent.height, parent.header_hash), chain_id)
    except LedgerError as error:
        if error.code is Code.DATA_DAMAGED:
            raise
        return
    draft.take(above)


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
