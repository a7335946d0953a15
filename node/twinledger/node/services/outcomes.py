"""Collects what becomes of the transactions of one call.

A call may carry one transaction or a stream without end; here they all look the same: a sequence
number each, an outcome each, in the order in which the outcomes are known.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Self

from twinledger.ledger.errors import LedgerError
from twinledger.ledger.transaction import TransactionId
from twinledger.node.feed import Feed
from twinledger.node.submission import Outcome, Settled, Standing, Submission, Waiting
from twinledger.v1 import ledger_service_pb2 as pb

Known = tuple[int, TransactionId, Standing | LedgerError]
"""Sequence number, id (empty when the bytes did not parse), and what is known."""


class Outcomes:
    """Collects the outcomes of one call's transactions; forgets them when the call ends."""

    def __init__(self, feed: Feed[Outcome]) -> None:
        self._feed = feed
        self._subscribed: dict[int, tuple[TransactionId, Callable[[Outcome], None]]] = {}
        self._certifying: dict[int, tuple[int, Callable[[], None]]] = {}
        self._known: list[Known] = []
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for transaction_id, told in self._subscribed.values():
            self._feed.unsubscribe(transaction_id, told)
        for height, certified in self._certifying.values():
            self._feed.forget_certified(height, certified)

    async def submit(
        self, submission: Submission, raws: Sequence[bytes], first: int, wait_for: int
    ) -> None:
        """Submit transactions whose sequence numbers begin at `first`."""
        standings = await submission.submit(raws)
        for sequence, (transaction_id, standing) in enumerate(standings, first):
            if isinstance(standing, Waiting) and wait_for != pb.WAIT_FOR_NONE:
                self._subscribe(sequence, transaction_id, wait_for)
            else:
                self._take((sequence, transaction_id, standing), wait_for)
        self._changed.set()

    def refuse(self, first: int, count: int, error: LedgerError) -> None:
        """Note that transactions were refused before anything was read of them."""
        unread = TransactionId(b"")
        self._known += [(sequence, unread, error) for sequence in range(first, first + count)]
        self._changed.set()

    async def next(self) -> Known:
        """Return one more outcome when it is known."""
        while not self._known:
            self._changed.clear()
            await self._changed.wait()
        return self._known.pop(0)

    async def batch(self, reader: "asyncio.Task[None]") -> list[Known] | None:
        """Return all outcomes that are known, at least one; None when there are no more.

        More can come while the reader runs or a transaction waits.
        """
        while not self._known:
            if reader.done() and (not self._waiting or reader.exception()):
                return None
            self._changed.clear()
            await self._changed.wait()
        known, self._known = self._known, []
        self._changed.set()
        return known

    async def room(self, most: int) -> None:
        """Return when fewer than `most` transactions wait or are untold."""
        while self._waiting + len(self._known) >= most:
            self._changed.clear()
            await self._changed.wait()

    def wake(self, _: object) -> None:
        """Look again: whatever brings transactions has ended."""
        self._changed.set()

    @property
    def _waiting(self) -> int:
        return len(self._subscribed) + len(self._certifying)

    def _take(self, known: Known, wait_for: int) -> None:
        """An outcome is known; whoever wants it certified waits on."""
        sequence, _, outcome = known
        certified = self._feed.certified_height
        if (
            wait_for != pb.WAIT_FOR_CERTIFIED
            or not isinstance(outcome, Settled)
            or outcome.height <= certified
        ):
            self._known.append(known)
            return

        def told() -> None:
            del self._certifying[sequence]
            self._known.append(known)
            self._changed.set()

        self._certifying[sequence] = outcome.height, told
        self._feed.when_certified(outcome.height, told)

    def _subscribe(self, sequence: int, transaction_id: TransactionId, wait_for: int) -> None:
        def told(outcome: Outcome) -> None:
            del self._subscribed[sequence]
            self._take((sequence, transaction_id, outcome), wait_for)
            self._changed.set()

        self._subscribed[sequence] = (transaction_id, told)
        self._feed.subscribe(transaction_id, told)
