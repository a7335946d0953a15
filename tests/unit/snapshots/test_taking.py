"""Snapshots are taken in time, old blocks go as it was set, and the disk gets its room back."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scripts.benchmark.chain import NODE, Chain
from tests.unit.node.test_backing_up import backing_up
from twinledger.consensus import Index, NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import TwinId
from twinledger.node.feed import Feed
from twinledger.node.node_records import NodeRecords
from twinledger.node.services.ledger_service import LedgerService
from twinledger.node.services.peer_service import PeerService
from twinledger.node.snapshot_taking import SnapshotTaking
from twinledger.node.transport import PROTOCOL_VERSION
from twinledger.node.updates import Updates
from twinledger.storage import ChainProofs
from twinledger.v1 import ledger_service_pb2 as pb
from twinledger.v1.operator_service_pb2 import BackupRequest
from twinledger.v1.peer_service_pb2 import FetchSnapshotRequest, PeerHello

LIFETIME_US = 20_000_000
"""Blocks come once a second: twenty of them are remembered."""


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    chain = Chain.create(tmp_path / "data", lifetime_us=LIFETIME_US)
    yield chain
    chain.close()


Grown = Callable[[int], Chain]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Folders of so many blocks, each made once: that takes longer than what is tested."""

    @cache
    def make(blocks: int) -> Path:
        path = tmp_path_factory.mktemp("grown") / "data"
        chain = Chain.create(path, lifetime_us=LIFETIME_US)
        chain.grow(blocks)
        chain.close()
        return path

    return make


@pytest.fixture
def grown(made: Callable[[int], Path], tmp_path: Path) -> Iterator[Grown]:
    """Opens a copy of a chain of so many blocks."""
    opened = list[Chain]()

    def open_copy(blocks: int) -> Chain:
        opened.append(Chain.open(shutil.copytree(made(blocks), tmp_path / "data")))
        return opened[-1]

    yield open_copy
    for chain in opened:
        chain.close()


def taking(
    chain: Chain, *, every: int = 100, keep_blocks: int = 0, certified: int = 1 << 60
) -> SnapshotTaking:
    newest = chain.folder.snapshots.newest()
    return SnapshotTaking(
        chain=chain.stores.chain,
        log=chain.stores.log,
        book=chain.stores.heads,
        folder=chain.folder.snapshots,
        chain_id=chain.genesis.chain_id,
        thread=ThreadPoolExecutor(1),
        disk=ThreadPoolExecutor(1),
        execution=ThreadPoolExecutor(1),
        every=every,
        keep_blocks=keep_blocks,
        certified=lambda: certified,
        newest=newest.manifest if newest else None,
    )


def looked(taking: SnapshotTaking, times: int = 1) -> None:
    async def look() -> None:
        for _ in range(times):
            await taking.look()

    asyncio.run(look())


def test_a_snapshot_is_taken_every_so_many_blocks(chain: Chain) -> None:
    work = taking(chain)
    chain.grow(99)
    looked(work)
    assert chain.folder.snapshots.newest() is None
    chain.grow(1)
    looked(work, 2)
    newest = chain.folder.snapshots.newest()
    assert newest is not None
    assert newest.manifest.height == 100
    chain.grow(60)
    looked(taking(chain))
    assert chain.folder.snapshots.newest() == newest, "a restarted node counts on from the newest"


def test_none_is_taken_when_it_was_set_so(chain: Chain) -> None:
    chain.grow(100)
    looked(taking(chain, every=0))
    assert chain.folder.snapshots.newest() is None


def test_consensus_sees_less_of_the_log_and_every_block_stays(grown: Grown) -> None:
    chain = grown(1100)
    looked(taking(chain))
    assert chain.stores.log.first_index() == 1100 - 1024 + 1
    snapshot = chain.stores.log.snapshot()
    assert snapshot is not None
    assert snapshot.index == 1100
    assert chain.stores.chain.block(1).payload
    assert chain.stores.log.oldest == 1


def test_a_snapshot_that_is_not_certified_yet_is_not_offered(grown: Grown) -> None:
    chain = grown(1100)
    looked(taking(chain, certified=1099))
    assert chain.stores.log.snapshot() is None
    assert chain.stores.log.first_index() == 1
    looked(taking(chain, certified=1100))
    assert chain.stores.log.snapshot() is not None


def test_old_blocks_go_and_what_proves_stays(grown: Grown) -> None:
    chain = grown(1100)
    work = taking(chain, keep_blocks=40)
    looked(work, 3)
    oldest = chain.stores.log.oldest
    assert oldest == 1100 - 1024 + 1, "never what consensus may still send"
    assert chain.stores.chain.receipts_from == oldest
    for read in (chain.stores.chain.block, chain.stores.chain.receipts):
        with pytest.raises(LedgerError, match=f"keeps (is|are of) {oldest}") as raised:
            read(oldest - 1)
        assert raised.value.code is Code.PRUNED
    assert chain.stores.chain.block(oldest).receipts
    proofs = ChainProofs(chain.stores.chain)
    assert proofs.inclusion(3, 1101)
    assert proofs.consistency(4, 1101)
    assert chain.stores.chain.header(3).height == 3
    assert [u.version for u in chain.stores.chain.updates("pump-1", 0, 3)] == [1, 2, 3]


