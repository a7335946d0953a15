"""The log as the core sees it: the driver's durable part and the tail kept in memory.

Four marks, in order: applied <= applying <= min(commit, stable) and commit <= last. `stable` is the
end of what is durable here; `taken` the end of what was handed to the driver to persist.
"""

from itertools import pairwise
from typing import Protocol

from twinledger.consensus.invariant import invariant
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
        """Return the newest snapshot this node can serve.

        None only while nothing is compacted away: whoever has installed a snapshot, or compacted,
        must be able to bring others to where its log begins.
        """
        ...


class Log:
    """Reads through to the driver's log and holds what the driver has not synced yet.

    The tail may also hold durable entries, as a cache; it is contiguous and ends at `last_index`.
    """

    __slots__ = (
        "_max_cached_bytes",
        "_tail",
        "_tail_bytes",
        "_tail_first",
        "applied",
        "applying",
        "commit",
        "last_index",
        "reader",
        "stable",
        "taken",
        "truncated_from",
    )

    def __init__(
        self, reader: LogReader, commit: Index, applied: Index, max_cached_bytes: int
    ) -> None:
        last = reader.last_index()
        invariant(applied <= commit, "applied is ahead of commit")
        invariant(commit <= last, "the log ends below what was committed: it is damaged")
        invariant(reader.first_index() <= applied + 1, "the log begins above what was applied")
        self.reader = reader
        self.commit = commit
        self.applied = applied
        self.applying = applied
        self.last_index = last
        self.stable = last
        self.taken = last
        self.truncated_from: Index | None = None
        self._tail: list[Entry] = []
        self._tail_first = Index(last + 1)
        self._tail_bytes = 0
        self._max_cached_bytes = max_cached_bytes

    @property
    def first_index(self) -> Index:
        """The lowest index still kept."""
        return self.reader.first_index()

    @property
    def last_term(self) -> Term:
        """The term of the last entry."""
        return self._term(self.last_index)

    @property
    def last_hash(self) -> bytes:
        """The rolling hash of the last entry."""
        return self.hash(self.last_index)

    def term(self, index: Index) -> Term | None:
        """Return the term at an index, or None if it is not there yet or not there any more."""
        if index > self.last_index:
            return None
        if index >= self._tail_first:
            return self._tail[index - self._tail_first].term
        return self.reader.term(index) if index >= self.reader.first_index() - 1 else None

    def hash(self, index: Index) -> bytes:
        """Return the rolling hash at an index that is known."""
        if index >= self._tail_first:
            return self._tail[index - self._tail_first].hash
        return self.reader.hash(index)

    def _term(self, index: Index) -> Term:
        if index >= self._tail_first:
            return self._tail[index - self._tail_first].term
        return self.reader.term(index)

    def matches(self, index: Index, term: Term, content: bytes) -> bool:
        """Whether this log holds, at `index`, this term and this rolling hash."""
        return self.term(index) == term and self.hash(index) == content

    def entries(self, low: Index, high: Index, max_bytes: int) -> tuple[Entry, ...]:
        """Return entries of low <= index < high: at least one if there is one, up to max_bytes."""
        if low >= high:
            return ()
        if low < self._tail_first:
            return self.reader.entries(low, min(high, self._tail_first), max_bytes)
        end, size = low - self._tail_first, 0
        while end < high - self._tail_first:
            size += self._tail[end].size
            if size > max_bytes and end > low - self._tail_first:
                break
            end += 1
        return tuple(self._tail[low - self._tail_first : end])

    def first_conflict(self, entries: tuple[Entry, ...]) -> int:
        """Return the position of the first entry that this log does not hold."""
        for position, entry in enumerate(entries):
            if not self.matches(entry.index, entry.term, entry.hash):
                return position
        return len(entries)

    def last_index_of_term_at_most(self, term: Term, index: Index) -> Index:
        """Return the highest index, not above `index`, whose term is at most `term`.

        Where the answer is compacted away, the index just below the compacted part's end is it.
        """
        index = min(index, self.last_index)
        floor = self.first_index - 1
        while index > floor and self._term(index) > term:
            index = Index(index - 1)
        return index

    def append(self, entries: tuple[Entry, ...]) -> None:
        """Append entries that follow the last one."""
        for before, after in pairwise(entries):
            invariant(after.index == before.index + 1, "appended entries leave a gap")
        invariant(not entries or entries[0].index == self.last_index + 1, "append leaves a gap")
        self._tail.extend(entries)
        self.last_index = Index(self.last_index + len(entries))
        self._tail_bytes += sum(entry.size for entry in entries)

    def truncate(self, from_index: Index) -> None:
        """Remove this index and everything above it."""
        invariant(from_index > self.commit, "a committed entry must never be truncated")
        if from_index <= self.taken:
            self.truncated_from = min(self.truncated_from or from_index, from_index)
        self._tail_first = min(self._tail_first, from_index)
        del self._tail[from_index - self._tail_first :]
        self._tail_bytes = sum(entry.size for entry in self._tail)
        before = Index(from_index - 1)
        self.last_index = before
        self.taken, self.stable = min(self.taken, before), min(self.stable, before)

    def take_unstable(self) -> tuple[Index | None, tuple[Entry, ...]]:
        """Return what the driver must truncate and append, and consider it handed over."""
        truncated_from, self.truncated_from = self.truncated_from, None
        entries = tuple(self._tail[self.taken + 1 - self._tail_first :])
        self.taken = self.last_index
        return truncated_from, entries

    @property
    def has_unstable(self) -> bool:
        """Whether `take_unstable` has anything."""
        return self.taken < self.last_index or self.truncated_from is not None

    def stable_to(self, index: Index) -> None:
        """Note that everything up to `index` is durable."""
        self.stable = max(self.stable, index)
        if self._tail_bytes > self._max_cached_bytes:
            self._evict()

    def _evict(self) -> None:
        """Forget the oldest durable entries until half the cache is free again."""
        count = 0
        while count <= self.stable - self._tail_first and (
            self._tail_bytes > self._max_cached_bytes // 2
        ):
            self._tail_bytes -= self._tail[count].size
            count += 1
        del self._tail[:count]
        self._tail_first = Index(self._tail_first + count)

    def commit_to(self, index: Index) -> None:
        """Raise the commit index."""
        invariant(self.commit <= index, "commit must never go back")
        invariant(index <= self.last_index, "commit would pass the end of the log")
        self.commit = index

    @property
    def next_to_apply(self) -> Index:
        """The end of what may be applied: committed, and durable here."""
        return min(self.commit, self.stable)

    @property
    def has_committed(self) -> bool:
        """Whether a page can be handed out: the one before is applied and there is more."""
        return self.applying == self.applied and self.applying < self.next_to_apply

    def take_committed(self, max_bytes: int) -> tuple[Entry, ...]:
        """Return the next page of entries to apply."""
        if not self.has_committed:
            return ()
        high = Index(self.next_to_apply + 1)
        page = self.entries(Index(self.applying + 1), high, max_bytes)
        self.applying = page[-1].index
        return page

    def applied_to(self, index: Index) -> None:
        """Note that everything up to `index` is applied."""
        invariant(self.applied <= index <= self.applying, "applied what was not handed out")
        self.applied = index

    def restore(self, snapshot: Snapshot) -> None:
        """Begin again after an installed snapshot."""
        invariant(snapshot.index > self.commit, "a snapshot must never go back")
        self.commit = self.applied = self.applying = self.stable = self.taken = snapshot.index
        self.last_index = snapshot.index
        self.truncated_from = None
        self._tail, self._tail_bytes = [], 0
        self._tail_first = Index(snapshot.index + 1)
