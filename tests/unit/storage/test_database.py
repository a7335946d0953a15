"""LevelDB's refusals become typed ones, and the first failed write is the last."""

import errno
import subprocess
import sys
from pathlib import Path

import plyvel
import pytest

from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage import database as database_module
from twinledger.storage.damage import REPLACE_NODE
from twinledger.storage.database import Database
from twinledger.storage.failure import FailureExit, StorageFailure

CACHE = 1 << 20


def opened(path: Path, *, create: bool = False) -> Database:
    return Database(path, REPLACE_NODE, create=create, cache_bytes=CACHE)


def fill_disk(folder: Path) -> None:
    """Let every file that LevelDB makes from now on be one on a full disk."""
    for number in range(1, 60):
        for name in (f"{number:06}.log", f"{number:06}.ldb", f"MANIFEST-{number:06}"):
            if not (folder / name).exists():
                (folder / name).symlink_to("/dev/full")


def write_more_than_a_buffer(database: Database) -> None:
    """So that LevelDB needs a new file."""
    for number in range(20):
        database.write([(bytes([number]), bytes(1 << 20))], sync=False)


def test_a_full_disk_is_told_when_writing(tmp_path: Path) -> None:
    opened(tmp_path / "x", create=True).close()
    database = opened(tmp_path / "x")
    fill_disk(tmp_path / "x")
    with pytest.raises(StorageFailure) as raised:
        write_more_than_a_buffer(database)
    assert raised.value.full
    assert (raised.value.code, raised.value.exit_code) == ("DISK_FULL", 75)
    assert "room" in raised.value.next_step
    database.close()


def test_a_full_disk_is_told_when_opening_and_is_no_damage(tmp_path: Path) -> None:
    database = opened(tmp_path / "x", create=True)
    database.write([(b"a", b"b")], sync=True)
    database.close()
    fill_disk(tmp_path / "x")
    with pytest.raises(StorageFailure) as raised:
        opened(tmp_path / "x")
    assert raised.value.full
    for path in (tmp_path / "x").iterdir():
        if path.is_symlink():
            path.unlink()
    database = opened(tmp_path / "x")
    assert database.get(b"a") == b"b"
    database.close()


def test_after_a_failed_write_nothing_is_written_any_more(tmp_path: Path) -> None:
    database = opened(tmp_path / "x", create=True)
    fill_disk(tmp_path / "x")
    with pytest.raises(StorageFailure):
        write_more_than_a_buffer(database)
    for path in (tmp_path / "x").iterdir():
        if path.is_symlink():
            path.unlink()
    with pytest.raises(StorageFailure):
        database.write([(b"a", b"b")], sync=False)
    assert database.get(b"a") is None
    database.close()


FILE_TOO_LARGE = """
import resource, sys
from pathlib import Path
from twinledger.storage.database import Database
from twinledger.storage.failure import StorageFailure

database = Database(Path(sys.argv[1]), "", create=True, cache_bytes=1 << 20)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    for number in range(10):
        database.write([(bytes([number]), bytes(50_000))], sync=True)
except StorageFailure as failure:
    print(failure.full, int(failure.exit_code), failure.sentence)
"""


