"""A working copy of a stopped node's folder, which may be opened without touching the folder.

LevelDB cannot be opened for reading alone: it replays its log into new files and writes a new
manifest. It never changes a table, so tables are linked and cost no room; all else is copied.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.failure import os_failure

_LEFT_OUT: Final = frozenset({"lock", "LOCK", "reserve"})


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep a node from starting in a folder meanwhile, without writing to it.

    Raises:
        LedgerError: DATA_IN_USE, when one runs there; CONFIG_INVALID, when it is no data folder.
        StorageFailure: the disk refused.
    """
    if not (folder / "log").is_dir():
        raise LedgerError(Code.CONFIG_INVALID, f"{folder} is no node's data folder")
    try:
        lock = os.open(folder / "lock", os.O_RDONLY)
    except FileNotFoundError:  # a copy that no node has been started in
        yield
        return
    except OSError as error:
        raise os_failure("lock the data folder", error) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LedgerError(Code.DATA_IN_USE, f"another process runs in {folder}") from error
        yield
    finally:
        os.close(lock)


@contextmanager
def work_folder(folder: Path, scratch: Path | None) -> Iterator[Path]:
    """Make a folder to work in, in `scratch` or beside another folder, and remove it afterwards.

    Raises:
        LedgerError: CONFIG_INVALID, when `scratch` is no place to work in, or within the folder:
            that is not to be changed, and a copy of it would hold itself.
        StorageFailure: the disk refused.
    """
    parent = scratch or folder.parent
    refuse_within(folder, parent)
    try:
        place = Path(tempfile.mkdtemp(prefix="twinledger-", dir=parent.resolve()))
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        told = f"nothing can be put into {parent}: {error.strerror}"
        raise LedgerError(Code.CONFIG_INVALID, told) from error
    except OSError as error:
        raise os_failure("make a folder to work in", error) from error
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def refuse_within(folder: Path, place: Path) -> None:
    """Refuse a place that is a folder or lies within it.

    Raises:
        LedgerError: CONFIG_INVALID.
    """
    if folder.resolve() in (place.resolve(), *place.resolve().parents):
        raise LedgerError(Code.CONFIG_INVALID, f"{place} lies within {folder}")


def copy_folder(source: Path, target: Path) -> None:
    """Make a working copy; the target does not exist yet.

    Raises:
        StorageFailure: the disk refused.
    """
    try:
        target.mkdir()
        for path in sorted(source.iterdir()):
            if path.is_dir():
                copy_folder(path, target / path.name)
            elif path.is_file() and path.name not in _LEFT_OUT:
                _take(path, target / path.name)
    except OSError as error:
        raise os_failure(f"copy {source.name}", error) from error


def _take(path: Path, target: Path) -> None:
    if path.suffix == ".ldb":
        try:
            target.hardlink_to(path)
        except OSError:  # another file system, or one without links
            pass
        else:
            return
    shutil.copyfile(path, target)
