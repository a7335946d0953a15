"""What keeping the trees costs for each changed twin, by the number of twins.

    scripts/bench trees

It changes one property each of twins at random, few and many at once, and tells the median time of
updating the twins' own trees and the state tree, which is part of execution, and of a whole block's
writing into LevelDB, with its values and its history.
"""

import gc
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import click
from rich import box
from rich.console import Console
from rich.table import Table

from twinledger.execution.overlay import Overlay
from twinledger.execution.results import Execution
from twinledger.execution.trees import update_trees
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.merkle import EMPTY_ROOT
from twinledger.ledger.names import IdentityName, MemberName, TwinId
from twinledger.ledger.operations import Section
from twinledger.ledger.state_tree import TreeUpdate
from twinledger.ledger.state_tree_page import EMPTY, Branch, Page, PageKey
from twinledger.ledger.transaction import TransactionId
from twinledger.storage.chain_store import ChainStore
from twinledger.storage.log_store import LogStore
from twinledger.twins.reading import find_twin
from twinledger.twins.records import Origin, Twin, encode_property
from twinledger.twins.state_keys import property_key, twin_key

GENESIS_HASH = bytes(32)
PROPERTIES = [f"sensor-{number}" for number in range(8)]


class Memory:
    """Records and pages in dicts: the update alone."""

    def __init__(self) -> None:
        self._records: dict[bytes, bytes | None] = {}
        self._pages: dict[PageKey, Page] = {}
        self._newest: Branch | None = None

    def tree_page(self, key: PageKey) -> Page:
        """A page of the newest tree."""
        return self._pages[key]

    def get(self, key: bytes) -> bytes | None:
        """The newest record at a key."""
        return self._records.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Updating trees reads no range: that would cost as much as there are properties."""
        raise AssertionError(prefix)

    def draft(self) -> Overlay:
        """Where the next block's changes go."""
        return Overlay(self)

    def timed(self, draft: Overlay) -> tuple[float, float]:
        """The seconds of an update, and none for writing it."""
        height = self._newest.height + 1 if self._newest else 0
        started = time.perf_counter()
        done = update_trees(self, self._newest, height, draft)
        seconds = time.perf_counter() - started
        self._newest = Branch(done.root, height)
        self._records.update(draft.changes)
        self._pages.update(done.pages)
        for key in done.stale:
            self._pages.pop(key)
        return seconds, 0.0


class Disk:
    """A chain in LevelDB, of blocks that nothing but their writes is known of."""

    def __init__(self, folder: Path) -> None:
        LogStore.create(folder / "log", folder / "marker", GENESIS_HASH)
        ChainStore.create(folder / "chain")
        log = LogStore.open(folder / "log", folder / "marker", GENESIS_HASH)
        self._chain = ChainStore.open(folder / "chain", log)
        self._newest: BlockHeader | None = None

    def draft(self) -> Overlay:
        """Where the next block's changes go."""
        return Overlay(self._chain)

    def timed(self, draft: Overlay) -> tuple[float, float]:
        """The seconds of an update, and of storing the block."""
        newest = self._newest
        parent = Branch(newest.state_root, newest.height) if newest else None
        started = time.perf_counter()
        tree = update_trees(self._chain, parent, newest.height + 1 if newest else 0, draft)
        updated = time.perf_counter()
        block = _block(newest, draft, tree)
        ready = time.perf_counter()
        self._chain.apply(block)
        self._newest = block.header
        return updated - started, time.perf_counter() - ready


def _block(parent: BlockHeader | None, draft: Overlay, tree: TreeUpdate) -> Execution:
    height, parent_hash = (parent.height + 1, parent.hash()) if parent else (0, GENESIS_HASH)
    zero = bytes(32)
    header = BlockHeader(height, 0, 0, parent_hash, EMPTY_ROOT, EMPTY_ROOT, tree.root, zero)
    raw, writes = header.encode(), dict(sorted(draft.changes.items()))
    return Execution(header, raw, header.hash(), (), (), writes, tree, (), ())


@dataclass(frozen=True, slots=True)
class Row:
    """Microseconds for each changed twin."""

    store: str
    twins: int
    at_once: int
    update_us: float
    writing_us: float


@click.command()
@click.option("--twins", default="1000,10000,100000", show_default=True, help="How many there are.")
@click.option("--changes", default=2_000, show_default=True, help="Twins changed in each run.")
def main(twins: str, changes: int) -> None:
    """Measure the trees' cost for each changed twin."""
    rows: list[Row] = []
    for size in [int(number) for number in twins.split(",")]:
        rows += _measured("memory", Memory(), size, changes)
        with tempfile.TemporaryDirectory(prefix="twinledger-bench-") as folder:
            rows += _measured("LevelDB", Disk(Path(folder)), size, changes)
    table = Table(title="Microseconds for each changed twin", box=box.SIMPLE_HEAD)
    for name in ("", "twins", "changed at once", "update", "writing"):
        table.add_column(name, justify="right" if name else "left")
    for row in rows:
        numbers = (row.twins, row.at_once, row.update_us, row.writing_us)
        table.add_row(row.store, *(f"{number:,.0f}" for number in numbers))
    Console().print(table)


def _measured(name: str, store: Memory | Disk, size: int, changes: int) -> list[Row]:
    source = random.Random(size)  # noqa: S311 - which twins are changed is no secret
    twins = [TwinId(f"pump-{number}") for number in range(size)]
    for start in range(0, size, 1_000):
        store.timed(_block_of(store, twins[start : start + 1_000], PROPERTIES, source))
    gc.collect()
    gc.freeze()  # a node holds a bounded number of pages, Memory all of them
    rows = [_run(name, store, twins, at_once, changes, source) for at_once in (2, 200)]
    gc.unfreeze()
    return rows


def _run(
    name: str,
    store: Memory | Disk,
    twins: list[TwinId],
    at_once: int,
    changes: int,
    source: random.Random,
) -> Row:
    times = []
    for _ in range(changes // at_once):
        changed, paths = source.sample(twins, at_once), [source.choice(PROPERTIES)]
        times.append(store.timed(_block_of(store, changed, paths, source)))
    # The median: a block that waited for another process or for compaction says nothing here.
    update_us, writing_us = (median(column) * 1e6 / at_once for column in zip(*times, strict=True))
    return Row(name, len(twins), at_once, update_us, writing_us)


def _block_of(
    store: Memory | Disk, twins: list[TwinId], paths: list[str], source: random.Random
) -> Overlay:
    """What a block of one update for each of these twins leaves: records, without their roots."""
    draft = store.draft()
    transaction = TransactionId(source.randbytes(32))
    origin = Origin(transaction, (IdentityName("utility/gateway"),), None, 0, 1, 0).encode()
    for twin_id in twins:
        before = find_twin(draft, twin_id) or _unborn(twin_id)
        after = replace(before, version=before.version + 1, history_head=source.randbytes(32))
        draft.put(twin_key(twin_id), after.encode())
        for path in paths:
            key = property_key(twin_id, Section.REPORTED, path)
            draft.put(key, encode_property(source.random(), origin, source.randbytes(16)))
    return draft


def _unborn(twin_id: TwinId) -> Twin:
    owner, zero = MemberName("utility"), bytes(32)
    return Twin(twin_id, "", owner, 0, zero, False, None, len(PROPERTIES), EMPTY, 0)


if __name__ == "__main__":
    main()