def test_a_disk_that_fails_otherwise_is_told_from_a_full_one(tmp_path: Path) -> None:
    """The kernel refuses real writes of a real process: its files may not grow any more."""
    ran = subprocess.run(
        [sys.executable, "-c", FILE_TOO_LARGE, str(tmp_path / "x")],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    full, exit_code, message = ran.stdout.strip().split(maxsplit=2)
    assert (full, int(exit_code)) == ("False", FailureExit.BROKEN)
    assert "File too large" in message


def test_a_failed_sync_of_the_folder_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = opened(tmp_path / "x", create=True)

    def broken(_path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(database_module, "sync_directory", broken)
    (tmp_path / "x" / "new").touch()
    with pytest.raises(StorageFailure) as raised:
        database.write([(b"a", b"b")], sync=True)
    assert (raised.value.full, raised.value.code) == (False, "DISK_FAILED")
    with pytest.raises(StorageFailure):
        database.write([(b"a", b"b")], sync=False)
    database.close()


def test_new_names_are_synced_once_leveldb_changed_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = opened(tmp_path / "x", create=True)
    synced = list[Path]()
    monkeypatch.setattr(database_module, "sync_directory", synced.append)
    database.write([(b"a", b"b")], sync=True)
    assert synced == []
    (tmp_path / "x" / "new").touch()
    database.write([(b"a", b"b")], sync=True)
    database.write([(b"a", b"b")], sync=True)
    assert synced == [tmp_path / "x"]
    database.close()


def test_a_store_is_opened_by_one_process_at_a_time(tmp_path: Path) -> None:
    database = opened(tmp_path / "x", create=True)
    with pytest.raises(LedgerError) as raised:
        opened(tmp_path / "x")
    assert raised.value.code is Code.DATA_IN_USE
    database.close()


def test_a_missing_store_is_not_made_by_opening(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as raised:
        opened(tmp_path / "x")
    assert raised.value.code is Code.DATA_DAMAGED


def test_a_store_is_not_made_over_another(tmp_path: Path) -> None:
    opened(tmp_path / "x", create=True).close()
    with pytest.raises(StorageFailure):
        opened(tmp_path / "x", create=True)


def test_damage_found_while_reading_is_told(tmp_path: Path) -> None:
    database = opened(tmp_path / "x", create=True)
    database.write([(bytes([n]), bytes([n]) * 1000) for n in range(100)], sync=True)
    database.close()
    opened(tmp_path / "x").close()
    table = max((tmp_path / "x").glob("*.ldb"))
    content = bytearray(table.read_bytes())
    content[10] ^= 1
    table.write_bytes(content)
    database = opened(tmp_path / "x")
    with pytest.raises(LedgerError) as raised:
        database.get(b"\0")
    assert raised.value.code is Code.DATA_DAMAGED
    with pytest.raises(LedgerError) as raised:
        list(database.scan(b"", b"\xff"))
    assert raised.value.code is Code.DATA_DAMAGED
    database.close()


def test_a_snapshot_stays_as_it_was(tmp_path: Path) -> None:
    database = opened(tmp_path / "x", create=True)
    database.write([(b"a", b"1"), (b"b", b"1")], sync=False)
    snapshot = database.snapshot()
    database.write([(b"a", b"2"), (b"b", None)], sync=False)
    assert list(snapshot.scan(b"a", b"c")) == [(b"a", b"1"), (b"b", b"1")]
    assert list(database.scan(b"a", b"c")) == [(b"a", b"2")]
    snapshot.close()
    snapshot.close()
    database.close()


@pytest.mark.parametrize(
    ("start", "stop", "found"),
    [
        (b"a", b"z", b"e"),
        (b"c", b"e", b"c"),
        (b"a", b"c", b"a"),
        (b"d", b"e", None),
        (b"f", b"z", None),
        (b"0", b"a", None),
        (b"e", b"f", b"e"),
    ],
)
def test_the_last_key_of_a_range_is_found(
    tmp_path: Path, start: bytes, stop: bytes, found: bytes | None
) -> None:
    database = opened(tmp_path / "x", create=True)
    database.write([(b"a", b""), (b"c", b""), (b"e", b"")], sync=False)
    assert database.last_key(start, stop) == found
    assert database.snapshot().last_key(start, stop) == found
    database.close()


def test_an_empty_store_has_no_last_key(tmp_path: Path) -> None:
    database = opened(tmp_path / "x", create=True)
    assert database.last_key(b"", b"\xff") is None
    database.close()


def test_the_options_that_find_damage_are_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without them one flipped bit makes a hole in the middle, and no error."""
    options = dict[str, object]()
    real = plyvel.DB

    def noting(name: str, **given: object) -> plyvel.DB:
        options.update(given)
        return real(name, **given)

    opened(tmp_path / "x", create=True).close()
    monkeypatch.setattr(plyvel, "DB", noting)
    opened(tmp_path / "x").close()
    assert options["paranoid_checks"] is True
    assert options["create_if_missing"] is False
