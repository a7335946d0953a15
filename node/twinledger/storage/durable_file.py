"""Small files that are on the disk when the call returns, directory entry included."""

import os
from pathlib import Path

from twinledger.storage.failure import os_failure


def write_durably(path: Path, content: bytes) -> None:
    """Replace the file's content as one step: after a power cut it is the old or the new one.

    Raises:
        StorageFailure: the disk refused.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise os_failure(f"write {path.name}", error) from error


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable: an fsync of a new file does not promise its name.

    Raises:
        OSError: the disk refused.
    """
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
