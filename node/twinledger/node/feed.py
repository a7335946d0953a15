"""Tells those who wait what became of blocks.

That they were executed: submitters by transaction, readers by height. That they are certified:
whoever waits for a height.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.transaction import TransactionId

Outcome = TypeVar("Outcome")


@dataclass(slots=True)
class Feed(Generic[Outcome]):
    """Waiters of the event loop. `Outcome` is what a submitter is told."""

    height: int
    certified_height: int = -1
    """The height of the newest certificate; -1 while there is none."""
    _certifiable: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    _advanced: asyncio.Event = field(default_factory=asyncio.Event)
    _waiters: dict[TransactionId, list[Callable[[Outcome], None]]] = field(default_factory=dict)
    _closed: bool = False

    def subscribe(self, transaction_id: TransactionId, told: Callable[[Outcome], None]) -> None:
        """Have `told` called once, when the transaction is settled."""
        self._waiters.setdefault(transaction_id, []).append(told)

    def unsubscribe(self, transaction_id: TransactionId, told: Callable[[Outcome], None]) -> None:
        """Stop waiting, for example because the client went away."""
        waiting = self._waiters.get(transaction_id, [])
        if told in waiting:
            waiting.remove(told)
            if not waiting:
                del self._waiters[transaction_id]

    def is_awaited(self, transaction_id: TransactionId) -> bool:
        """Whether anybody waits for this transaction here."""
        return transaction_id in self._waiters

    @property
    def awaited(self) -> int:
        """How many transactions and certificates somebody waits for here."""
        return len(self._waiters) + sum(len(told) for told in self._certifiable.values())

    def settle(self, transaction_id: TransactionId, outcome: Outcome) -> None:
        """Tell everyone who waits for this transaction."""
        for told in self._waiters.pop(transaction_id, ()):
            told(outcome)

    def advance(self, height: int) -> None:
        """Wake everyone who waits for this height or a lower one."""
        self.height = height
        self._wake()

    def certify(self, height: int) -> None:
        """Tell everyone who waits for this height or a lower one to be certified."""
        if height <= self.certified_height:
            return
        self.certified_height = height
        for waited in [each for each in self._certifiable if each <= height]:
            for told in self._certifiable.pop(waited):
                told()

    def when_certified(self, height: int, told: Callable[[], None]) -> None:
        """Have `told` called once, when this height is certified; it is not yet."""
        self._certifiable.setdefault(height, []).append(told)

    def forget_certified(self, height: int, told: Callable[[], None]) -> None:
        """Stop waiting, for example because the client went away."""
        waiting = self._certifiable.get(height, [])
        if told in waiting:
            waiting.remove(told)
            if not waiting:
                del self._certifiable[height]

    async def certified(self, height: int) -> None:
        """Return when this height is certified; the call's own deadline bounds it."""
        if height <= self.certified_height:
            return
        reached = asyncio.Event()
        self.when_certified(height, reached.set)
        try:
            await reached.wait()
        finally:
            self.forget_certified(height, reached.set)

    def close(self) -> None:
        """Wake everyone for the last time: the node is stopping."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._advanced.set()
        self._advanced = asyncio.Event()

    async def reached(self, height: int) -> None:
        """Return when this height has been executed.

        Raises:
            LedgerError: STOPPING.
        """
        while self.height < height:
            if self._closed:
                raise LedgerError(Code.STOPPING, "this node is shutting down")
            await self._advanced.wait()
