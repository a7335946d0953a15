"""Whatever the disk loses or changes below what was acknowledged is found at start."""

import shutil
from collections.abc import Callable
from pathlib import Path

import plyvel
import pytest

from tests.unit.storage.power import flip_bit, newest
from tests.unit.storage.writing import append, create_log, open_log, persist, vote
from twinledger.consensus import EntryKind, Index, Term, entry_hash, make_entry
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.log_records import (
    ANCHOR_KEY,
    STATE_KEY,
    configuration_key,
    decode_entry,
    encode_entry,
    entry_key,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed log with entries in a table and in the newest log file."""
    create_log(tmp_path)
    log = open_log(tmp_path)
    log.write(persist(hard_state=vote(2, "a")))
    append(log, 40, term=2, size=300)
    log.close()
    log = open_log(tmp_path)
    append(log, 40, term=2, size=300)
    log.close()
    return tmp_path


def refused(folder: Path) -> str:
    with pytest.raises(LedgerError) as raised:
        open_log(folder)
    assert raised.value.code is Code.DATA_DAMAGED
    assert "join anew" in raised.value.next_step, "it does not say what to do"
    return raised.value.message


def test_an_undamaged_log_opens(folder: Path) -> None:
    log = open_log(folder)
    assert log.last_index() == 80
    log.close()


@pytest.mark.parametrize("pattern", ["*.log", "*.ldb", "MANIFEST-*", "CURRENT"])
@pytest.mark.parametrize("place", [0.0, 0.02, 0.5, 0.98])
def test_one_flipped_bit_is_found(folder: Path, pattern: str, place: float) -> None:
    path = newest(folder / "log", pattern)
    flip_bit(path, int(path.stat().st_size * place))
    refused(folder)


@pytest.mark.parametrize("pattern", ["*.log", "*.ldb", "MANIFEST-*", "CURRENT"])
def test_a_deleted_file_is_found(folder: Path, pattern: str) -> None:
    newest(folder / "log", pattern).unlink()
    refused(folder)


@pytest.mark.parametrize("pattern", ["LOCK", "LOG"])
def test_files_without_data_are_not_missed(folder: Path, pattern: str) -> None:
    (folder / "log" / pattern).unlink()
    open_log(folder).close()


def test_a_deleted_store_does_not_come_up_empty(folder: Path) -> None:
    shutil.rmtree(folder / "log")
    refused(folder)


def test_a_store_put_back_from_yesterday_is_found(folder: Path) -> None:
    shutil.copytree(folder / "log", folder / "yesterday")
    log = open_log(folder)
    append(log, 1, term=2)
    log.close()
    shutil.rmtree(folder / "log")
    (folder / "yesterday").rename(folder / "log")
    assert "ends at index 80, but index 81" in refused(folder)


def test_a_store_from_before_the_last_vote_is_found(folder: Path) -> None:
    shutil.copytree(folder / "log", folder / "yesterday")
    log = open_log(folder)
    log.write(persist(hard_state=vote(2, "b")))
    log.close()
    shutil.rmtree(folder / "log")
    (folder / "yesterday").rename(folder / "log")
    assert "writes" in refused(folder)


def test_the_log_of_another_node_is_found(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    create_log(other)
    log = open_log(other)
    log.write(persist(hard_state=vote(3)))
    append(log, 90, term=3)
    log.close()
    shutil.rmtree(folder / "log")
    shutil.copytree(other / "log", folder / "log")
    assert "index 80 is not the one it acknowledged" in refused(folder)


@pytest.mark.parametrize("slot", [0, 4096])
def test_one_torn_slot_of_the_marker_is_survived(folder: Path, slot: int) -> None:
    flip_bit(folder / "log.marker", slot + 10)
    open_log(folder).close()


def test_a_marker_without_a_whole_slot_is_found(folder: Path) -> None:
    for slot in (0, 4096):
        flip_bit(folder / "log.marker", slot + 10)
    assert "Neither slot" in refused(folder)


def test_a_lost_marker_is_found(folder: Path) -> None:
    (folder / "log.marker").unlink()
    assert "log.marker is missing" in refused(folder)


Edit = Callable[[plyvel.DB], None]


def changed_payload(database: plyvel.DB) -> None:
    record = database.get(entry_key(41))
    database.put(entry_key(41), record[:-1] + b"?")


def removed_entry(database: plyvel.DB) -> None:
    database.delete(entry_key(41))


def removed_first_entry(database: plyvel.DB) -> None:
    database.delete(entry_key(1))


def replaced_entry(database: plyvel.DB) -> None:
    """An entry that is right by itself, with a right hash; only what follows does not match."""
    before = decode_entry(Index(40), database.get(entry_key(40)))
    forged = make_entry(before.hash, Index(41), Term(2), EntryKind.BLOCK, b"forged")
    database.put(entry_key(41), encode_entry(forged))


def earlier_term(database: plyvel.DB) -> None:
    last = decode_entry(Index(79), database.get(entry_key(79)))
    forged = make_entry(last.hash, Index(80), Term(1), EntryKind.BLOCK, b"forged")
    database.put(entry_key(80), encode_entry(forged))


def unknown_kind(database: plyvel.DB) -> None:
    record = database.get(entry_key(41))
    database.put(entry_key(41), record[:8] + b"\x09" + record[9:])


def short_record(database: plyvel.DB) -> None:
    database.put(entry_key(41), b"short")


def removed_state(database: plyvel.DB) -> None:
    database.delete(STATE_KEY)


def short_state(database: plyvel.DB) -> None:
    database.put(STATE_KEY, b"short")


def another_vote(database: plyvel.DB) -> None:
    record = database.get(STATE_KEY)
    database.put(STATE_KEY, record[:24] + b"other" + record[29:])


def another_anchor(database: plyvel.DB) -> None:
    record = database.get(ANCHOR_KEY)
    database.put(ANCHOR_KEY, record[:20] + b"other" + record[25:])


def surplus_configuration(database: plyvel.DB) -> None:
    database.put(configuration_key(41), b"")


def removed_anchor(database: plyvel.DB) -> None:
    database.delete(ANCHOR_KEY)


def short_anchor(database: plyvel.DB) -> None:
    database.put(ANCHOR_KEY, b"short")


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (changed_payload, "index 41 does not match its hash"),
        (removed_entry, "no entry at index 41"),
        (removed_first_entry, "no entry at index 1"),
        (replaced_entry, "index 42 does not match its hash"),
        (earlier_term, "index 80 is of an earlier term"),
        (unknown_kind, "index 41 is no entry"),
        (short_record, "index 41 is no entry"),
        (removed_state, "state record is missing"),
        (short_state, "state record is not readable"),
        (removed_anchor, "anchor or its state record is missing"),
        (short_anchor, "anchor is not readable"),
        (another_vote, "state record is not readable"),
        (another_anchor, "anchor is not readable"),
        (surplus_configuration, "list of configurations is wrong about index 41"),
    ],
)
def test_a_store_that_leveldb_finds_whole_is_still_checked(
    folder: Path, edit: Edit, told: str
) -> None:
    database = plyvel.DB(str(folder / "log"))
    edit(database)
    database.close()
    assert told in refused(folder)


def test_an_entry_lost_while_the_node_runs_is_found_on_reading(folder: Path) -> None:
    log = open_log(folder)
    log._database.write([(entry_key(41), None)], sync=False)
    with pytest.raises(LedgerError, match="no entry at index 41"):
        log.entries(Index(40), Index(45), 1 << 20)
    with pytest.raises(LedgerError, match="no entry at index 41"):
        log.entry(Index(41))
    log.close()


def test_the_rolling_hash_is_the_cores(folder: Path) -> None:
    log = open_log(folder)
    entry = log.entry(Index(41))
    expected = entry_hash(log.hash(Index(40)), entry.index, entry.term, entry.kind, entry.payload)
    assert entry.hash == expected
    log.close()
