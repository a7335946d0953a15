"""A backup holds the chain and no right to anything; what is made of it is a new node's folder."""

import json
import shutil
from pathlib import Path

import pytest

from scripts.benchmark.chain import NODE, Chain
from tests.unit.auditing.test_audit_from_snapshot import pruned
from tests.unit.cli.conftest import Run, run  # noqa: F401 - a fixture
from tests.unit.snapshots.test_set_certificates import certificate, rotate
from twinledger.consensus import HardState, NodeId, Term
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.auditing.audit import audit_folder
from twinledger.storage import DataFolder
from twinledger.storage.backup import restore_backup, write_backup
from twinledger.storage.head_records import size_of
from twinledger.storage.set_certificates import read_certificates

NEW = NodeId("utility-2")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    chain = Chain.create(tmp_path / "data")
    chain.grow(60)
    chain.close()
    return tmp_path / "data"


def restored(backup: Path, path: Path) -> Path:
    restore_backup(backup, path, NEW, reserve_bytes=1 << 20)
    return path


def test_what_is_restored_is_the_same_chain_and_no_right_to_vote_or_sign(
    data: Path, tmp_path: Path
) -> None:
    assert write_backup(data, tmp_path / "backup") == 60
    path = restored(tmp_path / "backup", tmp_path / "new")
    report = audit_folder(path)
    assert report.sound, report.findings.found
    assert (report.node_id, report.height) == (NEW, 60)
    with DataFolder.open(path) as folder:
        stores = folder.open_stores()
        assert stores.log.hard_state == HardState(Term(0), None)
        assert stores.head_mark is None
        stores.close()
    names = {each.name for each in (tmp_path / "backup").rglob("*")}
    assert not names & {"head.mark", "log.marker", "boot", "peers.json", "keys", "folder"}


def test_a_backup_is_added_to(data: Path, tmp_path: Path) -> None:
    write_backup(data, tmp_path / "backup")
    first = {each.name: each.read_bytes() for each in (tmp_path / "backup" / "blocks").iterdir()}
    chain = Chain.open(data)
    chain.grow(30)
    chain.close()
    assert write_backup(data, tmp_path / "backup") == 90
    for name, content in first.items():
        assert (tmp_path / "backup" / "blocks" / name).read_bytes() == content
    assert audit_folder(restored(tmp_path / "backup", tmp_path / "new")).height == 90


def test_a_node_without_its_oldest_blocks_is_backed_up_with_its_snapshot(tmp_path: Path) -> None:
    folder = pruned(tmp_path / "data")
    assert write_backup(folder, tmp_path / "backup") == 140
    report = audit_folder(restored(tmp_path / "backup", tmp_path / "new"))
    assert report.sound, report.findings.found
    assert (report.start, report.height) == (100, 100), "what follows is executed at its start"


