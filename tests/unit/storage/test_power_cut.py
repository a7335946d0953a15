"""After a power cut the log holds everything that was acknowledged, or says that it does not."""

import os
import shutil
from pathlib import Path

import pytest

from tests.unit.storage.dirty_pages import unsynced_pages
from tests.unit.storage.power import PowerSupply, newest, shorten
from tests.unit.storage.writing import append, chain, create_log, open_log, persist, vote
from twinledger.consensus import Entry, Index
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage import marker as marker_module
from twinledger.storage.log_store import LogStore


@pytest.fixture
def supply(monkeypatch: pytest.MonkeyPatch) -> PowerSupply:
    return PowerSupply(monkeypatch)


def write_much(log: LogStore) -> tuple[Entry, ...]:
    """Synced writes with unsynced ones between and after them; returns what was acknowledged."""
    log.write(persist(hard_state=vote(1, "a")))
    for number in range(1, 20):
        log.write(persist(*chain(log, [bytes([number]) * 500, b""])))
        log.write(persist(commit=2 * number))
    return log.entries(Index(1), Index(log.last_index() + 1), 1 << 30)


def after_the_cut(supply: PowerSupply, folder: Path) -> Path:
    image = folder.with_name("image")
    supply.cut(folder, image)
    return image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_everything_acknowledged_is_there(supply: PowerSupply, folder: Path) -> None:
    create_log(folder)
    log = open_log(folder)
    acknowledged = write_much(log)
    image = after_the_cut(supply, folder)
    log.close()
    assert newest(image / "log", "*.log").stat().st_size > 10_000
    survivor = open_log(image)
    assert survivor.entries(Index(1), Index(39), 1 << 30) == acknowledged
    assert survivor.hard_state == vote(1, "a")
    # The newest commit index was not synced; every one that was synced along with entries is there.
    assert survivor.commit >= 36
    survivor.close()


def test_everything_acknowledged_is_there_after_leveldb_changed_files(
    supply: PowerSupply, folder: Path
) -> None:
    create_log(folder)
    log = open_log(folder)
    for number in range(20):
        log.write(persist(*chain(log, [os.urandom(1 << 20)]), commit=number))
    acknowledged = [log.hash(Index(index)) for index in range(21)]
    image = after_the_cut(supply, folder)
    log.close()
    assert list((image / "log").glob("*.ldb"))
    survivor = open_log(image)
    assert [survivor.hash(Index(index)) for index in range(21)] == acknowledged
    survivor.close()


def test_a_store_that_does_not_sync_is_found_out(supply: PowerSupply, folder: Path) -> None:
    create_log(folder)
    supply.ignore_sync = True
    log = open_log(folder)
    write_much(log)
    image = after_the_cut(supply, folder)
    log.close()
    with pytest.raises(LedgerError, match="lost what it acknowledged") as raised:
        open_log(image)
    assert raised.value.code is Code.DATA_DAMAGED


def test_an_unsynced_vote_is_found_out_though_no_entry_is_missing(
    supply: PowerSupply, folder: Path
) -> None:
    create_log(folder)
    log = open_log(folder)
    append(log, 3)
    supply.ignore_sync = True
    log.write(persist(hard_state=vote(9, "a")))
    image = after_the_cut(supply, folder)
    log.close()
    with pytest.raises(LedgerError, match="knows of term 0, but term 9"):
        open_log(image)


def test_a_second_vote_in_one_term_is_not_possible_after_a_lost_write(
    supply: PowerSupply, folder: Path
) -> None:
    create_log(folder)
    log = open_log(folder)
    log.write(persist(hard_state=vote(9)))
    supply.ignore_sync = True
    log.write(persist(hard_state=vote(9, "a")))
    image = after_the_cut(supply, folder)
    log.close()
    with pytest.raises(LedgerError, match="has seen 1 writes, but 2"):
        open_log(image)


