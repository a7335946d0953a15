"""A snapshot makes the chain that its records lead to, or is refused for what does not follow."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.benchmark.chain import Chain
from tests.unit.snapshots.conftest import snapshot_of
from twinledger.consensus import Configuration, Index, NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.names import TwinId
from twinledger.storage import ChainProofs
from twinledger.storage.chain_records import header_key, receipts_key, update_key
from twinledger.storage.chain_store import ChainStore
from twinledger.storage.damage import REBUILD_CHAIN
from twinledger.storage.database import Database
from twinledger.storage.no_bodies import NoBodies
from twinledger.storage.snapshot_files import SnapshotFiles, SnapshotFolder
from twinledger.storage.snapshot_format import CHUNK_BYTES, Manifest, Pair, encode_chunks
from twinledger.storage.snapshot_install import install_chain

Records = dict[bytes, bytes]


def installed(path: Path, files: SnapshotFiles, grown: Chain) -> ChainStore:
    install_chain(path, files, grown.stores.chain.header_bytes(0), NoBodies())
    return ChainStore.open(path, grown.stores.log)


def test_the_chain_it_makes_proves_what_the_other_proves(
    grown: Chain, taken: SnapshotFiles, tmp_path: Path
) -> None:
    fresh, height = installed(tmp_path / "chain", taken, grown), grown.height
    here, there = ChainProofs(fresh), ChainProofs(grown.stores.chain)
    for key, _ in grown.stores.chain.scan(b""):
        if key.startswith(b"twin/"):
            twin = TwinId(key[5:].decode())
            assert here.twin(twin, height) == there.twin(twin, height)
            assert fresh.updates(twin, 0, 1000) == grown.stores.chain.updates(twin, 0, 1000)
            assert list(fresh.incoming(twin)) == list(grown.stores.chain.incoming(twin))
        if not key.startswith((b"property/", b"relationship/")):
            assert here.state(key, height) == there.state(key, height)
    for size in range(1, height + 2):
        assert here.history_root(size) == there.history_root(size)
        assert here.inclusion(size - 1, height + 1) == there.inclusion(size - 1, height + 1)
        assert here.consistency(size, height + 1) == there.consistency(size, height + 1)
    fresh.close()


def test_blocks_go_on_upon_it_as_upon_the_other(tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "data")
    chain.grow(40)
    fresh = installed(tmp_path / "chain", snapshot_of(chain), chain)
    other = replace(chain, stores=replace(chain.stores, chain=fresh))
    for _ in range(40):
        before = chain.height
        chain.grow(1)
        assert other.height == before
        other.execute(chain.stores.log.entry(Index(chain.height)))
        assert fresh.header_bytes(chain.height) == chain.stores.chain.header_bytes(chain.height)
    fresh.close()
    chain.close()


def test_two_nodes_take_the_same_snapshot(
    grown: Chain, taken: SnapshotFiles, tmp_path: Path
) -> None:
    fresh = installed(tmp_path / "chain", taken, grown)
    other = replace(grown, stores=replace(grown.stores, chain=fresh))
    assert snapshot_of(other).manifest == taken.manifest
    fresh.close()


def test_an_old_transaction_is_remembered_for_as_long_as_it_could_come_again(
    tmp_path: Path,
) -> None:
    chain = Chain.create(tmp_path / "data", lifetime_us=20_000_000)  # blocks come once a second
    chain.grow(100)
    fresh = installed(tmp_path / "chain", snapshot_of(chain), chain)
    assert fresh.receipts_from == 80
    assert fresh.receipts(80) == chain.stores.chain.receipts(80)
    with pytest.raises(LedgerError, match="oldest receipts it keeps are of 80") as raised:
        fresh.receipts(79)
    assert raised.value.code is Code.PRUNED
    for height in range(80, 101):
        for key, value in chain.stores.chain.view.scan(b"t", b"u"):
            if value[:8] == height.to_bytes(8, "big"):
                assert fresh.view.get(key) == value
    fresh.close()
    chain.close()


def test_chunks_are_cut_between_records(tmp_path: Path) -> None:
    pairs: list[Pair] = [(b"k%05d" % n, bytes(700)) for n in range(4000)]
    pairs.insert(2000, (b"k01999x", bytes(2 * CHUNK_BYTES)))
    chunks = list(encode_chunks(pairs))
    assert all(len(chunk) <= CHUNK_BYTES for chunk in chunks if len(chunk) < 2 * CHUNK_BYTES)
    assert len(chunks) == 5
    files = SnapshotFolder(tmp_path).make(pairs, MANIFEST)
    assert list(files.pairs()) == pairs


MANIFEST = Manifest(bytes(32), 1, 1, bytes(32), bytes(32), b"", 0, ())


def remade(taken: SnapshotFiles, folder: Path, change: Callable[[Records], None]) -> SnapshotFiles:
    """The same snapshot by someone who lies, and hashes the lie."""
    records = dict(taken.pairs())
    change(records)
    return SnapshotFolder(folder / "snapshots").make(sorted(records.items()), taken.manifest)


def flip(key: bytes, place: int = -1) -> Callable[[Records], None]:
    def change(records: Records) -> None:
        value = bytearray(records[key])
        value[place] ^= 1
        records[key] = bytes(value)

    return change


def drop(key: bytes) -> Callable[[Records], None]:
    def change(records: Records) -> None:
        del records[key]

    return change


def put(key: bytes, value: bytes) -> Callable[[Records], None]:
    return lambda records: records.update({key: value})


def other_head(records: Records) -> None:
    header = BlockHeader.decode(records[header_key(120)])
    records[header_key(120)] = replace(header, state_root=bytes(32)).encode()


FLOW = b"sproperty/pump-3/reported/flow"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (flip(header_key(0)), "header of height 0 does not follow"),
        (flip(header_key(60), 100), "header of height 61 does not follow"),
        (drop(header_key(60)), "header of height 60 does not follow"),
        (drop(header_key(120)), "headers do not lead to height 120"),
        (put(header_key(121), bytes(185)), "header is not readable"),
        (other_head, "headers do not lead to height 120"),
        (flip(receipts_key(60)), "receipts of height 60 are others"),
        (drop(receipts_key(60)), "lacks receipts"),
        (drop(receipts_key(120)), "lacks receipts"),
        (put(receipts_key(121), b""), "lacks receipts"),
        (flip(b"sidentity/utility/admin"), "state is not that of height 120"),
        (drop(b"sidentity/utility/admin"), "state is not that of height 120"),
        (put(b"sidentity/utility/other", b"\x00"), "state is not that of height 120"),
        (flip(b"sconsortium"), "consortium is not that of its header"),
        (flip(b"c" + bytes(8)), "consortium of height 0 is another"),
        (drop(b"c" + bytes(8)), "consortium of height 0 is another"),
        (put(b"c" + bytes(7) + b"\x05", b"\x00"), "consortium of height 5 is another"),
        (put(b"c" + bytes(7) + b"\xff", b"\x00"), "consortiums of blocks that there are not"),
        (flip(FLOW), "properties of twin pump-3 are others"),
        (drop(FLOW), "properties of twin pump-3 are others"),
        (put(b"sproperty/ghost/reported/flow", b"\x00"), "properties of twins that there are not"),
        (put(b"sproperty/no-slash", b"\x00"), "properties of twins that there are not"),
        (put(b"stwin/\xff", b"\x00"), "state is not that of height 120"),
        (flip(update_key("pump-3", 2)), "history of twin pump-3 is another"),
        (flip(update_key("pump-3", 2), 7), "history of twin pump-3 is another"),
        (drop(update_key("pump-3", 2)), "history of twin pump-3 has a gap"),
        (put(update_key("pump-3", 999), bytes(48)), "history of twin pump-3 has a gap"),
        (put(update_key("ghost", 1), bytes(48)), "updates of twins that there are not"),
        (put(update_key("pump-3", 2), b"short"), "not readable"),
        (put(b"t" + bytes(32), bytes(12)), "has no place in it"),
        (put(b"", b""), "has no place in it"),
    ],
)
def test_what_does_not_follow_from_the_head_is_refused(
    change: Callable[[Records], None],
    told: str,
    grown: Chain,
    taken: SnapshotFiles,
    tmp_path: Path,
) -> None:
    files = remade(taken, tmp_path, change)
    with pytest.raises(LedgerError) as raised:
        installed(tmp_path / "chain", files, grown)
    assert raised.value.code is Code.SNAPSHOT_INVALID
    assert told in raised.value.message


def test_a_manifest_that_names_other_nodes_to_order_is_refused(
    grown: Chain, taken: SnapshotFiles, tmp_path: Path
) -> None:
    others = replace(taken.manifest, configuration=Configuration((NodeId("thief"),)).encode())
    files = SnapshotFolder(tmp_path / "snapshots").make(taken.pairs(), others)
    with pytest.raises(LedgerError, match="others who order"):
        installed(tmp_path / "chain", files, grown)


def test_a_chunk_that_is_not_the_manifest_s_is_refused(
    grown: Chain, taken: SnapshotFiles, tmp_path: Path
) -> None:
    files = remade(taken, tmp_path, lambda _: None)
    path = files.path / "00000000"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="chunk 0 of height 120 is another"):
        installed(tmp_path / "chain", files, grown)


def test_a_database_is_left_that_nobody_takes_for_a_chain(
    grown: Chain, taken: SnapshotFiles, tmp_path: Path
) -> None:
    """What was half made when power went is not opened: it stands under another name."""
    files = remade(taken, tmp_path, flip(FLOW))
    with pytest.raises(LedgerError):
        installed(tmp_path / "chain.new", files, grown)
    Database(tmp_path / "chain.new", REBUILD_CHAIN, cache_bytes=1 << 20).close()