def test_every_changed_byte_of_the_blocks_is_found(data: Path, tmp_path: Path) -> None:
    write_backup(data, tmp_path / "backup")
    (path,) = (tmp_path / "backup" / "blocks").iterdir()
    content = path.read_bytes()
    for place in (0, 3, 7, 8, *range(20, len(content), len(content) // 12)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(LedgerError) as raised:
            restored(tmp_path / "backup", tmp_path / "new")
        assert raised.value.code in (Code.BACKUP_INVALID, Code.SNAPSHOT_INVALID, Code.DATA_DAMAGED)
        assert not (tmp_path / "new").exists()


def test_a_gap_is_found(data: Path, tmp_path: Path) -> None:
    write_backup(data, tmp_path / "backup")
    chain = Chain.open(data)
    chain.grow(5)
    chain.close()
    write_backup(data, tmp_path / "backup")
    min((tmp_path / "backup" / "blocks").iterdir()).unlink()
    with pytest.raises(LedgerError, match="height 1 is missing") as raised:
        restored(tmp_path / "backup", tmp_path / "new")
    assert raised.value.code is Code.BACKUP_INVALID


def test_what_a_killed_backup_left_half_written_is_not_read(data: Path, tmp_path: Path) -> None:
    write_backup(data, tmp_path / "backup")
    (path,) = (tmp_path / "backup" / "blocks").iterdir()
    # As `write_durably` leaves it between the writing and the renaming.
    path.with_name(f"{61:020d}.new").write_bytes(path.read_bytes()[:100])
    chain = Chain.open(data)
    chain.grow(5)
    chain.close()
    assert write_backup(data, tmp_path / "backup") == 65
    assert audit_folder(restored(tmp_path / "backup", tmp_path / "new")).height == 65


def test_what_a_recovery_cut_off_is_not_added_to(data: Path, tmp_path: Path) -> None:
    """They have two blocks of height 61: no node could be made of both."""
    shutil.copytree(data, tmp_path / "other")
    chain = Chain.open(tmp_path / "other")
    chain.configuration()
    chain.close()
    for folder in (data, tmp_path / "other"):
        chain = Chain.open(folder)
        chain.grow(3)
        chain.close()
    write_backup(data, tmp_path / "backup")
    with pytest.raises(LedgerError, match="of another history") as raised:
        write_backup(tmp_path / "other", tmp_path / "backup")
    assert raised.value.code is Code.BACKUP_INVALID


def test_a_node_that_is_behind_takes_nothing_out_of_a_backup(tmp_path: Path) -> None:
    chain = Chain.create(tmp_path / "data")
    chain.grow(10)
    chain.close()
    shutil.copytree(tmp_path / "data", tmp_path / "behind")
    chain = Chain.open(tmp_path / "data")
    rotate(chain)
    chain.stores.heads.note_change(12, certificate(chain, 12))
    chain.close()
    assert write_backup(tmp_path / "data", tmp_path / "backup") == 11
    assert write_backup(tmp_path / "behind", tmp_path / "backup") == 11
    assert [size_of(each) for each in read_certificates(tmp_path / "backup")] == [12]


@pytest.mark.parametrize("place", ["data", "data/backup", "data/a/backup"])
def test_a_backup_is_not_put_into_the_folder_that_it_is_of(
    place: str, data: Path, tmp_path: Path
) -> None:
    before = {each.relative_to(data) for each in data.rglob("*")}
    with pytest.raises(LedgerError) as raised:
        write_backup(data, tmp_path / place)
    assert raised.value.code in (Code.CONFIG_INVALID, Code.BACKUP_INVALID)
    assert {each.relative_to(data) for each in data.rglob("*")} == before


def test_a_folder_that_holds_something_else_is_no_backup(data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("to my aunt")
    for place in ("mine", "data"):
        with pytest.raises(LedgerError) as raised:
            restore_backup(tmp_path / place, tmp_path / "new", NEW)
        assert raised.value.code is Code.BACKUP_INVALID
    with pytest.raises(LedgerError, match="something else") as raised:
        write_backup(data, tmp_path / "mine")
    assert raised.value.code is Code.BACKUP_INVALID
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["letter"]


def test_the_folder_around_a_backup_is_made(data: Path, tmp_path: Path) -> None:
    assert write_backup(data, tmp_path / "not" / "there" / "backup") == 60


@pytest.mark.parametrize("name", ["", "../x", "a b"])
def test_a_node_is_not_restored_under_a_name_that_none_can_have(
    name: str, data: Path, tmp_path: Path
) -> None:
    write_backup(data, tmp_path / "backup")
    with pytest.raises(LedgerError) as raised:
        restore_backup(tmp_path / "backup", tmp_path / "new", NodeId(name))
    assert raised.value.code is Code.CONFIG_INVALID
    assert not (tmp_path / "new").exists()


def test_a_founder_s_id_is_not_restored(data: Path, tmp_path: Path) -> None:
    write_backup(data, tmp_path / "backup")
    with pytest.raises(LedgerError, match="needs a new id"):
        restore_backup(tmp_path / "backup", tmp_path / "new", NODE)


def test_another_chain_s_backup_is_not_added_to(data: Path, tmp_path: Path) -> None:
    write_backup(data, tmp_path / "backup")
    other = Chain.create(tmp_path / "other", lifetime_us=5_000_000)
    other.grow(5)
    other.close()
    with pytest.raises(LedgerError, match="of another chain"):
        write_backup(tmp_path / "other", tmp_path / "backup")


def test_a_running_node_is_not_backed_up(data: Path, tmp_path: Path) -> None:
    with DataFolder.open(data), pytest.raises(LedgerError) as raised:
        write_backup(data, tmp_path / "backup")
    assert raised.value.code is Code.DATA_IN_USE


def test_the_commands(run: Run, data: Path, tmp_path: Path) -> None:  # noqa: F811
    backup, new = tmp_path / "backup", tmp_path / "new"
    told = run("node", "backup", data, backup, "--json")
    assert json.loads(told.stdout)["height"] == 60
    told = run("node", "restore", backup, "--id", "utility-2", "--dir", new)
    assert told.exit_code == 0
    assert "up to height 60" in told.stdout
    shutil.rmtree(backup / "blocks")
    told = run(
        "node", "restore", tmp_path / "nothing", "--id", "x", "--dir", tmp_path / "x", "--json"
    )
    assert json.loads(told.stderr)["code"] == "BACKUP_INVALID"
