"""What keeping the state tree costs for each changed leaf, by the number of leaves.

    scripts/bench trees

It changes leaves at random, few and many at once, and tells the median time of the update, which is
part of execution, and of a whole block's writing into LevelDB, with its values and its history.
"""

import gc
import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
from rich import box
from rich.console import Console
from rich.table import Table

from twinledger.execution.results import Execution
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.merkle import EMPTY_ROOT
from twinledger.ledger.state_tree import TreeUpdate, update
from twinledger.ledger.state_tree_page import Branch, Page, PageKey
from twinledger.storage.chain_store import ChainStore
from twinledger.storage.log_store import LogStore

Writes = Mapping[bytes, bytes | None]
GENESIS_HASH = bytes(32)
VALUE_BYTES = 256


class Memory:
    """Pages in a dict: the update alone."""

    def __init__(self) -> None:
        self._pages: dict[PageKey, Page] = {}
        self._newest: Branch | None = None

    def tree_page(self, key: PageKey) -> Page:
        """A page of the newest tree."""
        return self._pages[key]

    def timed(self, writes: Writes) -> tuple[float, float]:
        """The seconds of an update, and none for writing it."""
        height = self._newest.height + 1 if self._newest else 0
        started = time.perf_counter()
        done = update(self, self._newest, height, writes)
        seconds = time.perf_counter() - started
        self._newest = Branch(done.root, height)
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

    def timed(self, writes: Writes) -> tuple[float, float]:
        """The seconds of an update, and of storing the block."""
        newest = self._newest
        parent = Branch(newest.state_root, newest.height) if newest else None
        started = time.perf_counter()
        tree = update(self._chain, parent, newest.height + 1 if newest else 0, writes)
        updated = time.perf_counter()
        block = _block(newest, writes, tree)
        ready = time.perf_counter()
        self._chain.apply(block)
        self._newest = block.header
        return updated - started, time.perf_counter() - ready


def _block(parent: BlockHeader | None, writes: Writes, tree: TreeUpdate) -> Execution:
    height, parent_hash = (parent.height + 1, parent.hash()) if parent else (0, GENESIS_HASH)
    zero = bytes(32)
    header = BlockHeader(height, 0, 0, parent_hash, EMPTY_ROOT, EMPTY_ROOT, tree.root, zero)
    raw = header.encode()
    return Execution(header, raw, header.hash(), (), (), writes, tree, (), ())


@dataclass(frozen=True, slots=True)
class Row:
    """Microseconds for each changed leaf."""

    store: str
    leaves: int
    at_once: int
    update_us: float
    writing_us: float


@click.command()
@click.option("--leaves", default="1000,10000,100000", show_default=True, help="Sizes of trees.")
@click.option("--changes", default=2_000, show_default=True, help="Leaves changed in each run.")
def main(leaves: str, changes: int) -> None:
    """Measure the state tree's cost for each changed leaf."""
    rows: list[Row] = []
    for size in [int(number) for number in leaves.split(",")]:
        rows += _measured("memory", Memory(), size, changes)
        with tempfile.TemporaryDirectory(prefix="twinledger-bench-") as folder:
            rows += _measured("LevelDB", Disk(Path(folder)), size, changes)
    table = Table(title="Microseconds for each changed leaf", box=box.SIMPLE_HEAD)
    for name in ("", "leaves", "changed at once", "update", "writing"):
        table.add_column(name, justify="right" if name else "left")
    for row in rows:
        numbers = (row.leaves, row.at_once, row.update_us, row.writing_us)
        table.add_row(row.store, *(f"{number:,.0f}" for number in numbers))
    Console().print(table)


def _measured(name: str, store: Memory | Disk, size: int, changes: int) -> list[Row]:
    source = random.Random(size)  # noqa: S311 - which leaves are changed is no secret
    keys = [b"property/pump-%d/reported/flow" % number for number in range(size)]
    for start in range(0, size, 1_000):
        store.timed({key: source.randbytes(VALUE_BYTES) for key in keys[start : start + 1_000]})
    gc.collect()
    gc.freeze()  # a node holds a bounded number of pages, Memory all of them
    rows = [_run(name, store, keys, at_once, changes, source) for at_once in (2, 200)]
    gc.unfreeze()
    return rows


def _run(
    name: str,
    store: Memory | Disk,
    keys: list[bytes],
    at_once: int,
    changes: int,
    source: random.Random,
) -> Row:
    blocks = [
        {key: source.randbytes(VALUE_BYTES) for key in sorted(source.sample(keys, at_once))}
        for _ in range(changes // at_once)
    ]
    times = [store.timed(block) for block in blocks]
    # The median: a block that waited for another process or for compaction says nothing here.
    update_us, writing_us = (median(column) * 1e6 / at_once for column in zip(*times, strict=True))
    return Row(name, len(keys), at_once, update_us, writing_us)


if __name__ == "__main__":
    main()
