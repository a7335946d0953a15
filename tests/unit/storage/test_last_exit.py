"""How a run ended is told in a file that needs no new room, and never stops a start."""

import errno
import os
from pathlib import Path

import pytest

from twinledger.storage.failure import StorageFailure
from twinledger.storage.last_exit import (
    LastExit,
    prepare_last_exit,
    read_last_exit,
    write_last_exit,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    prepare_last_exit(tmp_path / "last_exit.json")
    return tmp_path / "last_exit.json"


FULL = LastExit("DISK_FULL", "No room.", "Make room.", 75, 1_800_000_000_000_000)


def test_before_the_first_end_there_is_nothing_to_tell(file: Path) -> None:
    assert read_last_exit(file) is None
    assert read_last_exit(file.with_name("absent")) is None


def test_the_newest_end_is_told(file: Path) -> None:
    write_last_exit(file, FULL)
    write_last_exit(file, stopped := LastExit("STOPPED", "", "", 0, 7))
    assert read_last_exit(file) == stopped


@pytest.mark.parametrize("character", ["x", "ü", "\0", "\U0001f600", '"', "\ud800"])
def test_the_file_never_grows(file: Path, character: str) -> None:
    size = file.stat().st_size
    write_last_exit(file, LastExit("X", character * 10_000, character * 10_000, 65, 1))
    assert file.stat().st_size == size
    told = read_last_exit(file)
    assert told is not None
    assert len(told.sentence) >= 100


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"code": "X"}', b"\xff", b"7"])
def test_a_torn_file_reads_as_absent(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert read_last_exit(file) is None


def test_a_disk_that_refuses_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StorageFailure):
        write_last_exit(file, FULL)
