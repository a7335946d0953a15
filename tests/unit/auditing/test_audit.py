"""An audit finds what is wrong, names the first height of it, and changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import plyvel
import pytest

from scripts.benchmark.chain import Chain
from tests.unit.cli.conftest import Run, run  # noqa: F401 - a fixture
from tests.unit.storage.power import flip_bit, newest
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.node.auditing.audit import audit_folder
from twinledger.node.auditing.findings import Finding, Report
from twinledger.storage import DataFolder
from twinledger.storage.chain_records import (
    APPLIED_KEY,
    encode_height,
    header_key,
    receipts_key,
    transaction_key,
    update_key,
)
from twinledger.storage.chain_tree_records import OLDEST_KEY
from twinledger.storage.log_records import entry_key


def edit(folder: Path, store: str, key: bytes, change: Callable[[bytes], bytes | None]) -> None:
    """Change a record so that LevelDB finds it whole."""
    database = plyvel.DB(str(folder / store))
    value = change(database.get(key))
    database.delete(key) if value is None else database.put(key, value)
    database.close()


def flipped(place: int) -> Callable[[bytes], bytes]:
    return lambda value: value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]


def found(report: Report) -> Finding:
    assert report.findings.first is not None
    return report.findings.first


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_sound_folder_passes_and_is_left_as_it_is(folder: Path) -> None:
    before = everything(folder)
    report = audit_folder(folder)
    assert report.sound
    assert (report.start, report.height, report.transactions) == (0, 101, 107)
    assert everything(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["data"]


def test_a_sound_folder_passes_when_every_file_is_write_protected(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert audit_folder(folder).sound


def test_progress_reaches_the_last_height(folder: Path) -> None:
    told = list[tuple[int, int]]()
    audit_folder(folder, progress=lambda height, last: told.append((height, last)))
    assert told[-1] == (101, 101)
    assert [height for height, _ in told] == sorted(height for height, _ in told)


def test_a_folder_in_use_is_refused(folder: Path) -> None:
    with DataFolder.open(folder), pytest.raises(LedgerError) as raised:
        audit_folder(folder)
    assert raised.value.code is Code.DATA_IN_USE


def test_what_is_no_data_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as raised:
        audit_folder(tmp_path)
    assert raised.value.code is Code.CONFIG_INVALID


@pytest.mark.parametrize("name", ["folder", "boot", "genesis.json"])
def test_a_folder_in_the_place_of_a_file_is_found(name: str, folder: Path) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    first = found(audit_folder(folder))
    assert first.store == name
    assert first.told == "cannot be read: Is a directory"


@pytest.mark.parametrize("place", ["", "chain", "not/there"])
def test_a_place_to_work_in_within_the_folder_is_refused(place: str, folder: Path) -> None:
    """Within the folder the copy would hold itself, and the folder would be changed."""
    before = everything(folder)
    with pytest.raises(LedgerError) as raised:
        audit_folder(folder, scratch=folder / place)
    assert raised.value.code is Code.CONFIG_INVALID
    assert everything(folder) == before


def test_a_wrong_byte_of_a_header_is_named_with_its_height_key_and_place(folder: Path) -> None:
    edit(folder, "chain", header_key(40), flipped(100))
    first = found(audit_folder(folder))
    assert (first.height, first.key, first.first, first.end) == (40, header_key(40), 100, 101)
    assert first.record == "header of height 40"


def test_a_header_that_says_another_state_root_is_found(folder: Path) -> None:
    def lie(raw: bytes) -> bytes:
        header = BlockHeader.decode(raw)
        fields = {name: getattr(header, name) for name in BlockHeader.__slots__}
        return BlockHeader(**{**fields, "state_root": bytes(32)}).encode()

    edit(folder, "chain", header_key(33), lie)
    assert found(audit_folder(folder)).height == 33


def test_the_lowest_of_many_wrong_heights_comes_first(folder: Path) -> None:
    edit(folder, "chain", receipts_key(70), flipped(20))
    edit(folder, "chain", header_key(90), flipped(0))
    edit(folder, "chain", update_key("pump-3", 5), flipped(0))
    report = audit_folder(folder)
    assert report.findings.count == 3
    assert found(report).record == "place of update 5 of twin 'pump-3'"


def test_a_surplus_record_is_found(folder: Path) -> None:
    edit(folder, "chain", transaction_key(bytes(32)), lambda _: bytes(12))
    report = audit_folder(folder)
    assert report.findings.count == 1
    assert "surplus" in found(report).told


def test_a_state_value_is_named_with_the_block_that_wrote_it(folder: Path) -> None:
    key = b"sidentity/utility/admin"
    edit(folder, "chain", key, flipped(10))
    first = found(audit_folder(folder))
    assert (first.height, first.key) == (0, key)


def test_a_damaged_log_ends_the_execution_where_it_is_damaged(folder: Path) -> None:
    edit(folder, "log", entry_key(60), flipped(200))
    report = audit_folder(folder)
    assert report.height == 59
    first = found(report)
    assert (first.height, first.store) == (60, "log")


def test_a_chain_damaged_below_a_damaged_log_is_named_first(folder: Path) -> None:
    edit(folder, "log", entry_key(60), flipped(200))
    edit(folder, "chain", receipts_key(20), flipped(5))
    assert found(audit_folder(folder)).height == 20


def test_a_chain_that_says_it_is_higher_than_its_log_is_found(folder: Path) -> None:
    edit(folder, "chain", APPLIED_KEY, lambda _: encode_height(150))
    told = found(audit_folder(folder)).told
    assert "says it is of height 150, but the log ends at 101" in told


def test_an_oldest_height_beyond_the_newest_is_found(folder: Path) -> None:
    edit(folder, "chain", OLDEST_KEY, lambda _: encode_height(102))
    assert not audit_folder(folder).sound


def test_a_chain_cut_short_by_a_power_cut_is_sound(folder: Path) -> None:
    """It is never synced: what is missing is executed again at the next start."""
    newest(folder / "chain", "*.log").unlink()
    report = audit_folder(folder)
    assert report.sound
    assert report.height < 101


def test_a_chain_that_was_taken_away_is_no_damage(folder: Path) -> None:
    (folder / "chain").rename(folder.parent / "away")
    report = audit_folder(folder)
    assert report.sound
    assert "make it of its log" in report.notes[0]


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_table_damaged_on_the_disk_is_found(folder: Path, place: float) -> None:
    """Also where it holds nothing but what later blocks have deleted."""
    Chain.open(folder).close()  # what was in LevelDB's log comes into a table
    path = max((folder / "chain").glob("*.ldb"), key=lambda table: table.stat().st_size)
    flip_bit(path, int(path.stat().st_size * place))
    assert "cannot be read" in found(audit_folder(folder)).told


def test_whatever_the_state_kept_it_is_the_same_chain(tmp_path: Path) -> None:
    for kept in (1, 5, 500):
        chain = Chain.create(tmp_path / str(kept), kept_heights=kept)
        chain.grow(30)
        chain.close()
        assert audit_folder(tmp_path / str(kept)).sound


def test_the_command_says_what_is_wrong_and_exits_65(run: Run, folder: Path) -> None:  # noqa: F811
    assert "Everything is what" in run("node", "audit", folder).stdout
    edit(folder, "chain", header_key(40), flipped(100))
    told = run("node", "audit", folder)
    assert told.exit_code == 65
    assert "first wrong height is 40" in told.stdout
    assert f"[chain, key {header_key(40).hex()}, byte 100]" in told.stdout
    as_json = run("node", "audit", folder, "--json")
    assert as_json.exit_code == 65
    assert json.loads(as_json.stdout)["first_wrong_height"] == 40


def test_the_command_needs_a_stopped_node(run: Run, folder: Path) -> None:  # noqa: F811
    with DataFolder.open(folder):
        told = run("node", "audit", folder, "--json")
    assert told.exit_code == 1
    assert json.loads(told.stderr)["code"] == "DATA_IN_USE"


def test_scratch_space_is_where_it_was_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="nothing can be put into") as raised:
        audit_folder(folder, scratch=tmp_path / "nowhere")
    assert raised.value.code is Code.CONFIG_INVALID
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert audit_folder(folder, scratch=scratch).sound
    assert not list(scratch.iterdir())
