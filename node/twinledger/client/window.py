"""A pipeline's transactions: what waits, what is in flight, whose outcome is known.

Nothing here sends anything or reads a clock: times are handed in, and what is to be done is asked
for. Positions ascend with the order in which transactions were added, and so do their deadlines.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from twinledger.client.failures import NOT_KNOWN, OutcomeUnknown
from twinledger.client.receipts import Receipt, TransactionStatus
from twinledger.client.transactions import SignedTransaction
from twinledger.ledger.errors import Code, LedgerError

_MESSAGE_TRANSACTIONS_MAX: Final = 256
_MESSAGE_BYTES_MAX: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of many transactions.

    Attributes:
        position: Its place among those given, from 0.
        transaction: What was sent.
        status: Where it stands, when a node told.
        error: Why it had no effect, or that its outcome is not known; None when all is well.
    """

    position: int
    transaction: SignedTransaction
    status: TransactionStatus | None
    error: LedgerError | None

    @property
    def receipt(self) -> Receipt:
        """The receipt of a committed transaction.

        Raises:
            LedgerError: `error`, when it has one; INTERNAL when the call did not wait for one.
        """
        if self.error is not None:
            raise self.error
        if self.status is None or self.status.receipt is None:
            raise LedgerError(Code.INTERNAL, "the call did not wait for receipts")
        return self.status.receipt


@dataclass(slots=True)
class Item:
    """A transaction without an outcome.

    Attributes:
        queued: It waits to be written.
        in_flight: It was written to the stream that is open now.
        uncertain: Some node may have taken it without our knowing.
        refusal: Why it was refused last, when waiting helps.
    """

    position: int
    transaction: SignedTransaction
    deadline: float
    queued: bool = True
    in_flight: bool = False
    uncertain: bool = False
    refusal: LedgerError | None = None


class Window:
    """Bounded: what is unsettled and what was not taken yet never exceed `size` together."""

    def __init__(self, size: int) -> None:
        """`size` is the most transactions in flight."""
        if size < 1:
            raise LedgerError(Code.BAD_REQUEST, "the window must be at least 1")
        self._size = size
        self._added = 0
        self._unsettled: dict[int, Item] = {}
        self._queue: deque[Item] = deque()
        self._outcomes: list[Outcome] = []
        self.settled: int = 0

    @property
    def room(self) -> int:
        """How many transactions may be added now."""
        return max(0, self._size - len(self._unsettled) - len(self._outcomes))

    @property
    def unsettled(self) -> int:
        """How many have no outcome yet."""
        return len(self._unsettled)

    @property
    def known(self) -> int:
        """How many outcomes have not been taken."""
        return len(self._outcomes)

    def add(self, transactions: Sequence[SignedTransaction], deadline: float) -> None:
        """Takes transactions that are given up at `deadline`."""
        for transaction in transactions:
            item = Item(self._added, transaction, deadline)
            self._unsettled[item.position] = item
            self._queue.append(item)
            self._added += 1

    def take(self) -> list[Outcome]:
        """The outcomes known so far, each once."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def next_message(self) -> list[Item]:
        """What the next message carries: all that waits, within the limits of a message."""
        items: list[Item] = []
        size = 0
        while self._queue and len(items) < _MESSAGE_TRANSACTIONS_MAX:
            item = self._queue[0]
            size += len(item.transaction.raw)
            if items and size > _MESSAGE_BYTES_MAX:
                break
            self._queue.popleft()
            item.queued = False
            if item.position in self._unsettled:
                item.in_flight = True
                items.append(item)
        return items

    def stream_lost(self) -> None:
        """Everything without an outcome waits to be written again, oldest first."""
        self._queue.clear()
        for item in self._unsettled.values():
            item.uncertain = item.uncertain or item.in_flight
            item.in_flight = False
            item.queued = True
            self._queue.append(item)

    def refused_for_now(self, item: Item, refusal: LedgerError) -> None:
        """It is to be sent again later; until then it neither waits nor is in flight."""
        item.in_flight = False
        item.uncertain = item.uncertain or refusal.code in NOT_KNOWN
        item.refusal = refusal

    def queue_again(self, item: Item) -> None:
        """Its delay is over."""
        waits_already = item.queued or item.in_flight
        if item.position in self._unsettled and not waits_already:
            item.queued = True
            self._queue.append(item)

    def settle(
        self, item: Item, status: TransactionStatus | None, error: LedgerError | None
    ) -> None:
        """Its outcome is known; a second one, of a stream that was given up, changes nothing."""
        if self._unsettled.pop(item.position, None) is not None:
            self._outcomes.append(Outcome(item.position, item.transaction, status, error))
            self.settled += 1

    def give_up(self, now: float, why: LedgerError) -> None:
        """Settles those whose deadline has passed; `why` is said of those never refused."""
        while self._unsettled:
            oldest = next(iter(self._unsettled.values()))
            if oldest.deadline > now:
                return
            failure = oldest.refusal or why
            if oldest.uncertain or oldest.in_flight:
                failure = OutcomeUnknown(oldest.transaction, failure.message)
            self.settle(oldest, None, failure)
