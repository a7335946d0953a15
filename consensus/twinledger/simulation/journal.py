"""A node's log as a store keeps it: one contiguous run of entries above a base.

Serves as the core's LogReader over what is durable, and as the picture of what has been written.
"""

from collections.abc import Iterable
from typing import Final

from twinledger.consensus import Entry, Index, Snapshot, Term
from twinledger.simulation.broken import InvariantBroken

GENESIS_HASH: Final = b"\x00" * 32


class Journal:
    """Entries `base + 1 .. last_index()`, their base's term and hash, and maybe a snapshot."""

    __slots__ = ("_entries", "base", "base_hash", "base_term", "damaged", "newest_snapshot")

    def __init__(self) -> None:
        """Start empty, as after genesis."""
        self._entries: list[Entry] = []
        self.base = 0
        self.base_term = Term(0)
        self.base_hash = GENESIS_HASH
        self.newest_snapshot: Snapshot | None = None
        self.damaged: set[int] = set()
        """Indexes whose bytes no longer match their checksum."""

    # What the core reads.

    def first_index(self) -> Index:
        """Return the lowest index still kept."""
        return Index(self.base + 1)

    def last_index(self) -> Index:
        """Return the highest index."""
        return Index(self.base + len(self._entries))

    def term(self, index: int) -> Term:
        """Return the term at an index that is kept, or at the base."""
        return self.base_term if index == self.base else self.entry(index).term

    def hash(self, index: int) -> bytes:
        """Return the rolling hash at an index that is kept, or at the base."""
        return self.base_hash if index == self.base else self.entry(index).hash

    def entries(self, low: int, high: int, max_bytes: int) -> tuple[Entry, ...]:
        """Return entries of low <= index < high: at least one, then up to max_bytes.

        Raises:
            DamagedEntryError: bytes that were to be read do not match their checksum.
        """
        self.entry(low)
        self.entry(high - 1)
        taken: list[Entry] = []
        size = 0
        for index in range(low, high):
            entry = self._entries[index - self.base - 1]
            size += entry.size
            if taken and size > max_bytes:
                break
            if index in self.damaged:
                raise DamagedEntryError(f"entry {index} does not match its checksum")
            taken.append(entry)
        return tuple(taken)

    def snapshot(self) -> Snapshot | None:
        """Return the newest snapshot, if any."""
        return self.newest_snapshot

    # What the store does.

    def entry(self, index: int) -> Entry:
        """Return one entry.

        Raises:
            InvariantBroken: the index is not kept; nobody may ask for it.
        """
        place = index - self.base - 1
        if not 0 <= place < len(self._entries):
            raise InvariantBroken("log reader contract", f"{index} was asked for and is not kept")
        return self._entries[place]

    @property
    def kept(self) -> list[Entry]:
        """All entries that are kept. To look at, not to change."""
        return self._entries

    def holds(self, index: int, entry_hash: bytes) -> bool:
        """Whether the log, compacted part included, has this content up to `index`."""
        if index <= self.base:
            return index < self.base or entry_hash == self.base_hash
        position = index - self.base - 1
        return position < len(self._entries) and self._entries[position].hash == entry_hash

    def truncate(self, index: int) -> None:
        """Delete `index` and everything above it."""
        del self._entries[max(0, index - self.base - 1) :]
        self.damaged = {place for place in self.damaged if place < index}

    def append(self, entries: Iterable[Entry]) -> None:
        """Append entries."""
        self._entries.extend(entries)

    def compact(self, index: int) -> None:
        """Forget everything up to `index`, which becomes the base."""
        term, entry_hash = self.term(index), self.hash(index)
        del self._entries[: index - self.base]
        self.base, self.base_term, self.base_hash = index, term, entry_hash
        self.damaged = {place for place in self.damaged if place > index}

    def restart_at(self, snapshot: Snapshot) -> None:
        """Let a snapshot stand for the log, which is empty above it."""
        self._entries.clear()
        self.base, self.base_term, self.base_hash = snapshot.index, snapshot.term, snapshot.hash
        self.newest_snapshot = snapshot

    def become(self, other: "Journal") -> None:
        """Take over another journal's content."""
        self._entries[:] = other.kept
        self.base, self.base_term, self.base_hash = other.base, other.base_term, other.base_hash
        self.newest_snapshot = other.newest_snapshot


class DamagedEntryError(Exception):
    """A stored entry's bytes do not match their checksum."""
