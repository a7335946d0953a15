"""A disk that can be cut: what is durable, what is only written, and what a crash leaves of it.

Fault model. A write is one atomic, checksummed record. Synced records survive everything but
damage. Of the records written since the last sync a power cut keeps a random prefix and may tear
the one after it; a failed sync keeps any subset. At open, recovery takes records up to the first
that is not whole, so that nothing after a hole is believed. A marker in a second file holds what
was last synced, and how many writes were: a store that shows less than its marker has lost what it
acknowledged.
"""

from random import Random
from typing import NamedTuple

from twinledger.consensus import HardState, Index, Persist, Snapshot, Term
from twinledger.simulation.chance import happens
from twinledger.simulation.journal import Journal


class StoreDamagedError(Exception):
    """The store shows less than it acknowledged, or something else: its node must not vote."""


class DiskFullError(Exception):
    """No space is left: the write did not happen."""


class Mark(NamedTuple):
    """What the store must at least hold, kept in a file beside it."""

    last: int
    hash: bytes
    writes: int
    """How many synced writes it had seen: a vote is a write that leaves no entry behind."""


class Disk:
    """One node's disk."""

    __slots__ = (
        "_marker",
        "_pending",
        "_tail",
        "commit",
        "full",
        "hard_state",
        "journal",
        "lost",
        "sync_fails",
        "writes",
        "written",
    )

    def __init__(self) -> None:
        """Start as `node init` leaves it."""
        self.hard_state = HardState(Term(0), None)
        self.commit = Index(0)
        self.journal = Journal()
        """What is durable."""
        self.written = Journal()
        """What is durable and what is only written."""
        self.lost = False
        """Whether it was found, by whomever, that acknowledged data is gone. For ever."""
        self.full = False
        self.sync_fails = False
        self._pending: list[Persist] = []
        self._tail: list[tuple[Persist, bool]] = []
        self.writes = 0
        """How many writes the store has seen that needed a sync."""
        self._marker = Mark(0, self.journal.base_hash, 0)

    def write(self, persist: Persist) -> None:
        """Write a record, not durably.

        Raises:
            DiskFullError: nothing was written.
        """
        if self.full and persist.must_sync:
            raise DiskFullError("no space is left")
        self._pending.append(persist)
        _change(self.written, persist)

    def sync(self, sequence: int) -> None:
        """Make every record up to this sequence durable."""
        count = 0
        for persist in self._pending:
            if persist.sequence > sequence:
                break
            self._keep(persist)
            count += 1
        del self._pending[:count]
        last = self.journal.last_index()
        self._marker = Mark(last, self.journal.hash(last), self.writes)

    def cut(self, random: Random, torn: float) -> None:
        """Lose power: a prefix of the unsynced records stays, the next may be torn."""
        kept = random.randint(0, len(self._pending))
        self._tail = [(persist, True) for persist in self._pending[:kept]]
        if kept < len(self._pending) and happens(random, torn):
            self._tail.append((self._pending[kept], False))
        self._pending.clear()

    def fail(self, random: Random) -> None:
        """Fail a sync: the kernel drops what it likes, and a retry would claim success."""
        self._tail = [(persist, happens(random, 0.5)) for persist in self._pending]
        self._pending.clear()

    def flip(self, index: int) -> None:
        """Flip a bit of a durable entry."""
        self.journal.damaged.add(index)

    def lose(self) -> None:
        """Lose the store's files, but not the marker."""
        self.put_back(Disk())

    def image(self) -> "Disk":
        """Return a copy of the store as it is."""
        copy = Disk()
        copy.put_back(self)
        return copy

    def put_back(self, other: "Disk") -> None:
        """Have the store's files replaced by another's, but not the marker."""
        self.journal = Journal()
        self.journal.become(other.journal)
        self.hard_state, self.commit = other.hard_state, other.commit
        self.writes = other.writes

    def recover(self) -> None:
        """Open the store after a crash.

        Raises:
            StoreDamagedError: something that was acknowledged is gone or altered.
        """
        self.lost |= self.ill
        self._check_acknowledged()
        for persist, whole in self._tail:
            if not whole:
                break
            self._keep(persist)
        self._tail = []
        self.written.become(self.journal)

    def compact(self, index: int, snapshot: Snapshot) -> None:
        """Keep a snapshot durably, then forget the log up to `index`, which it covers."""
        for journal in (self.journal, self.written):
            journal.compact(index)
            journal.newest_snapshot = snapshot

    def install(self, snapshot: Snapshot) -> None:
        """Replace the log by a snapshot, durably."""
        for journal in (self.journal, self.written):
            journal.restart_at(snapshot)
        self._pending.clear()
        self.commit = snapshot.index
        self._marker = Mark(snapshot.index, snapshot.hash, self.writes)

    @property
    def ill(self) -> bool:
        """Whether the store no longer shows everything it acknowledged, found out or not."""
        mark = self._marker
        whole = self.journal.holds(mark.last, mark.hash) and self.writes >= mark.writes
        return bool(self.journal.damaged) or not whole

    def _check_acknowledged(self) -> None:
        mark = self._marker
        if self.journal.damaged:
            raise StoreDamagedError("an entry of the log does not match its checksum")
        if not self.journal.holds(mark.last, mark.hash):
            raise StoreDamagedError("the log is shorter than what it acknowledged")
        if self.writes < mark.writes:
            raise StoreDamagedError("the store lost what it acknowledged: it has seen fewer writes")

    def _keep(self, persist: Persist) -> None:
        _change(self.journal, persist)
        self.commit = max(self.commit, persist.commit)
        self.writes += persist.must_sync
        if persist.hard_state is not None:
            self.hard_state = persist.hard_state


def _change(journal: Journal, persist: Persist) -> None:
    if persist.truncate_from is not None:
        journal.truncate(persist.truncate_from)
    if persist.entries:
        journal.append(persist.entries)
