"""Writes a log the way the core would: persists in sequence, hashes chained."""

from collections.abc import Sequence
from pathlib import Path

from twinledger.consensus import (
    Configuration,
    Entry,
    EntryKind,
    HardState,
    Index,
    NodeId,
    Persist,
    Term,
    make_entry,
)
from twinledger.storage.log_store import LogStore

GENESIS_HASH = bytes(range(32))


def create_log(folder: Path) -> None:
    LogStore.create(folder / "log", folder / "log.marker", GENESIS_HASH)


def open_log(folder: Path) -> LogStore:
    return LogStore.open(folder / "log", folder / "log.marker", GENESIS_HASH)


def persist(
    *entries: Entry,
    hard_state: HardState | None = None,
    truncate_from: int | None = None,
    commit: int = 0,
) -> Persist:
    cut = None if truncate_from is None else Index(truncate_from)
    return Persist(1, hard_state, cut, entries, Index(commit), ())


def vote(term: int, node: str | None = None) -> HardState:
    return HardState(Term(term), None if node is None else NodeId(node))


def chain(
    log: LogStore, payloads: Sequence[bytes], term: int = 1, after: int | None = None
) -> tuple[Entry, ...]:
    """Entries that follow the log's last one, or the one at `after`."""
    index = Index(log.last_index() if after is None else after)
    rolling_hash = log.hash(index)
    entries = list[Entry]()
    for payload in payloads:
        index = Index(index + 1)
        entries.append(make_entry(rolling_hash, index, Term(term), EntryKind.BLOCK, payload))
        rolling_hash = entries[-1].hash
    return tuple(entries)


def append(log: LogStore, count: int, term: int = 1, size: int = 50) -> None:
    """One synced write for each entry."""
    for _ in range(count):
        payload = (log.last_index() + 1).to_bytes(4, "big") * (size // 4)
        log.write(persist(*chain(log, [payload], term)))


def configuration_entry(log: LogStore, *voters: str, term: int = 1) -> Entry:
    payload = Configuration(tuple(NodeId(voter) for voter in voters)).encode()
    index = Index(log.last_index() + 1)
    previous = log.hash(log.last_index())
    return make_entry(previous, index, Term(term), EntryKind.CONFIGURATION, payload)
