"""Blocks and agreed state on disk, derived from the log.

Everything of a block goes into one write batch together with the applied height, so that the state
never is of another height than it says (etcd v3.5 kept the two apart and diverged). Nothing here is
synced: a power cut leaves an earlier height, whole, and the blocks after it are replayed from the
log. Bodies of blocks are not copied; they stay in the log.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import BoundedSemaphore
from types import TracebackType
from typing import Final, Self

from twinledger.consensus import Index
from twinledger.execution.results import Execution
from twinledger.ledger.errors import Code, LedgerError, invariant
from twinledger.ledger.header import header_hash
from twinledger.ledger.history_tree import Place
from twinledger.ledger.merkle import leaf_hash
from twinledger.ledger.state_tree import TreeUpdate
from twinledger.ledger.state_tree_page import PageKey
from twinledger.storage.chain_reader import Bodies, ChainReader
from twinledger.storage.chain_records import (
    APPLIED_KEY,
    RECEIPTS_FROM_KEY,
    Change,
    changes_of,
    decode_height,
    encode_height,
    receipts_key,
)
from twinledger.storage.chain_tree_changes import next_oldest, pruning_changes, tree_changes
from twinledger.storage.chain_trees import PageCache
from twinledger.storage.damage import REBUILD_CHAIN, REPLACE_NODE, damaged
from twinledger.storage.database import Database, Snapshot
from twinledger.storage.failure import os_failure
from twinledger.storage.log_store import LogStore

CACHE_BYTES: Final = 32 << 20
KEPT_HEIGHTS: Final = 256
"""Of how many heights before the newest the state can be proven, unless the operator says else."""
MAX_SNAPSHOTS: Final = 256
"""Each keeps old values on the disk for as long as it is open."""


class ChainSnapshot(ChainReader):
    """The chain and its state pinned at one height. Close it, or use it in a `with`."""

    def __init__(
        self, snapshot: Snapshot, bodies: Bodies, pages: PageCache, places: BoundedSemaphore
    ) -> None:
        """Use ChainStore.snapshot."""
        super().__init__(snapshot, bodies, pages)
        self._snapshot = snapshot
        self._places: BoundedSemaphore | None = places
        self._applied = super().applied_height

    @property
    def applied_height(self) -> int | None:
        """The height this is pinned at."""
        return self._applied

    def close(self) -> None:
        """Let the height go. Closing twice is harmless."""
        self._snapshot.close()
        places, self._places = self._places, None
        if places is not None:
            places.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class ChainStore(ChainReader):
    """The chain of one node. One thread applies; any thread may read.

    Reads here see the newest height, which may move between two of them: who needs several that
    belong together takes a snapshot.
    """

    def __init__(self, database: Database, bodies: Bodies, kept_heights: int) -> None:
        """Use `create` and `open`; only an audit fills one that nobody checks against a log."""
        self._pages = PageCache()
        super().__init__(database, bodies, self._pages)
        self._database = database
        self._kept_heights = kept_heights
        self.certified_height: Callable[[], int] = lambda: sys.maxsize
        """No state above it is pruned. Set by whoever certifies; asked by who applies."""
        self._places = BoundedSemaphore(MAX_SNAPSHOTS)
        self._applied: int | None = None
        self._oldest = 0
        self._head = b""

    @classmethod
    def create(cls, path: Path) -> None:
        """Make an empty chain.

        Raises:
            StorageFailure: the disk refused.
        """
        Database(path, REBUILD_CHAIN, create=True, cache_bytes=CACHE_BYTES).close()

    @staticmethod
    def reaches(path: Path, height: int) -> bool:
        """Whether there is a chain of a height or a greater one, as far as it says itself.

        Raises:
            LedgerError: DATA_DAMAGED, DATA_IN_USE.
            StorageFailure: the disk refused.
        """
        if not _exists(path):
            return False
        database = Database(path, REBUILD_CHAIN, cache_bytes=CACHE_BYTES)
        try:
            record = database.get(APPLIED_KEY)
            return record is not None and decode_height(record) >= height
        finally:
            database.close()

    @classmethod
    def open(cls, path: Path, log: LogStore, *, kept_heights: int = KEPT_HEIGHTS) -> Self:
        """Open the chain and hold it against itself and against the log.

        A chain whose whole folder was taken away is made anew, if the log still begins at 1: it
        can be replayed. That is what an operator with a damaged chain is told to do.

        `kept_heights` is of how many heights before the newest the state can be proven.

        Raises:
            LedgerError: DATA_DAMAGED, DATA_IN_USE.
            StorageFailure: the disk refused.
        """
        if log.oldest == 1 and not _exists(path):
            cls.create(path)
        database = Database(path, REBUILD_CHAIN, cache_bytes=CACHE_BYTES)
        try:
            store = cls(database, log, kept_heights)
            store._check(log)
        except BaseException:
            database.close()
            raise
        return store

    @property
    def applied_height(self) -> int | None:
        """The height of the newest block applied; None before genesis is."""
        return self._applied

    def resume(self) -> None:
        """Go on upon a chain that was made of a snapshot. Only an audit does so without a log."""
        height = self._applied = super().applied_height
        if height is not None:
            self._head = self.header(height).hash()
            self._oldest = self.trees.oldest_height

    def apply(self, execution: Execution) -> None:
        """Write everything of the next block, or nothing of it.

        Raises:
            StorageFailure: the disk refused; nothing can be written any more.
        """
        header = execution.header
        following = 0 if self._applied is None else self._applied + 1
        invariant(header.height == following, "blocks are applied in order")
        invariant(header.height == 0 or header.parent_hash == self._head, "blocks hang together")
        oldest = next_oldest(
            self._oldest, header.height, self._kept_heights, self.certified_height()
        )
        self._database.write(self._changes(execution, oldest), sync=False)
        self._applied, self._head, self._oldest = header.height, execution.header_hash, oldest
        self._keep_pages(execution.tree)

    def _changes(self, execution: Execution, oldest: int) -> Iterator[Change]:
        yield from changes_of(execution)
        yield from tree_changes(self, execution)
        yield from pruning_changes(self._database, self._oldest, oldest)

    def _keep_pages(self, tree: TreeUpdate) -> None:
        for key in tree.stale:
            self._pages.drop(key)
        for key, page in tree.pages.items():
            self._pages.keep(key, page)

    def prune_receipts(self, oldest: int) -> None:
        """Delete the receipts of blocks before a height. By the thread that applies.

        Raises:
            StorageFailure: the disk refused; nothing can be written any more.
        """
        kept = range(self.receipts_from, oldest)
        if kept:
            changes: list[Change] = [(receipts_key(height), None) for height in kept]
            self._database.write([*changes, (RECEIPTS_FROM_KEY, encode_height(oldest))], sync=False)

    def reclaim(self) -> None:
        """Give back the room of pruned receipts. Any thread.

        Raises:
            StorageFailure: the disk refused.
        """
        self._database.reclaim(receipts_key(0), receipts_key(self.receipts_from))

    def snapshot(self) -> ChainSnapshot:
        """Return a reader of the newest height, held fast until the caller closes it.

        Raises:
            LedgerError: OVERLOADED, when too many are open.
        """
        if not self._places.acquire(blocking=False):
            raise LedgerError(Code.OVERLOADED, f"{MAX_SNAPSHOTS} reads are open")
        try:
            return ChainSnapshot(self._database.snapshot(), self._bodies, self._pages, self._places)
        except BaseException:
            self._places.release()
            raise

    def close(self) -> None:
        """Close the files. Closing twice is harmless."""
        self._database.close()

    def _check(self, log: LogStore) -> None:
        self._applied = super().applied_height
        if self._applied is None:
            if self._database.last_key(b"", b"\xff") is not None:
                raise damaged("The chain does not say which height it is of", REBUILD_CHAIN)
            return
        if self._applied > log.last_index():
            raise damaged(
                f"The log lost what it acknowledged: it ends at index {log.last_index()}, "
                f"but height {self._applied} was executed",
                REPLACE_NODE,
            )
        self._check_head(self._applied, log)
        self._check_trees(self._applied)

    def _check_head(self, height: int, log: LogStore) -> None:
        """The newest header must hang on its parent, and both on this log."""
        header = self.header(height)
        parent = header_hash(self.header_bytes(height - 1)) if height else log.hash(Index(0))
        if header.height != height or header.parent_hash != parent:
            told = f"The header at height {height} does not follow its parent"
            raise damaged(told, REBUILD_CHAIN)
        if header.term != log.term(Index(height)):
            raise damaged(f"The block at height {height} is not the log's", REBUILD_CHAIN)
        self._head = header.hash()

    def _check_trees(self, height: int) -> None:
        """State and history tree are of the newest header; what is below is checked on reading."""
        raw = self.header_bytes(height)
        if self.tree_page(PageKey(height, b"")).hash != self.header(height).state_root:
            raise damaged(f"The state tree is not that of height {height}", REBUILD_CHAIN)
        if self.trees.history_hash(Place(0, height)) != leaf_hash(raw):
            raise damaged(f"The history tree does not end with height {height}", REBUILD_CHAIN)
        self._oldest = self.trees.oldest_height


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise os_failure("look at the folder 'chain'", error) from error
