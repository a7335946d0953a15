"""How the log's records look in its LevelDB. Big endian; the first byte of a key tells the kind.

    a            anchor: index u64, term u64, rolling hash 32 of the entry before the first kept one
    c index u64  empty: the entry at this index is a configuration
    e index u64  entry: term u64, kind u8, rolling hash 32, then the payload
    s            state: sequence u64, term u64, commit u64, then the vote in UTF-8, empty when none

The rolling hash is the entry's checksum: it covers the payload and everything before it. The
records a and s end with one of their own, the first 8 bytes of the SHA-256 of what stands before.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from twinledger.consensus import Entry, EntryKind, HardState, Index, NodeId, Persist, Term
from twinledger.storage.damage import damaged

ANCHOR_KEY: Final = b"a"
STATE_KEY: Final = b"s"

_ENTRY: Final = struct.Struct(">QB32s")
_STATE: Final = struct.Struct(">QQQ")
_POSITION: Final = struct.Struct(">QQ32s")
_INDEX: Final = struct.Struct(">cQ")
_CHECKSUM_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the log: what must match for two logs to be equal up to here."""

    index: Index
    term: Term
    hash: bytes


@dataclass(frozen=True, slots=True)
class LogState:
    """What is written along with entries, as one record."""

    sequence: int
    """How many synced writes this log has seen."""
    hard_state: HardState
    commit: Index
    """May name entries that are not here yet."""

    def after(self, persist: Persist) -> "LogState":
        """Return the state that this write leaves."""
        return LogState(
            self.sequence + persist.must_sync,
            persist.hard_state or self.hard_state,
            max(self.commit, persist.commit),
        )


def entry_key(index: int) -> bytes:
    """Return the key of the entry at an index."""
    return _INDEX.pack(b"e", index)


def configuration_key(index: int) -> bytes:
    """Return the key that tells that the entry at an index is a configuration."""
    return _INDEX.pack(b"c", index)


def index_of(key: bytes) -> Index:
    """Return the index in an entry's or a configuration's key."""
    return Index(_INDEX.unpack(key)[1])


def entry_of(key: bytes, record: bytes) -> Entry:
    """Return the entry of a key and its record, wherever they come from.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    if len(key) != _INDEX.size or key[:1] != b"e":
        raise damaged("A key of the log is none of an entry")
    return decode_entry(index_of(key), record)


def encode_entry(entry: Entry) -> bytes:
    """Return an entry's record."""
    return _ENTRY.pack(entry.term, entry.kind, entry.hash) + entry.payload


def decode_entry(index: Index, record: bytes) -> Entry:
    """Return the entry of a record.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    try:
        term, kind, rolling_hash = _ENTRY.unpack_from(record)
        return Entry(index, Term(term), EntryKind(kind), record[_ENTRY.size :], rolling_hash)
    except (ValueError, struct.error) as error:
        raise damaged(f"The log's record at index {index} is no entry") from error


def encode_position(position: Position) -> bytes:
    """Return an anchor's record."""
    return _sealed(_POSITION.pack(position.index, position.term, position.hash))


def decode_position(record: bytes) -> Position:
    """Return the anchor of a record.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    try:
        index, term, rolling_hash = _POSITION.unpack(_opened(record))
    except (ValueError, struct.error) as error:
        raise damaged("The log's anchor is not readable") from error
    return Position(Index(index), Term(term), rolling_hash)


def encode_state(state: LogState) -> bytes:
    """Return a state's record."""
    vote = (state.hard_state.vote or "").encode()
    return _sealed(_STATE.pack(state.sequence, state.hard_state.term, state.commit) + vote)


def decode_state(record: bytes) -> LogState:
    """Return the state of a record.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    try:
        content = _opened(record)
        sequence, term, commit = _STATE.unpack_from(content)
        vote = content[_STATE.size :].decode()
    except (ValueError, struct.error) as error:
        raise damaged("The log's state record is not readable") from error
    return LogState(sequence, HardState(Term(term), NodeId(vote) if vote else None), Index(commit))


def _sealed(content: bytes) -> bytes:
    return content + hashlib.sha256(content).digest()[:_CHECKSUM_BYTES]


def _opened(record: bytes) -> bytes:
    content = record[:-_CHECKSUM_BYTES]
    if record != _sealed(content):
        raise ValueError("the checksum is another")
    return content
