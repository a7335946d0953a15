"""The replicated log on disk: entries, the durable vote, and the commit index.

Everything of one Persist goes into one write batch, so that a crash leaves all of it or none; it is
synced when entries or the vote changed. One thread writes, in the order of the persists; any thread
may read what was reported as written.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from twinledger.consensus import (
    Configuration,
    Entry,
    EntryKind,
    HardState,
    Index,
    Persist,
    Snapshot,
    Term,
)
from twinledger.ledger.errors import Code, LedgerError, invariant
from twinledger.storage.damage import REPLACE_NODE, damaged
from twinledger.storage.database import Database, View
from twinledger.storage.log_check import BEYOND_EVERY_INDEX, check_mark, checked_entries
from twinledger.storage.log_records import (
    ANCHOR_KEY,
    STATE_KEY,
    LogState,
    Position,
    configuration_key,
    decode_entry,
    decode_position,
    decode_state,
    encode_entry,
    encode_position,
    encode_state,
    entry_key,
    index_of,
)
from twinledger.storage.marker import Mark, Marker

_CACHE_BYTES: Final = 8 << 20
RECENT_POSITIONS: Final = 4096
"""How many of the newest terms and hashes are answered without asking LevelDB."""
_EMPTY_STATE: Final = LogState(0, HardState(Term(0), None), Index(0))


class LogStore:
    """The log of one node. Implements consensus.LogReader."""

    def __init__(
        self, database: Database, marker: Marker, anchor: Position, state: LogState
    ) -> None:
        """Use `create` and `open`."""
        self._database = database
        self._marker = marker
        self._anchor = anchor
        """The entry before the first kept one. Pruning moves it."""
        self._compacted = anchor
        """The entry before the first that consensus sees; not before the anchor."""
        self._snapshot: Snapshot | None = None
        self._state = state
        self._last = anchor
        self._recent: dict[int, Position] = {anchor.index: anchor}
        self._signed_size = 0
        """Entries below it lie under a head that this node signed."""

    @classmethod
    def create(cls, path: Path, marker_path: Path, genesis_hash: bytes) -> None:
        """Make an empty log, durably.

        Raises:
            StorageFailure: the disk refused.
        """
        anchor = Position(Index(0), Term(0), genesis_hash)
        database = Database(path, REPLACE_NODE, create=True, cache_bytes=_CACHE_BYTES)
        try:
            database.write(
                [(ANCHOR_KEY, encode_position(anchor)), (STATE_KEY, encode_state(_EMPTY_STATE))],
                sync=True,
            )
        finally:
            database.close()
        Marker.create(marker_path, _mark(anchor, _EMPTY_STATE))

    @classmethod
    def open(cls, path: Path, marker_path: Path, genesis_hash: bytes) -> Self:
        """Open the log and check all of it.

        Raises:
            LedgerError: DATA_DAMAGED, DATA_IN_USE.
            StorageFailure: the disk refused.
        """
        marker = Marker.open(marker_path)
        try:
            database = Database(path, REPLACE_NODE, cache_bytes=_CACHE_BYTES)
        except BaseException:
            marker.close()
            raise
        try:
            anchor, state = read_fixed_records(database, genesis_hash)
            store = cls(database, marker, anchor, state)
            store._check()
        except BaseException:
            database.close()
            marker.close()
            raise
        return store

    @classmethod
    def restart(cls, path: Path, marker_path: Path, genesis_hash: bytes, after: Position) -> None:
        """Empty the log of a node that is not running: what follows a place comes next.

        Term and vote stay. Doing it again after a crash does no harm.

        Raises:
            LedgerError: DATA_DAMAGED, DATA_IN_USE.
            StorageFailure: the disk refused.
        """
        marker = Marker.open(marker_path)
        try:
            database = Database(path, REPLACE_NODE, cache_bytes=_CACHE_BYTES)
            try:
                _, state = read_fixed_records(database, genesis_hash)
                state = replace(state, commit=max(state.commit, after.index))
                database.write(_emptied(database, after, state), sync=True)
                marker.write(_mark(after, state), sync=True)
            finally:
                database.close()
        finally:
            marker.close()

    # What the core asks: consensus.LogReader.

    def first_index(self) -> Index:
        """Return the lowest index that consensus sees; last_index() + 1 when there is none.

        Bodies of older blocks may be kept; whoever needs them from the start takes a snapshot.
        """
        return Index(self._compacted.index + 1)

    def last_index(self) -> Index:
        """Return the highest durable index."""
        return self._last.index

    def term(self, index: Index) -> Term:
        """Return the term at first_index() - 1 <= index <= last_index()."""
        return self._position(index).term

    def hash(self, index: Index) -> bytes:
        """Return the rolling hash, for the same range as `term`."""
        return self._position(index).hash

    def entries(self, low: Index, high: Index, max_bytes: int) -> tuple[Entry, ...]:
        """Return entries of low <= index < high, in order: at least one, then up to max_bytes.

        Raises:
            LedgerError: DATA_DAMAGED.
            StorageFailure: the disk does not give them.
        """
        invariant(self._anchor.index < low < high, "entries are asked for that are kept")
        invariant(high <= self._last.index + 1, "entries are asked for that are durable")
        found = list[Entry]()
        size = 0
        for key, record in self._database.scan(entry_key(low), entry_key(high)):
            entry = decode_entry(index_of(key), record)
            size += entry.size
            if found and size > max_bytes:
                return tuple(found)
            if entry.index != low + len(found):
                break
            found.append(entry)
        if len(found) != high - low:
            raise damaged(f"The log has no entry at index {low + len(found)}")
        return tuple(found)

    def snapshot(self) -> Snapshot | None:
        """Return what stands in for the entries before `first_index`, when there are any."""
        return self._snapshot

    # What the driver asks.

    @property
    def oldest(self) -> Index:
        """The lowest index whose entry is kept."""
        return Index(self._anchor.index + 1)

    @property
    def hard_state(self) -> HardState:
        """Term and vote as last written."""
        return self._state.hard_state

    @property
    def commit(self) -> Index:
        """The commit index as last written. May name entries that are not here yet."""
        return self._state.commit

    def configuration_at(self, index: Index) -> Configuration | None:
        """Return the newest configuration at or below an index; None when none was appended."""
        key = self._database.last_key(configuration_key(0), configuration_key(index + 1))
        return None if key is None else Configuration.decode(self.entry(index_of(key)).payload)

    def entry(self, index: Index) -> Entry:
        """Return one entry.

        Raises:
            LedgerError: PRUNED, naming the oldest one that is kept; DATA_DAMAGED.
            StorageFailure: the disk does not give it.
        """
        if index <= self._anchor.index:
            raise LedgerError(Code.PRUNED, f"the oldest block it keeps is {self.oldest}")
        return self.entries(index, Index(index + 1), 0)[0]

    # What changes the log.

    def note_signed(self, size: int) -> None:
        """Take note that a head of this size was signed: nothing below it is ever truncated.

        Raises:
            LedgerError: DATA_DAMAGED, when the log does not hold all that was signed.
        """
        if size > self._last.index + 1:
            raise damaged(
                f"The log lost what this node signed: it ends at index {self._last.index}, "
                f"but a head of size {size} was signed"
            )
        self._signed_size = max(self._signed_size, size)

    def write(self, persist: Persist) -> None:
        """Make one write of the core durable.

        Raises:
            StorageFailure: the disk refused; nothing can be written any more.
        """
        self._check_order(persist)
        state = self._state.after(persist)
        if state == self._state:
            return
        if persist.truncate_from is not None:
            kept = self._position(Index(persist.truncate_from - 1))
            self._marker.write(_mark(kept, self._state), sync=True)
        self._database.write(self._changes(persist, state), sync=persist.must_sync)
        self._note(persist, state)
        if persist.must_sync:
            self._marker.write(_mark(self._last, state))

    def compact(self, first: Index, snapshot: Snapshot) -> None:
        """Let consensus see nothing before an index; a snapshot stands in for it.

        Nothing is deleted and nothing is written: whoever opens the log says it again.
        """
        invariant(first - 1 <= snapshot.index, "a snapshot stands in for all that is compacted")
        if first > self.first_index():
            self._compacted = self._position(Index(first - 1))
        self._snapshot = snapshot

    def prune(self, oldest: Index) -> None:
        """Delete entries before an index that consensus no longer sees. Not synced.

        Raises:
            StorageFailure: the disk refused; nothing can be written any more.
        """
        invariant(oldest <= self.first_index(), "only what is compacted is deleted")
        if oldest <= self.oldest:
            return
        anchor = self._position(Index(oldest - 1))
        changes: list[tuple[bytes, bytes | None]] = [(ANCHOR_KEY, encode_position(anchor))]
        for index in range(self.oldest, oldest):
            changes.append((entry_key(index), None))
            changes.append((configuration_key(index), None))
        self._database.write(changes, sync=False)
        self._anchor = anchor

    def reclaim(self) -> None:
        """Give back the room of pruned entries. Any thread.

        Raises:
            StorageFailure: the disk refused.
        """
        self._database.reclaim(entry_key(0), entry_key(self.oldest))

    def close(self) -> None:
        """Close the files. Closing twice is harmless."""
        self._database.close()
        self._marker.close()

    def _check_order(self, persist: Persist) -> None:
        end = self._last.index + 1
        if persist.truncate_from is not None:
            invariant(persist.truncate_from > self._state.commit, "no committed entry is removed")
            invariant(
                persist.truncate_from >= self._signed_size, "nothing below a signed head is removed"
            )
            invariant(self._anchor.index < persist.truncate_from <= end, "what is removed is there")
            end = persist.truncate_from
        for offset, entry in enumerate(persist.entries):
            invariant(entry.index == end + offset, "entries follow the log without a gap")
        if persist.hard_state is not None:
            invariant(
                persist.hard_state.term >= self._state.hard_state.term, "the term never goes back"
            )

    def _changes(self, persist: Persist, state: LogState) -> list[tuple[bytes, bytes | None]]:
        changes = list[tuple[bytes, bytes | None]]()
        if persist.truncate_from is not None:
            for index in range(persist.truncate_from, self._last.index + 1):
                changes.append((entry_key(index), None))
                changes.append((configuration_key(index), None))
        for entry in persist.entries:
            changes.append((entry_key(entry.index), encode_entry(entry)))
            if entry.kind is EntryKind.CONFIGURATION:
                changes.append((configuration_key(entry.index), b""))
        changes.append((STATE_KEY, encode_state(state)))
        return changes

    def _note(self, persist: Persist, state: LogState) -> None:
        """Let readers see what is on the disk now."""
        if persist.truncate_from is not None:
            self._last = self._position(Index(persist.truncate_from - 1))
        for entry in persist.entries:
            self._remember(Position(entry.index, entry.term, entry.hash))
        self._state = state

    def _remember(self, position: Position) -> None:
        self._recent[position.index] = position
        self._recent.pop(position.index - RECENT_POSITIONS, None)
        self._last = position

    def _position(self, index: Index) -> Position:
        # Removed entries may still be remembered: only the range tells that they are gone.
        invariant(self._anchor.index <= index <= self._last.index, "the place is one that is kept")
        position = self._recent.get(index)
        if position is not None:
            return position
        if index == self._anchor.index:
            return self._anchor
        if index == self._compacted.index:
            return self._compacted
        entry = self.entry(index)
        return Position(entry.index, entry.term, entry.hash)

    def _check(self) -> None:
        """Read the whole log and hold it against its marker."""
        mark = self._marker.mark
        marked = self._anchor
        for entry in checked_entries(self._database, self._anchor):
            position = Position(entry.index, entry.term, entry.hash)
            self._remember(position)
            if position.index == mark.index:
                marked = position
        check_mark(mark, marked, self._last, self._state)
        self._marker.write(_mark(self._last, self._state))


def _mark(last: Position, state: LogState) -> Mark:
    return Mark(state.sequence, last.index, last.term, last.hash, state.hard_state.term)


def _emptied(view: View, anchor: Position, state: LogState) -> Iterator[tuple[bytes, bytes | None]]:
    for key_of in (entry_key, configuration_key):
        for key, _ in view.scan(key_of(0), key_of(BEYOND_EVERY_INDEX)):
            yield key, None
    yield ANCHOR_KEY, encode_position(anchor)
    yield STATE_KEY, encode_state(state)


def read_fixed_records(database: View, genesis_hash: bytes) -> tuple[Position, LogState]:
    """Return the log's anchor and its state.

    Raises:
        LedgerError: DATA_DAMAGED.
        StorageFailure: the disk does not give them.
    """
    anchor_record, state_record = database.get(ANCHOR_KEY), database.get(STATE_KEY)
    if anchor_record is None or state_record is None:
        raise damaged("The log's anchor or its state record is missing")
    anchor = decode_position(anchor_record)
    if anchor.index == 0 and anchor.hash != genesis_hash:
        raise damaged("The log belongs to another chain")
    return anchor, decode_state(state_record)
