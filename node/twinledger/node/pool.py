"""What waits to be ordered: bounded in number and bytes, each transaction once.

A transaction enters when a client or a peer brings it and leaves only when a block this node
executed settles it, or block time passes its expiry. Who has been told of it is remembered by
leadership (term and leader), so that a new leader is told again and nothing is
lost with an old one.
"""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.transaction import TransactionId

RETRY_AFTER_FULL_US = 200_000


@dataclass(frozen=True, slots=True)
class Pending:
    """One transaction that waits."""

    id: TransactionId
    raw: bytes
    expires_at_us: int
    came_s: float
    """When it came here; monotonic seconds."""


@dataclass(slots=True)
class Pool:
    """The waiting transactions, in the order they came."""

    max_transactions: int
    max_bytes: int
    total_bytes: int = 0
    now_s: Callable[[], float] = time.monotonic
    _pending: dict[TransactionId, Pending] = field(default_factory=dict)
    _by_expiry: list[tuple[int, TransactionId]] = field(default_factory=list)
    _unhanded: dict[TransactionId, None] = field(default_factory=dict)
    """Those the current leadership has not been given, in order; a dict for its order."""
    _leadership: tuple[int, str] | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, transaction_id: TransactionId) -> bool:
        return transaction_id in self._pending

    def get(self, transaction_id: TransactionId) -> Pending | None:
        """Return a waiting transaction."""
        return self._pending.get(transaction_id)

    @property
    def oldest(self) -> Pending | None:
        """The transaction that has waited longest; None when none waits."""
        return next(iter(self._pending.values()), None)

    def add(self, transaction_id: TransactionId, raw: bytes, expires_at_us: int) -> None:
        """Take charge of a transaction; nothing happens when it waits already.

        Raises:
            LedgerError: POOL_FULL, with a retry delay.
        """
        if transaction_id in self._pending:
            return
        if (
            len(self._pending) >= self.max_transactions
            or self.total_bytes + len(raw) > self.max_bytes
        ):
            raise LedgerError(
                Code.POOL_FULL,
                f"{len(self._pending)} transactions of {self.total_bytes} bytes wait here",
                retry_after_us=RETRY_AFTER_FULL_US,
            )
        self._pending[transaction_id] = Pending(transaction_id, raw, expires_at_us, self.now_s())
        self._unhanded[transaction_id] = None
        self.total_bytes += len(raw)
        heapq.heappush(self._by_expiry, (expires_at_us, transaction_id))

    def remove(self, transaction_id: TransactionId) -> None:
        """Forget a settled transaction."""
        pending = self._pending.pop(transaction_id, None)
        if pending is not None:
            self.total_bytes -= len(pending.raw)
            self._unhanded.pop(transaction_id, None)

    def follow(self, leadership: tuple[int, str] | None) -> None:
        """Note who leads now; whoever else was given transactions counts no more."""
        if leadership == self._leadership:
            return
        self._leadership = leadership
        self._unhanded = dict.fromkeys(self._pending)

    @property
    def leadership(self) -> tuple[int, str] | None:
        """Term and leader that what was taken was given to."""
        return self._leadership

    def take(self, max_transactions: int, max_bytes: int) -> list[Pending]:
        """Return the oldest that the leader has not been given, and count them as given.

        At least one when any waits, however large.
        """
        taken, size = list[Pending](), 0
        for transaction_id in self._unhanded:
            pending = self._pending[transaction_id]
            size += len(pending.raw)
            if taken and (len(taken) >= max_transactions or size > max_bytes):
                break
            taken.append(pending)
        for pending in taken:
            del self._unhanded[pending.id]
        return taken

    def give_back(
        self, transaction_ids: Iterable[TransactionId], leadership: tuple[int, str] | None
    ) -> None:
        """Count these as not given to the leader: it refused them or could not be reached.

        Nothing happens when another leads by now: all were to be given to that one anew, and maybe
        have been.
        """
        if leadership != self._leadership:
            return
        for transaction_id in transaction_ids:
            if transaction_id in self._pending:
                self._unhanded[transaction_id] = None

    @property
    def waiting(self) -> bool:
        """Whether there is anything the leader has not been given."""
        return bool(self._unhanded)

    def expired(self, block_time_us: int) -> Iterator[Pending]:
        """Remove and yield those whose expiry block time has passed."""
        while self._by_expiry and self._by_expiry[0][0] < block_time_us:
            _, transaction_id = heapq.heappop(self._by_expiry)
            pending = self._pending.get(transaction_id)
            if pending is not None:
                self.remove(transaction_id)
                yield pending
