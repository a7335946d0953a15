"""Reads of the chain and its state at one height: the newest one, or a snapshot's."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from twinledger.consensus import Entry, EntryKind, Index
from twinledger.consortium.members import consortium_hash
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.state_tree_page import Page, PageKey
from twinledger.storage.chain_records import (
    APPLIED_KEY,
    RECEIPTS_FROM_KEY,
    STATE_PREFIX,
    Location,
    UpdatePlace,
    after_prefix,
    consortium_key,
    decode_height,
    decode_list,
    decode_location,
    decode_update,
    header_key,
    incoming_prefix,
    receipts_key,
    transaction_key,
    update_key,
    updates_prefix,
)
from twinledger.storage.chain_trees import ChainTrees, PageCache
from twinledger.storage.damage import REBUILD_CHAIN, damaged
from twinledger.storage.database import View


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block: what the log keeps of it, and what executing it gave."""

    header: bytes
    kind: EntryKind
    payload: bytes
    """The log entry's payload, empty at height 0."""
    receipts: tuple[bytes, ...]


class Bodies(Protocol):
    """Where the bodies of blocks are: the log."""

    def entry(self, index: Index) -> Entry:
        """Return the entry at an index."""
        ...


class ChainReader:
    """The chain and its state as a view of the database shows them.

    Implements execution's StateReader. Any method raises LedgerError DATA_DAMAGED for what does
    not read back as it was written, and StorageFailure when the disk gives nothing.
    """

    def __init__(self, view: View, bodies: Bodies, pages: PageCache) -> None:
        """All views of one chain share `pages`."""
        self._view = view
        self._bodies = bodies
        self.trees = ChainTrees(view, pages)

    @property
    def view(self) -> View:
        """The records themselves."""
        return self._view

    @property
    def applied_height(self) -> int | None:
        """The height of everything read here; None before genesis is applied."""
        record = self._view.get(APPLIED_KEY)
        return None if record is None else decode_height(record)

    # The agreed state: execution's StateReader.

    def get(self, key: bytes) -> bytes | None:
        """Return the value at a key of the agreed state."""
        return self._view.get(STATE_PREFIX + key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield every key that begins with the prefix, with its value, keys ascending by bytes."""
        start = STATE_PREFIX + prefix
        for key, value in self._view.scan(start, after_prefix(start)):
            yield key[len(STATE_PREFIX) :], value

    def scan_after(self, prefix: bytes, after: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield as `scan` does, but only keys greater than `after`: the next page."""
        start = STATE_PREFIX + max(prefix, after + b"\0")
        for key, value in self._view.scan(start, after_prefix(STATE_PREFIX + prefix)):
            yield key[len(STATE_PREFIX) :], value

    def seen(self, transaction_id: bytes) -> bool:
        """Whether a block used this transaction's id up."""
        return self._view.get(transaction_key(transaction_id)) is not None

    def tree_page(self, key: PageKey) -> Page:
        """Return a page of the state tree or of a twin's."""
        return self.trees.tree_page(key)

    def consortium_at(self, height: int) -> bytes:
        """Return the consortium's leaf exactly after a block, whatever of the state is pruned.

        Raises:
            LedgerError: BLOCK_NOT_FOUND.
        """
        expected = self.header(height).consortium_hash
        changed = self._view.last_key(consortium_key(0), consortium_key(height + 1))
        leaf = None if changed is None else self._view.get(changed)
        if leaf is None or consortium_hash(leaf) != expected:
            raise _damaged(f"The consortium at height {height} does not match its hash")
        return leaf

    @property
    def consortium_changed_at(self) -> int:
        """The newest height that changed the consortium's leaf."""
        stop = consortium_key((self.applied_height or 0) + 1)
        changed = self._view.last_key(consortium_key(0), stop)
        if changed is None:
            raise _damaged("The consortium is missing")
        return decode_height(changed[1:])

    # Blocks.

    def header(self, height: int) -> BlockHeader:
        """Return a block's header.

        Raises:
            LedgerError: BLOCK_NOT_FOUND.
        """
        raw = self.header_bytes(height)
        try:
            return BlockHeader.decode(raw)
        except LedgerError as error:
            raise _damaged(f"The header at height {height} is not readable") from error

    def header_bytes(self, height: int) -> bytes:
        """Return a block's header as it was hashed.

        Raises:
            LedgerError: BLOCK_NOT_FOUND.
        """
        # The record first: a block that another thread is just writing is there before its height.
        record = self._view.get(header_key(height)) if height >= 0 else None
        if record is None:
            applied = self.applied_height
            if applied is None or not 0 <= height <= applied:
                raise LedgerError(Code.BLOCK_NOT_FOUND, f"height {height}, the newest is {applied}")
            raise _damaged(f"The header at height {height} is missing")
        return record

    @property
    def receipts_from(self) -> int:
        """The oldest height whose receipts are kept."""
        record = self._view.get(RECEIPTS_FROM_KEY)
        return 0 if record is None else decode_height(record)

    def receipts(self, height: int) -> tuple[bytes, ...]:
        """Return a block's receipts, having checked them against its header.

        Raises:
            LedgerError: BLOCK_NOT_FOUND; PRUNED, naming the oldest height.
        """
        root = self.header(height).receipts_root
        if height < self.receipts_from:
            raise LedgerError(
                Code.PRUNED, f"the oldest receipts it keeps are of {self.receipts_from}"
            )
        receipts = decode_list(self._view.get(receipts_key(height)) or b"")
        if tree_hash(receipts) != root:
            raise _damaged(f"The receipts at height {height} do not match their root")
        return receipts

    def block(self, height: int) -> StoredBlock:
        """Return a block with its body.

        Raises:
            LedgerError: BLOCK_NOT_FOUND; PRUNED, naming the oldest height.
        """
        header = self.header_bytes(height)
        if height == 0:
            return StoredBlock(header, EntryKind.BLOCK, b"", self.receipts(height))
        # The body first: who came by a snapshot has receipts of blocks whose bodies it has not.
        entry = self._bodies.entry(Index(height))
        return StoredBlock(header, entry.kind, entry.payload, self.receipts(height))

    # Indexes.

    def location(self, transaction_id: bytes) -> Location | None:
        """Return where a transaction used its id up; None when it did not."""
        record = self._view.get(transaction_key(transaction_id))
        return None if record is None else decode_location(record)

    def updates(self, twin_id: str, after_version: int, limit: int) -> tuple[UpdatePlace, ...]:
        """Return where the updates after a version stand, at most `limit`, versions ascending."""
        start, stop = update_key(twin_id, after_version + 1), after_prefix(updates_prefix(twin_id))
        found = islice(self._view.scan(start, stop), limit)
        return tuple([decode_update(key, record) for key, record in found])

    def incoming(self, target_id: str) -> Iterator[tuple[str, str]]:
        """Yield the (name, source) of every relationship that points to a twin."""
        prefix = incoming_prefix(target_id)
        for key, _ in self._view.scan(prefix, after_prefix(prefix)):
            name, _, source = key[len(prefix) :].decode().partition("/")
            yield name, source


def _damaged(what: str) -> LedgerError:
    return damaged(what, REBUILD_CHAIN)
