"""A power cut: the folder as the disk would hold it, without what was never synced.

LevelDB is watched from below: a write batch that asks for a sync makes the newest log file durable
up to its present length, and nothing else does. Tables and the manifest are never cut: LevelDB
syncs them by itself before it deletes the log whose content they took over.
"""

import contextlib
import shutil
from pathlib import Path
from typing import Any

import plyvel
import pytest


class PowerSupply:
    """Remembers how long each file was when it was last on the disk for certain."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ignore_sync = False
        """The mutant: whoever asks for a sync does not get it."""
        self._durable = dict[Path, int]()
        self._real = plyvel.DB
        monkeypatch.setattr(plyvel, "DB", self._open)

    def cut(self, folder: Path, image: Path) -> None:
        """Copy the folder, with every log file of LevelDB cut at its last synced byte."""
        copy_of_one_moment(folder, image)
        for path, length in self._durable.items():
            copy = image / path.relative_to(folder)
            if copy.exists() and copy.stat().st_size > length:
                shorten(copy, length)

    def note_sync(self, folder: Path) -> None:
        """Take the newest log file as durable up to its present length."""
        path = newest(folder, "*.log")
        self._durable[path] = path.stat().st_size

    def _open(self, name: str, **options: Any) -> "_WatchedDatabase":
        database = _WatchedDatabase(self._real(name, **options), self, Path(name))
        self.note_sync(Path(name))
        return database


class _WatchedDatabase:
    """A plyvel database whose write batches are watched."""

    def __init__(self, database: Any, supply: PowerSupply, folder: Path) -> None:
        self._database, self._supply, self._folder = database, supply, folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def write_batch(self, *, sync: bool) -> "_WatchedBatch":
        synced = sync and not self._supply.ignore_sync
        return _WatchedBatch(self._database.write_batch(sync=synced), synced, self)

    def note_sync(self) -> None:
        self._supply.note_sync(self._folder)


class _WatchedBatch:
    """A write batch that tells when it has been synced."""

    def __init__(self, batch: Any, synced: bool, database: _WatchedDatabase) -> None:
        self._batch, self._synced, self._database = batch, synced, database
        self.put, self.delete = batch.put, batch.delete

    def write(self) -> None:
        self._batch.write()
        if self._synced:
            self._database.note_sync()


def copy_of_one_moment(folder: Path, image: Path) -> None:
    """Copy a folder in which LevelDB may be at work: again, while files come or go meanwhile."""
    for _ in range(100):
        before = set(folder.rglob("*"))
        with contextlib.suppress(shutil.Error):
            shutil.copytree(folder, image)
            if set(folder.rglob("*")) == before:
                return
        shutil.rmtree(image)
    raise AssertionError(f"the files of {folder} never stayed the same while they were copied")


def shorten(path: Path, length: int) -> None:
    """Cut a file's end off."""
    with path.open("r+b") as file:
        file.truncate(length)


def flip_bit(path: Path, offset: int) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x10
    path.write_bytes(content)


def newest(folder: Path, pattern: str) -> Path:
    """The last file of a kind."""
    return max(folder.glob(pattern))
