"""Taking charge of transactions: what a client's submission passes before it may wait for a block.

Every check here is a courtesy that keeps rubbish out of blocks; execution repeats each one that
matters. A transaction that is on the ledger already answers with its receipt, one that waits joins
those who wait for it: submitting again is always safe.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from twinledger.consortium.identities import check_author
from twinledger.execution import Execution, Prepared
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.transaction import Transaction, TransactionId
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
    limits: Limits
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
            if isinstance(item, LedgerError):
                refusals.append((position, item))
                continue
            try:
                if self.standing(item.id) is None:
                    self.pool.add(item.id, item.raw, item.expires_at_us)
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

    def executed(self, execution: Execution) -> None:
        """Settle what a block holds and what its time has expired."""
        header = execution.header
        self.block_time_us = header.time_us
        consumed = dict(execution.consumed_by_index)
        for index, raw in enumerate(execution.transactions):
            transaction_id = execution.transaction_ids[index]
            if transaction_id is None:
                continue
            waiting = self.pool.get(transaction_id)
            # A spoilt copy of a waiting transaction must not settle the good one.
            if index in consumed or (waiting is not None and waiting.raw == raw):
                self.pool.remove(transaction_id)
                receipt = Receipt.decode(execution.receipts[index])
                outcome = Settled(header.height, index, header.time_us, receipt)
                self.feed.settle(transaction_id, outcome)
        for pending in self.pool.expired(header.time_us):
            self._remember_expired(pending.id)
            self.feed.settle(pending.id, Expired())

    def refused(self, pending: Pending, error: LedgerError) -> None:
        """Give up on a transaction that the leader will never take."""
        self.pool.remove(pending.id)
        self.feed.settle(pending.id, error)

    async def _prepared(self, raws: Sequence[bytes]) -> list[Prepared]:
        for future in self.preparation.futures(raws):
            await asyncio.wrap_future(future)
        return self.preparation.collect(raws)

    def _submit_one(self, prepared: Prepared) -> tuple[TransactionId, Standing | LedgerError]:
        if isinstance(prepared, LedgerError):
            return TransactionId(b""), prepared
        standing = self.standing(prepared.id)
        if standing is not None:
            return prepared.id, standing
        try:
            self._admit(prepared)
        except LedgerError as error:
            return prepared.id, error
        return prepared.id, Waiting()

    def _admit(self, transaction: Transaction) -> None:
        refusal = self.refusing()
        if refusal is not None:
            raise refusal
        latest = max(now_us(), self.block_time_us)
        if transaction.expires_at_us < latest:
            raise LedgerError(Code.EXPIRED, "its expiry lies in the past")
        if transaction.expires_at_us > latest + self.limits.max_lifetime_us:
            raise LedgerError(
                Code.LIFETIME_TOO_LONG,
                f"at most {self.limits.max_lifetime_us // 1_000_000} seconds are allowed",
            )
        for author in transaction.authors:
            check_author(self.chain, author)
        self.pool.add(transaction.id, transaction.raw, transaction.expires_at_us)

    def _remember_expired(self, transaction_id: TransactionId) -> None:
        self._expired[transaction_id] = None
        if len(self._expired) > _EXPIRED_KEPT:
            self._expired.popitem(last=False)


def settled(chain: ChainStore, height: int, index: int) -> Settled:
    """Return the outcome of the transaction at this place of the chain."""
    receipt = Receipt.decode(chain.receipts(height)[index])
    return Settled(height, index, chain.header(height).time_us, receipt)
