"""The log as the core sees it: the driver's durable part and the tail that is not durable yet."""

from typing import Protocol

from twinledger.consensus.messages import Snapshot
from twinledger.consensus.types import Entry, Index, Term


class LogReader(Protocol):
    """What the driver offers of its store. Synchronous; answers for durable entries only.

    The core asks only about indexes up to the last one whose persist was reported. The driver may
    compact at any time, never above the applied index; the core sees `first_index` move.
    """

    def first_index(self) -> Index:
        """Return the lowest index still kept; last_index() + 1 when none is. 1 at the start."""
        ...

    def last_index(self) -> Index:
        """Return the highest durable index; first_index() - 1 when there is none."""
        ...

    def term(self, index: Index) -> Term:
        """Return the term at first_index() - 1 <= index <= last_index(). Index 0 has term 0."""
        ...

    def hash(self, index: Index) -> bytes:
        """Return the rolling hash, for the same range as `term`. Index 0 has the genesis hash."""
        ...

    def entries(self, low: Index, high: Index, max_bytes: int) -> tuple[Entry, ...]:
        """Return entries of low <= index < high, in order: at least one, then up to max_bytes.

        The size of an entry is Entry.size.
        """
        ...

    def snapshot(self) -> Snapshot | None:
        """Return the newest snapshot this node can serve, if any."""
        ...
