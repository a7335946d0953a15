"""Executing a log again, into a scratch chain of its own.

The scratch chain is written by the same code that wrote the node's, so that whatever a block leads
to is in it: headers, receipts, state, trees and indexes, and what may yet be added to them.
"""

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from twinledger.consensus import Entry
from twinledger.consortium.genesis import Genesis
from twinledger.execution.execute import (
    block_transactions,
    execute,
    genesis_block,
    limits_of,
)
from twinledger.execution.prepare import Prepared, prepare
from twinledger.execution.results import Execution, Ordered, Parent
from twinledger.storage.chain_store import ChainStore
from twinledger.storage.damage import REBUILD_CHAIN
from twinledger.storage.database import Database
from twinledger.storage.no_bodies import NoBodies
from twinledger.storage.snapshot_files import SnapshotFiles
from twinledger.storage.snapshot_install import install_chain

_CACHE_BYTES: Final = 32 << 20
_AHEAD: Final = 32
"""Blocks whose signatures are being checked before they are executed."""


@dataclass(slots=True)
class Replay:
    """A scratch chain that grows block by block."""

    genesis: Genesis
    chain: ChainStore
    database: Database
    """The scratch chain's records, to compare."""
    written: Database
    """Which block last wrote each key of the state: height u64."""
    checks: Executor
    start: int = 0
    """The height that execution began from."""
    transactions: int = 0
    _ahead: list[tuple[Ordered, list[Future[Prepared]]]] = field(default_factory=list)

    @classmethod
    def create(
        cls, folder: Path, genesis: Genesis, kept_heights: int, checks: Executor
    ) -> "Replay":
        """Begin with the block of genesis, in a folder that is there.

        Raises:
            StorageFailure: the disk refused.
        """
        database = _new_database(folder / "expected")
        written = _new_database(folder / "written")
        chain = ChainStore(database, NoBodies(), kept_heights)
        replay = cls(genesis, chain, database, written, checks)
        replay._take(genesis_block(genesis))
        return replay

    @classmethod
    def upon(
        cls,
        folder: Path,
        genesis: Genesis,
        files: SnapshotFiles,
        kept_heights: int,
        checks: Executor,
    ) -> "Replay":
        """Begin with a snapshot, which is verified but for its head.

        Raises:
            LedgerError: SNAPSHOT_INVALID.
            StorageFailure: the disk refused.
        """
        header = genesis_block(genesis).header_bytes
        install_chain(folder / "expected", files, header, NoBodies())
        database = Database(folder / "expected", REBUILD_CHAIN, cache_bytes=_CACHE_BYTES)
        chain = ChainStore(database, NoBodies(), kept_heights)
        chain.resume()
        written = _new_database(folder / "written")
        return cls(genesis, chain, database, written, checks, files.manifest.height)

    @property
    def height(self) -> int:
        """The height that was reached."""
        return self.chain.applied_height or 0

    def run(self, entries: Iterator[Entry]) -> Iterator[int]:
        """Execute entries; yield the height after each.

        Raises:
            LedgerError: what reading the entries raises, after those before it were executed.
        """
        try:
            for entry in entries:
                self._ahead.append(self._prepared(entry))
                if len(self._ahead) > _AHEAD:
                    yield self._execute_next()
        finally:
            while self._ahead:
                self._execute_next()
        yield self.height

    def close(self) -> None:
        """Close the scratch stores."""
        self.chain.close()
        self.written.close()

    def _prepared(self, entry: Entry) -> tuple[Ordered, list[Future[Prepared]]]:
        """Begin preparing by the limits of now; execution does it again if they change."""
        ordered = Ordered(entry.term, entry.kind, entry.payload)
        limits, chain_id = limits_of(self.chain), self.genesis.chain_id
        transactions = block_transactions(ordered.body, limits)
        return ordered, [self.checks.submit(prepare, raw, limits, chain_id) for raw in transactions]

    def _execute_next(self) -> int:
        ordered, futures = self._ahead.pop(0)
        limits, chain_id = limits_of(self.chain), self.genesis.chain_id
        ready = {future.result().raw: future.result() for future in futures}
        prepared = [
            ready.get(raw) or prepare(raw, limits, chain_id)
            for raw in block_transactions(ordered.body, limits)
        ]
        parent = Parent.of(self.chain.header(self.height))
        execution = execute(parent, self.chain, ordered, prepared, chain_id)
        self._take(execution)
        self.transactions += len(prepared)
        return self.height

    def _take(self, execution: Execution) -> None:
        self.chain.apply(execution)
        height = execution.header.height.to_bytes(8, "big")
        self.written.write([(key, height) for key in execution.writes], sync=False)


def _new_database(path: Path) -> Database:
    return Database(path, REBUILD_CHAIN, create=True, cache_bytes=_CACHE_BYTES)
