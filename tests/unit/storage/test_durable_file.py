"""A small file is on the disk, under its name, when the call returns."""

import errno
import os
import stat
from pathlib import Path

import pytest

from twinledger.storage.durable_file import write_durably
from twinledger.storage.failure import StorageFailure


def test_content_is_synced_before_it_takes_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = list[str]()
    replace = Path.replace

    def noting_sync(file: int) -> None:
        done.append("directory" if stat.S_ISDIR(os.fstat(file).st_mode) else "content")

    def noting_replace(path: Path, target: Path) -> Path:
        done.append("name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noting_sync)
    monkeypatch.setattr(Path, "replace", noting_replace)
    write_durably(tmp_path / "x", b"new")
    assert done == ["content", "name", "directory"]
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_disk_that_refuses_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    write_durably(tmp_path / "x", b"old")
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StorageFailure) as raised:
        write_durably(tmp_path / "x", b"new")
    assert not raised.value.full
    assert (tmp_path / "x").read_bytes() == b"old"