def test_a_history_that_needs_a_pruned_block_names_the_oldest(grown: Grown) -> None:
    chain = grown(1100)
    looked(taking(chain, keep_blocks=40), 3)
    updates = Updates(chain.stores.chain)
    with pytest.raises(LedgerError, match="oldest") as raised:
        updates.history(chain.stores.chain, TwinId("pump-1"), 0, 10)
    assert raised.value.code is Code.PRUNED
    newest = chain.stores.chain.updates("pump-1", 0, 10_000)[-1].version
    assert updates.history(chain.stores.chain, TwinId("pump-1"), newest - 1, 10)


def test_nothing_above_the_certified_height_goes(grown: Grown) -> None:
    chain = grown(1100)
    looked(taking(chain))
    looked(taking(chain, keep_blocks=1, certified=50), 3)
    assert chain.stores.log.oldest == 51


def test_transactions_that_could_come_again_keep_their_receipts(tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "data", lifetime_us=1150 * 1_000_000)
    chain.grow(1200)
    looked(taking(chain, keep_blocks=1), 3)
    assert chain.stores.chain.receipts_from == 50
    chain.close()


def test_a_pruned_folder_opens_again_and_goes_on(grown: Grown, tmp_path: Path) -> None:
    chain = grown(1100)
    looked(taking(chain, keep_blocks=40), 3)
    oldest = chain.stores.log.oldest
    chain.close()
    again = Chain.open(tmp_path / "data")
    assert again.stores.log.oldest == oldest
    assert again.height == 1100
    again.grow(10)
    assert again.stores.chain.block(1110).receipts
    again.close()


def folder_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


async def half_read(stream: Any) -> None:
    for _ in range(20):
        await anext(stream)


@pytest.mark.parametrize("served", ["blocks", "a snapshot", "a backup"])
def test_the_folder_shrinks_while_a_stream_is_being_served(grown: Grown, served: str) -> None:
    chain = grown(3000)
    work = taking(chain)
    looked(work)
    data = chain.folder.path

    async def story() -> tuple[int, int]:
        stream = _streams(chain)[served]()
        await half_read(stream) if served == "blocks" else await anext(stream)
        before = folder_bytes(data / "log") + folder_bytes(data / "chain")
        work.keep_blocks = 40
        for _ in range(8):
            await work.look()
        after = folder_bytes(data / "log") + folder_bytes(data / "chain")
        if served == "blocks":
            with pytest.raises(LedgerError, match="oldest"):
                await anext(stream)
        else:
            assert [part async for part in stream]
        return before, after

    before, after = asyncio.run(story())
    assert chain.stores.log.oldest == 3000 - 1024 + 1
    assert after < before * 0.7, (before, after)


def _streams(chain: Chain) -> dict[str, Callable[[], Any]]:
    feed: Feed[Any] = Feed(chain.height)
    nothing = cast("Any", None)
    service = LedgerService(nothing, feed, chain.stores.chain, b"", nothing, nothing, nothing)
    newest = chain.folder.snapshots.newest()
    assert newest is not None
    peers = _peer_service(chain)
    request = _request(chain, newest.manifest.id)
    return {
        "blocks": lambda: service.stream_blocks(pb.StreamBlocksRequest(from_height=1)),
        "a snapshot": lambda: peers.fetch_snapshot(request, None),
        "a backup": lambda: backing_up(chain).parts(BackupRequest()),
    }


def _peer_service(chain: Chain) -> Any:
    nothing = cast("Any", None)
    peers = SimpleNamespace(transport=SimpleNamespace(peers={NODE: nothing}))
    return PeerService(
        nothing,
        NODE,
        chain.genesis.chain_id,
        lambda *_: None,
        cast("Any", peers),
        nothing,
        nothing,
        lambda: chain.genesis.limits,
        NodeRecords(NodeId("me"), chain.genesis.members[0].nodes, 0, insecure=True),
        chain.folder.snapshots,
        nothing,
        nothing,
        nothing,
    )


def _request(chain: Chain, snapshot_id: bytes) -> FetchSnapshotRequest:
    hello = PeerHello(
        node_id=NODE, chain_id=chain.genesis.chain_id, protocol_version=PROTOCOL_VERSION
    )
    return FetchSnapshotRequest(hello=hello, snapshot_id=snapshot_id)


def test_pruning_waits_for_nothing_and_takes_turns(grown: Grown) -> None:
    """Many blocks go in steps, so that whatever else writes comes in between."""
    chain = grown(3000)
    work = taking(chain)
    looked(work)
    work.keep_blocks = 40
    looked(work)
    assert chain.stores.log.oldest == 513
    assert chain.stores.log.entry(Index(513)).index == 513
