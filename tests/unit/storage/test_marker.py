"""The witness beside the log: two slots, the newer whole one counts."""

import errno
import os
from pathlib import Path

import pytest

from tests.unit.storage.power import flip_bit
from twinledger.consensus import Index, Term
from twinledger.storage.failure import StorageFailure
from twinledger.storage.marker import Mark, Marker


def mark(number: int) -> Mark:
    return Mark(number, Index(number), Term(number), bytes([number]) * 32, Term(number))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Marker.create(tmp_path / "log.marker", mark(0))
    return tmp_path / "log.marker"


def read(path: Path) -> Mark:
    opened = Marker.open(path)
    opened.close()
    opened.close()
    return opened.mark


def test_the_newest_mark_is_read(path: Path) -> None:
    assert read(path) == mark(0)
    for number in range(1, 6):
        opened = Marker.open(path)
        opened.write(mark(number))
        opened.close()
        assert read(path) == mark(number)


def test_a_lower_mark_that_is_newer_counts(path: Path) -> None:
    opened = Marker.open(path)
    opened.write(mark(9))
    opened.write(mark(2), sync=True)
    opened.close()
    assert read(path) == mark(2)


@pytest.mark.parametrize("writes", [1, 2])
def test_a_torn_newest_slot_leaves_the_one_before(path: Path, writes: int) -> None:
    opened = Marker.open(path)
    for number in range(1, writes + 1):
        opened.write(mark(number))
    opened.close()
    newest_slot = (writes + 1) % 2 * 4096
    flip_bit(path, newest_slot + 50)
    assert read(path) == mark(writes - 1)


def test_the_file_keeps_its_size(path: Path) -> None:
    opened = Marker.open(path)
    for number in range(10):
        opened.write(mark(number))
    opened.close()
    assert path.stat().st_size == 8192


def test_only_a_lowering_is_synced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = list[int]()
    monkeypatch.setattr(os, "fdatasync", synced.append)
    opened = Marker.open(path)
    opened.write(mark(1))
    assert synced == []
    opened.write(mark(0), sync=True)
    assert len(synced) == 1
    opened.close()


def test_a_disk_that_refuses_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    opened = Marker.open(path)
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StorageFailure) as raised:
        opened.write(mark(1))
    assert raised.value.full
    opened.close()
