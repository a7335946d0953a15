"""The reserve: real blocks, given up on a full disk, never mistaken for free room."""

import errno
import os
from pathlib import Path

import pytest

from twinledger.storage.disk_room import DiskRoom, free_bytes
from twinledger.storage.failure import StorageFailure

RESERVE = 1_000_000
MIN_FREE = 300_000


class Disk:
    """How much is free, apart from what the reserve holds."""

    def __init__(self, free: int) -> None:
        self.free = free

    def __call__(self, folder: Path) -> int:
        return self.free - (RESERVE if (folder / "reserve").exists() else 0)


def room(folder: Path, disk: Disk) -> DiskRoom:
    return DiskRoom(folder, min_free_bytes=MIN_FREE, reserve_bytes=RESERVE, free=disk)


def test_the_reserve_takes_real_blocks(tmp_path: Path) -> None:
    disk = room(tmp_path, Disk(10 * RESERVE))
    disk.make_reserve()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= RESERVE
    assert disk.missing_bytes == 0
    assert disk.refill()


def test_a_full_disk_gets_the_reserve_back_before_the_stores_open(tmp_path: Path) -> None:
    disk = Disk(RESERVE + 10)
    held = room(tmp_path, disk)
    held.make_reserve()
    assert held.low
    held.prepare_opening()
    assert not (tmp_path / "reserve").exists()
    assert disk(tmp_path) >= RESERVE


def test_a_disk_with_room_keeps_its_reserve(tmp_path: Path) -> None:
    held = room(tmp_path, Disk(3 * RESERVE))
    held.make_reserve()
    held.prepare_opening()
    assert (tmp_path / "reserve").exists()


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize(("spare", "low"), [(MIN_FREE - 1, True), (MIN_FREE, False)])
def test_the_reserve_is_never_counted_as_free(
    tmp_path: Path, held: bool, spare: int, low: bool
) -> None:
    disk = room(tmp_path, Disk(RESERVE + spare))
    if held:
        disk.make_reserve()
    assert (disk.free_bytes, disk.low) == (spare, low)


def test_the_reserve_is_made_again_when_there_is_room(tmp_path: Path) -> None:
    disk = Disk(RESERVE + MIN_FREE - 1)
    refilled = room(tmp_path, disk)
    assert not refilled.refill()
    assert not (tmp_path / "reserve").exists()
    disk.free += 1
    assert refilled.refill()
    assert (tmp_path / "reserve").stat().st_size == RESERVE


def test_a_half_made_reserve_is_completed(tmp_path: Path) -> None:
    (tmp_path / "reserve").write_bytes(bytes(1000))
    disk = room(tmp_path, Disk(5 * RESERVE))
    assert disk.missing_bytes == RESERVE - 1000
    assert disk.refill()


def test_a_disk_that_fills_up_meanwhile_gets_no_half_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    disk = room(tmp_path, Disk(5 * RESERVE))
    assert not disk.refill()
    assert not (tmp_path / "reserve").exists()


def test_a_broken_disk_is_no_full_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "posix_fallocate", broken)
    with pytest.raises(StorageFailure) as raised:
        room(tmp_path, Disk(5 * RESERVE)).make_reserve()
    assert not raised.value.full


def test_real_free_space_is_measured(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) > 0
