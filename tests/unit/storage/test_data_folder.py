"""The folder: made once, opened by one process, refused when it is not what it says."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.execution.chain import UTILITY, two_members
from tests.unit.storage.executing import execution
from tests.unit.storage.power import flip_bit
from twinledger.consensus import NodeId
from twinledger.consortium.genesis import Genesis
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage import data_folder as data_folder_module
from twinledger.storage import durable_file
from twinledger.storage.data_folder import DataFolder
from twinledger.storage.disk_room import DiskRoom
from twinledger.storage.failure import StorageFailure
from twinledger.storage.folder_record import FolderRecord, encode_folder
from twinledger.storage.last_exit import LastExit

GENESIS = two_members().raw
RESERVE = 1 << 20
OPENER = """
import sys
from pathlib import Path
from twinledger.storage import DataFolder

DataFolder.open(Path(sys.argv[1]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "nodes" / "pump-node"
    DataFolder.create(made, GENESIS, NodeId("pump-node"), reserve_bytes=RESERVE)
    return made


@pytest.fixture
def folder(path: Path) -> Iterator[DataFolder]:
    with DataFolder.open(path, reserve_bytes=RESERVE, min_free_bytes=1) as opened:
        yield opened


def refused(path: Path) -> LedgerError:
    with pytest.raises(LedgerError) as raised:
        DataFolder.open(path)
    return raised.value


def test_a_folder_knows_its_node_and_its_chain(folder: DataFolder) -> None:
    assert folder.node_id == "pump-node"
    assert folder.genesis == GENESIS
    assert folder.chain_id == two_members().chain_id


def test_its_stores_are_empty_and_of_its_chain(folder: DataFolder) -> None:
    stores = folder.open_stores()
    assert stores.log.hash(stores.log.last_index()) == folder.chain_id
    assert stores.chain.applied_height is None
    stores.close()
    stores.close()


def test_opening_never_makes_a_folder(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent").code is Code.CONFIG_INVALID
    assert not (tmp_path / "absent").exists()
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty").code is Code.CONFIG_INVALID
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_folder_is_not_made_over_another(path: Path) -> None:
    before = sorted(path.rglob("*"))
    with pytest.raises(LedgerError) as raised:
        DataFolder.create(path, GENESIS, NodeId("other"))
    assert raised.value.code is Code.CONFIG_INVALID
    assert sorted(path.rglob("*")) == before
    assert (path / "genesis.json").read_bytes() == GENESIS


@pytest.mark.parametrize(
    ("removed", "boots", "may_go"),
    [
        ((), 0, False),
        (("folder",), 0, True),
        (("folder", "boot"), 0, True),
        (("folder",), 1, False),
    ],
)
def test_only_what_an_interrupted_command_left_is_told_to_be_deleted(
    path: Path, removed: tuple[str, ...], boots: int, may_go: bool
) -> None:
    for _ in range(boots):
        with DataFolder.open(path) as opened:
            opened.open_stores().close()
    for name in removed:
        (path / name).unlink()
    with pytest.raises(LedgerError, match="is not empty") as raised:
        DataFolder.create(path, GENESIS, NodeId("other"))
    assert ("delete it" in raised.value.detail) == may_go


def test_a_folder_is_not_made_for_a_genesis_that_a_member_has_not_signed(tmp_path: Path) -> None:
    one = Genesis.parse(two_members().body).signed_by(UTILITY)
    with pytest.raises(LedgerError, match="maker") as raised:
        DataFolder.create(tmp_path / "x", one.raw, NodeId("x"), reserve_bytes=RESERVE)
    assert raised.value.code is Code.GENESIS_NOT_SIGNED
    assert not (tmp_path / "x").exists()


def test_a_folder_that_could_not_be_finished_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_room: DiskRoom) -> None:
        raise StorageFailure("Could not allocate the disk reserve.", full=True)

    monkeypatch.setattr(DiskRoom, "make_reserve", full)
    with pytest.raises(StorageFailure):
        DataFolder.create(tmp_path / "x", GENESIS, NodeId("x"), reserve_bytes=RESERVE)
    assert not (tmp_path / "x").exists()
    monkeypatch.undo()
    DataFolder.create(tmp_path / "x", GENESIS, NodeId("x"), reserve_bytes=RESERVE)


def test_every_new_name_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = list[Path]()
    real = durable_file.sync_directory

    def noting(path: Path) -> None:
        synced.append(path)
        real(path)

    monkeypatch.setattr(durable_file, "sync_directory", noting)
    monkeypatch.setattr(data_folder_module, "sync_directory", noting)
    DataFolder.create(tmp_path / "a" / "b", GENESIS, NodeId("x"), reserve_bytes=RESERVE)
    assert synced[:2] == [tmp_path / "a", tmp_path]
    assert synced[-1] == tmp_path / "a" / "b"


@pytest.mark.parametrize("name", ["folder", "genesis.json", "log.marker", "log"])
def test_a_lost_part_is_found(path: Path, name: str) -> None:
    lost = path / name
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    with pytest.raises(LedgerError) as raised, DataFolder.open(path) as folder:
        folder.open_stores()
    assert raised.value.code is Code.DATA_DAMAGED


@pytest.mark.parametrize("offset", [0, 3, 25, 30, 40, 100, 135, 185])
def test_one_flipped_bit_of_its_record_is_found(path: Path, offset: int) -> None:
    flip_bit(path / "folder", offset)
    assert refused(path).code is Code.DATA_DAMAGED


def test_a_truncated_record_is_found(path: Path) -> None:
    (path / "folder").write_bytes((path / "folder").read_bytes()[:-2])
    assert refused(path).code is Code.DATA_DAMAGED


def test_another_genesis_is_found(path: Path) -> None:
    (path / "genesis.json").write_bytes(b" " + GENESIS)
    error = refused(path)
    assert error.code is Code.DATA_DAMAGED
    assert "genesis.json" in error.message


def test_an_unknown_format_is_named(path: Path) -> None:
    record = FolderRecord(NodeId("x"), bytes(32))
    (path / "folder").write_bytes(encode_folder(record, version=2))
    error = refused(path)
    assert error.code is Code.FORMAT_UNKNOWN
    assert "format 2" in error.message


def test_a_folder_is_open_in_one_process_at_a_time(folder: DataFolder) -> None:
    assert refused(folder.path).code is Code.DATA_IN_USE
    other = subprocess.run(
        [sys.executable, "-c", OPENER, str(folder.path)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "DATA_IN_USE" in other.stderr
    folder.close()
    DataFolder.open(folder.path).close()


def test_a_refused_folder_is_not_left_locked(path: Path) -> None:
    content = (path / "folder").read_bytes()
    (path / "folder").unlink()
    assert refused(path).code is Code.DATA_DAMAGED
    (path / "folder").write_bytes(content)
    DataFolder.open(path).close()


def test_refused_stores_are_not_left_open(folder: DataFolder) -> None:
    (folder.path / "chain").rename(folder.path / "away")
    (folder.path / "chain").mkdir()
    # Held on to, so that nothing is closed merely by being forgotten.
    with pytest.raises(LedgerError) as raised:
        folder.open_stores()
    assert raised.value.code is Code.DATA_DAMAGED
    shutil.rmtree(folder.path / "chain")
    (folder.path / "away").rename(folder.path / "chain")
    folder.open_stores().close()


def test_how_a_run_ended_is_told_while_the_node_is_down(folder: DataFolder) -> None:
    last_exit = LastExit("DATA_DAMAGED", "The log ended.", "Join anew.", 65, 17)
    folder.write_last_exit(last_exit)
    assert DataFolder.last_exit(folder.path) == last_exit
    assert json.loads((folder.path / "last_exit.json").read_text())["exit_code"] == 65


def test_a_node_whose_stores_are_on_a_full_disk_starts_by_its_reserve(path: Path) -> None:
    """The disk is full but for the reserve; opening the stores is what needs the room."""
    with DataFolder.open(path, reserve_bytes=RESERVE, free=lambda _: 0) as folder:
        stores = folder.open_stores()
        stores.chain.apply(execution(0, 0, folder.chain_id, {}))
        assert not (path / "reserve").exists()
        assert folder.disk.low
        stores.close()
    with DataFolder.open(path, reserve_bytes=RESERVE, free=lambda _: 1 << 30) as folder:
        folder.open_stores().close()
        assert (path / "reserve").stat().st_blocks * 512 >= RESERVE
        assert not folder.disk.low
