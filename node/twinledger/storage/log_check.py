"""Reads the whole log once, at start, and finds every hole and every changed byte.

A checksum of each entry would not do: an entry that is whole but of another log, or one that is
missing between two whole ones, shows only in the chain of hashes.
"""

from collections.abc import Iterator
from typing import Final

from twinledger.consensus import Entry, EntryKind, Index, entry_hash
from twinledger.storage.damage import damaged
from twinledger.storage.database import View
from twinledger.storage.log_records import (
    LogState,
    Position,
    configuration_key,
    decode_entry,
    entry_key,
    index_of,
)
from twinledger.storage.marker import Mark

BEYOND_EVERY_INDEX: Final = 2**64 - 1


def checked_entries(view: View, anchor: Position) -> Iterator[Entry]:
    """Yield every entry from the anchor on, having checked it.

    Raises:
        LedgerError: DATA_DAMAGED, naming the first index that is wrong.
        StorageFailure: the disk does not give the entries.
    """
    before = anchor
    configurations = list[Index]()
    for key, record in view.scan(entry_key(0), entry_key(BEYOND_EVERY_INDEX)):
        entry = decode_entry(index_of(key), record)
        if entry.index != before.index + 1:
            raise damaged(f"The log has no entry at index {before.index + 1}")
        if entry.term < before.term:
            raise damaged(f"The log's entry at index {entry.index} is of an earlier term")
        expected = entry_hash(before.hash, entry.index, entry.term, entry.kind, entry.payload)
        if entry.hash != expected:
            raise damaged(f"The log's entry at index {entry.index} does not match its hash")
        before = Position(entry.index, entry.term, entry.hash)
        if entry.kind is EntryKind.CONFIGURATION:
            configurations.append(entry.index)
        yield entry
    _check_configurations(view, configurations)


def _check_configurations(view: View, found: list[Index]) -> None:
    """Raise DATA_DAMAGED when the log's list of its configurations is not that of its entries."""
    keys = view.scan(configuration_key(0), configuration_key(BEYOND_EVERY_INDEX))
    listed = [index_of(key) for key, _ in keys]
    if listed != found:
        wrong = min(set(listed) ^ set(found))
        raise damaged(f"The log's list of configurations is wrong about index {wrong}")


def check_mark(mark: Mark, marked: Position, last: Position, state: LogState) -> None:
    """Raise DATA_DAMAGED when the log is behind what its marker saw.

    `marked` is the log's own place at the marker's index, if it has one.
    """
    hard_term = state.hard_state.term
    if last.index < mark.index:
        raise damaged(
            f"The log lost what it acknowledged: it ends at index {last.index}, "
            f"but index {mark.index} was on the disk"
        )
    if hard_term < mark.hard_term:
        raise damaged(
            f"The log lost what it acknowledged: it knows of term {hard_term}, "
            f"but term {mark.hard_term} was on the disk"
        )
    if state.sequence < mark.sequence:
        raise damaged(
            f"The log lost what it acknowledged: it has seen {state.sequence} writes, "
            f"but {mark.sequence} were on the disk"
        )
    if marked.index == mark.index and (marked.term, marked.hash) != (mark.term, mark.hash):
        raise damaged(f"The log's entry at index {mark.index} is not the one it acknowledged")