@pytest.mark.parametrize("missing", [1, 8, 40, 600, 5000])
def test_a_tail_cut_before_the_last_synced_byte_is_found(
    supply: PowerSupply, folder: Path, missing: int
) -> None:
    create_log(folder)
    log = open_log(folder)
    append(log, 30, size=400)
    image = after_the_cut(supply, folder)
    log.close()
    tail = newest(image / "log", "*.log")
    shorten(tail, tail.stat().st_size - missing)
    with pytest.raises(LedgerError, match="lost what it acknowledged") as raised:
        open_log(image)
    assert raised.value.code is Code.DATA_DAMAGED


def test_a_write_that_was_torn_before_it_was_acknowledged_is_no_damage(
    supply: PowerSupply, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_log(folder)
    log = open_log(folder)
    append(log, 3, size=400)
    monkeypatch.setattr(log._marker, "write", lambda *_, **__: None)
    append(log, 1, size=400)
    image = after_the_cut(supply, folder)
    log.close()
    tail = newest(image / "log", "*.log")
    shorten(tail, tail.stat().st_size - 100)
    survivor = open_log(image)
    assert survivor.last_index() == 3
    survivor.close()


def truncate_and_cut(supply: PowerSupply, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cut the power after a conflict; of the marker only what was synced survives."""
    create_log(folder)
    log = open_log(folder)
    append(log, 6, term=1)
    synced = [(folder / "log.marker").read_bytes()]
    real = os.fdatasync

    def noting(file: int) -> None:
        real(file)
        synced.append((folder / "log.marker").read_bytes())

    monkeypatch.setattr(os, "fdatasync", noting)
    log.write(persist(*chain(log, [b"new"], term=2, after=3), truncate_from=4))
    image = after_the_cut(supply, folder)
    (image / "log.marker").write_bytes(synced[-1])
    log.close()
    return image


def test_a_power_cut_after_a_conflict_is_no_damage(
    supply: PowerSupply, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    survivor = open_log(truncate_and_cut(supply, folder, monkeypatch))
    assert (survivor.last_index(), survivor.term(Index(4))) == (4, 2)
    survivor.close()


def test_a_marker_that_is_not_lowered_before_a_conflict_raises_a_false_alarm(
    supply: PowerSupply, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = marker_module.Marker.write

    def mutant(self: marker_module.Marker, mark: marker_module.Mark, *, sync: bool = False) -> None:
        if not sync:
            write(self, mark)

    monkeypatch.setattr(marker_module.Marker, "write", mutant)
    with pytest.raises(LedgerError, match="lost what it acknowledged"):
        open_log(truncate_and_cut(supply, folder, monkeypatch))


def test_a_crash_between_the_log_and_its_marker_is_no_damage(folder: Path) -> None:
    create_log(folder)
    log = open_log(folder)
    append(log, 3)
    before = (folder / "log.marker").read_bytes()
    append(log, 1)
    log.close()
    (folder / "log.marker").write_bytes(before)
    log = open_log(folder)
    assert log.last_index() == 4
    log.close()


def test_the_kernel_holds_nothing_back_once_a_write_returned(folder: Path) -> None:
    create_log(folder)
    log = open_log(folder)
    append(log, 1)
    file = newest(folder / "log", "*.log")
    log._database.write([(b"x", bytes(50_000))], sync=False)
    if not unsynced_pages(file):
        log.close()
        pytest.skip("this kernel or file system does not tell which pages are not on the disk")
    append(log, 1)
    left = unsynced_pages(file)
    log.close()
    assert left == 0


def test_yesterdays_whole_folder_is_not_noticed_here(folder: Path) -> None:
    """The limit of what one disk can know; peers notice it. See docs/operations/storage.md."""
    create_log(folder)
    log = open_log(folder)
    append(log, 5)
    log.close()
    yesterday = folder.with_name("yesterday")
    shutil.copytree(folder, yesterday)
    log = open_log(folder)
    append(log, 5)
    log.close()
    log = open_log(yesterday)
    assert log.last_index() == 5
    log.close()
