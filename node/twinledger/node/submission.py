"""Taking charge of transactions: what a client's submission passes before it may wait for a block.

Every check here is a courtesy that keeps rubbish out of blocks; execution repeats each one that
matters. A transaction that is on the ledger already answers with its receipt, one that waits joins
those who wait for it: submitting again is always safe.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from twinledger.execution.checks import check_signers, check_time
from twinledger.execution.execute import executed_transactions
from twinledger.execution.prepare import Prepared
from twinledger.execution.results import Execution
from twinledger.ledger.errors import Code, LedgerError, invariant
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import IdentityName
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.transaction import Transaction, TransactionId, author_names
from twinledger.node.feed import Feed
from twinledger.node.pool import Pending, Pool
from twinledger.node.preparation import Preparation
from twinledger.node.proposer import Proposer
from twinledger.node.replica import now_us
from twinledger.storage import ChainStore

_EXPIRED_KEPT: Final = 100_000
"""Expired transactions remembered, so that their status can be told."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A transaction stands in an executed block."""

    height: int
    index: int
    block_time_us: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Expired:
    """Block time has passed the expiry: the transaction will never have an effect."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Accepted, not in an executed block yet."""


Outcome = Settled | Expired | LedgerError
Standing = Settled | Expired | Waiting


@dataclass(slots=True)
class Submission:
    """Admits transactions to the pool and tells what became of them."""

    chain: ChainStore
    pool: Pool
    preparation: Preparation
    feed: "Feed[Outcome]"
    proposer: Proposer
    limits: Callable[[], Limits]
    block_time_us: int
    refusing: Callable[[], LedgerError | None] = lambda: None
    """Why nothing is taken now: stopping, or the disk is low; None when all is well."""
    _expired: "OrderedDict[TransactionId, None]" = field(default_factory=OrderedDict)

    async def submit(
        self, raws: Sequence[bytes]
    ) -> list[tuple[TransactionId, Standing | LedgerError]]:
        """Take charge of transactions; return where each stands now, or why it was refused.

        Whoever wants to know what becomes of one that is Waiting subscribes to the feed before
        giving the event loop another turn. The id of bytes that do not parse is empty.
        """
        standings = [self._submit_one(prepared) for prepared in await self._prepared(raws)]
        self.proposer.wake()
        return standings

    async def take_forwarded(self, raws: Sequence[bytes]) -> list[tuple[int, LedgerError]]:
        """Take charge of what a follower brings; return what is refused, by position."""
        prepared = await self._prepared(raws)
        refusals = list[tuple[int, LedgerError]]()
        for position, item in enumerate(prepared):
            try:
                transaction = _sound(item)
                if self.standing(transaction.id) is None:
                    self.pool.add(transaction.id, item.raw, transaction.expires_at_us)
            except LedgerError as error:
                refusals.append((position, error))
        self.proposer.wake()
        return refusals

    def standing(self, transaction_id: TransactionId) -> Standing | None:
        """Tell where a transaction stands; None when this node does not know it."""
        location = self.chain.location(transaction_id)
        if location is not None:
            return settled(self.chain, *location)
        if transaction_id in self.pool:
            return Waiting()
        return Expired() if transaction_id in self._expired else None

    def authors(self, transaction_id: TransactionId) -> tuple[IdentityName, ...]:
        """Tell who signed a transaction that stands in a block or waits; else nobody."""
        location = self.chain.location(transaction_id)
        waiting = self.pool.get(transaction_id)
        if location is not None:
            block = self.chain.block(location[0])
            transactions = executed_transactions(block.payload, len(block.receipts))
            return author_names(transactions[location[1]])
        return author_names(waiting.raw) if waiting else ()

    def executed(self, execution: Execution) -> None:
        """Settle what a block holds and what its time has expired."""
        header = execution.header
        self.block_time_us = header.time_us
        consumed = {index: transaction_id for transaction_id, index in execution.consumed}
        for index, raw in enumerate(execution.transactions):
            if index in consumed and not self.feed.is_awaited(consumed[index]):
                self.pool.remove(consumed[index])  # another node's client waits for it, if any
                continue
            receipt = Receipt.decode(execution.receipts[index])
            waiting = self.pool.get(TransactionId(receipt.transaction_id))
            # A spoilt copy of a waiting transaction must not settle the good one.
            if waiting is not None and (index in consumed or waiting.raw == raw):
                self._settle(waiting, Settled(header.height, index, header.time_us, receipt))
        for pending in self.pool.expired(header.time_us):
            self._settle(pending, Expired())

    def refused(self, pending: Pending, error: LedgerError) -> None:
        """Give up on a transaction that the leader will never take."""
        self._settle(pending, error)

    async def _prepared(self, raws: Sequence[bytes]) -> list[Prepared]:
        for future in self.preparation.futures(raws):
            if not future.done():
                await asyncio.wrap_future(future)
        prepared = self.preparation.collect(raws)
        self.preparation.forget(item.raw for item in prepared if item.error is not None)
        return prepared

    def _submit_one(self, prepared: Prepared) -> tuple[TransactionId, Standing | LedgerError]:
        try:
            transaction = _sound(prepared)
            standing = self.standing(transaction.id)
            if standing is None:
                self._admit(transaction)
                standing = Waiting()
        except LedgerError as error:
            known = prepared.transaction.id if prepared.transaction else TransactionId(b"")
            return known, error
        return transaction.id, standing

    def _admit(self, transaction: Transaction) -> None:
        refusal = self.refusing()
        if refusal is not None:
            raise refusal
        latest = max(now_us(), self.block_time_us)
        check_time(transaction, latest, self.limits())
        check_signers(transaction, self.chain, latest)
        self.pool.add(transaction.id, transaction.raw, transaction.expires_at_us)

    def _settle(self, pending: Pending, outcome: Outcome) -> None:
        self.pool.remove(pending.id)
        if isinstance(outcome, Settled) and outcome.receipt.outcome == Code.EXPIRED:
            outcome = Expired()
        if isinstance(outcome, Expired):
            self._expired[pending.id] = None
            if len(self._expired) > _EXPIRED_KEPT:
                self._expired.popitem(last=False)
        self.feed.settle(pending.id, outcome)


def settled(chain: ChainStore, height: int, index: int) -> Settled:
    """Return the outcome of the transaction at this place of the chain."""
    receipt = Receipt.decode(chain.receipts(height)[index])
    return Settled(height, index, chain.header(height).time_us, receipt)


def _sound(prepared: Prepared) -> Transaction:
    if prepared.error is not None:
        raise prepared.error.with_traceback(None)
    invariant(prepared.transaction is not None, "a transaction without fault was read")
    return cast("Transaction", prepared.transaction)
