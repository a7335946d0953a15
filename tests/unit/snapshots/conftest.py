"""A chain, and snapshots of it."""

from collections.abc import Iterator

import pytest

from scripts.benchmark.chain import Chain
from twinledger.consensus import Index
from twinledger.storage.log_records import Position
from twinledger.storage.snapshot_content import take_snapshot
from twinledger.storage.snapshot_files import SnapshotFiles


def snapshot_of(chain: Chain) -> SnapshotFiles:
    """Take one of a chain's newest height, into its own folder."""
    log, index = chain.stores.log, Index(chain.height)
    place = Position(index, log.term(index), log.hash(index))
    with chain.stores.chain.snapshot() as pinned:
        return take_snapshot(chain.folder.snapshots, pinned, chain.genesis.chain_id, place)


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A chain of 120 blocks. Not to be changed."""
    chain = Chain.create(tmp_path_factory.mktemp("grown") / "data")
    chain.grow(120)
    yield chain
    chain.close()


@pytest.fixture(scope="session")
def taken(grown: Chain) -> SnapshotFiles:
    """The snapshot of its last height. Not to be changed."""
    return snapshot_of(grown)
