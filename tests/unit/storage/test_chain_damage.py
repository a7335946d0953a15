"""A damaged chain is found, and is rebuilt from the log when the operator takes it away."""

import shutil
from collections.abc import Callable
from pathlib import Path

import plyvel
import pytest

from tests.unit.storage.executing import Node
from tests.unit.storage.power import PowerSupply, flip_bit, newest
from tests.unit.storage.writing import create_log
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.storage.chain_records import APPLIED_KEY, header_key, receipts_key
from twinledger.storage.log_store import LogStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stopped node with blocks in a table and in the newest log file of the chain."""
    (tmp_path / "data").mkdir()
    node = Node.create(tmp_path / "data")
    for height in range(1, 30):
        node.commit({b"twin/p": bytes(300)}, [("p", height)])
    node = node.restarted()
    for height in range(30, 60):
        node.commit({b"twin/p": bytes(300)}, [("p", height)])
    node.close()
    return tmp_path / "data"


def refused(folder: Path, remedy: str = "move the folder 'chain' out") -> str:
    with pytest.raises(LedgerError) as raised:
        Node(folder)
    assert raised.value.code is Code.DATA_DAMAGED
    assert remedy in raised.value.next_step
    return raised.value.message


def test_an_undamaged_chain_opens(folder: Path) -> None:
    node = Node(folder)
    assert node.chain.applied_height == 59
    node.close()


@pytest.mark.parametrize("pattern", ["*.log", "MANIFEST-*", "CURRENT"])
@pytest.mark.parametrize("place", [0.0, 0.02, 0.5, 0.98])
def test_one_flipped_bit_is_found_at_start(folder: Path, pattern: str, place: float) -> None:
    path = newest(folder / "chain", pattern)
    flip_bit(path, int(path.stat().st_size * place))
    refused(folder)


def test_one_flipped_bit_in_a_table_is_found_on_reading(folder: Path) -> None:
    flip_bit(newest(folder / "chain", "*.ldb"), 30)
    node = Node(folder)
    with pytest.raises(LedgerError) as raised:
        [node.chain.receipts(height) for height in range(1, 30)]
    assert raised.value.code is Code.DATA_DAMAGED
    node.close()


@pytest.mark.parametrize("pattern", ["*.ldb", "MANIFEST-*", "CURRENT"])
def test_a_deleted_file_is_found(folder: Path, pattern: str) -> None:
    newest(folder / "chain", pattern).unlink()
    refused(folder)


def test_a_deleted_log_file_takes_the_chain_back_as_a_whole(folder: Path) -> None:
    """The chain is never synced, so this is what a power cut leaves: it is replayed."""
    newest(folder / "chain", "*.log").unlink()
    node = Node(folder)
    assert node.chain.applied_height == 29
    for height in range(30, 60):
        node.execute({b"twin/p": bytes(300)}, [("p", height)])
    assert [place.version for place in node.chain.updates("p", 0, 100)] == list(range(1, 60))
    node.close()


def test_a_chain_that_was_taken_away_is_rebuilt_from_the_log(folder: Path) -> None:
    (folder / "chain").rename(folder.with_name("kept"))
    node = Node(folder)
    assert node.chain.applied_height == 0
    for height in range(1, 60):
        node.execute({b"twin/p": bytes(300)}, [("p", height)])
    assert node.chain.block(59).payload == b"body"
    node.close()


def test_a_chain_that_cannot_be_replayed_is_not_made_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LogStore, "oldest", 7)
    (folder / "chain").rename(folder.with_name("kept"))
    refused(folder)
    assert not (folder / "chain" / "CURRENT").exists()


def test_a_chain_ahead_of_its_log_is_found(folder: Path) -> None:
    for name in ("log", "log.marker"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    create_log(folder)
    assert "height 59 was executed" in refused(folder, "join anew")


Edit = Callable[[plyvel.DB], None]


def edited_header(**changes: object) -> Edit:
    def edit(database: plyvel.DB) -> None:
        header = BlockHeader.decode(database.get(header_key(59)))
        fields = {name: getattr(header, name) for name in BlockHeader.__slots__}
        database.put(header_key(59), BlockHeader(**{**fields, **changes}).encode())

    return edit


def put(key: bytes, value: bytes) -> Edit:
    return lambda database: database.put(key, value)


def removed(key: bytes) -> Edit:
    return lambda database: database.delete(key)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (edited_header(parent_hash=bytes(32)), "does not follow its parent"),
        (edited_header(height=58), "does not follow its parent"),
        (edited_header(term=2), "height 59 is not the log's"),
        (removed(header_key(59)), "header at height 59 is missing"),
        (removed(header_key(58)), "header at height 58 is missing"),
        (put(header_key(59), b"short"), "header at height 59 is not readable"),
        (put(header_key(58), bytes(185)), "does not follow its parent"),
        (removed(APPLIED_KEY), "does not say which height"),
        (put(APPLIED_KEY, b"short"), "not readable"),
        (put(APPLIED_KEY, (60).to_bytes(8, "big")), "height 60 was executed"),
    ],
)
def test_a_chain_that_leveldb_finds_whole_is_still_checked(
    folder: Path, edit: Edit, told: str
) -> None:
    database = plyvel.DB(str(folder / "chain"))
    edit(database)
    database.close()
    with pytest.raises(LedgerError) as raised:
        Node(folder)
    assert raised.value.code is Code.DATA_DAMAGED
    assert told in raised.value.message


@pytest.mark.parametrize("record", [b"", b"\0\0\0\x05other", b"\0\0\0", b"\xff\xff\xff\xffx"])
def test_receipts_are_held_against_their_root(folder: Path, record: bytes) -> None:
    database = plyvel.DB(str(folder / "chain"))
    database.put(receipts_key(5), record)
    database.close()
    node = Node(folder)
    with pytest.raises(LedgerError, match="receipts at height 5 do not match"):
        node.chain.receipts(5)
    assert node.chain.receipts(6)
    node.close()


def test_a_power_cut_leaves_an_earlier_height_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supply = PowerSupply(monkeypatch)
    folder, image = tmp_path / "data", tmp_path / "image"
    folder.mkdir()
    node = Node.create(folder)
    for height in range(1, 20):
        node.commit({b"twin/p": height.to_bytes(8, "big")}, [("p", height)])
    supply.cut(folder, image)
    node.close()
    survivor = Node(image)
    assert survivor.log.last_index() == 19
    assert survivor.chain.applied_height == 0, "nothing of the chain was synced"
    for height in range(1, 20):
        survivor.execute({b"twin/p": height.to_bytes(8, "big")}, [("p", height)])
    assert survivor.chain.header(19).hash() == expected_head(folder)
    survivor.close()


def expected_head(folder: Path) -> bytes:
    node = Node(folder)
    head = node.chain.header(19).hash()
    node.close()
    return head


@pytest.mark.parametrize("kept", [0.1, 0.35, 0.6, 0.9])
def test_a_chain_cut_anywhere_is_of_the_height_it_says(folder: Path, kept: float) -> None:
    tail = newest(folder / "chain", "*.log")
    with tail.open("r+b") as file:
        file.truncate(int(tail.stat().st_size * kept))
    node = Node(folder)
    applied = node.chain.applied_height
    assert applied is not None
    assert 29 <= applied < 59
    assert node.chain.updates("p", 0, 100)[-1].version == applied
    node.close()
