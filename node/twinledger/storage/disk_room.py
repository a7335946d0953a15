"""How much room the disk has left, and the room kept back for the day it has none.

LevelDB cannot be opened on a full disk: opening replays its log into new files. So a file of real
blocks, the reserve, is made in advance, given up when the node starts on a full disk, and made
again when there is room. While it is missing, its size does not count as free: else the node would
take its own reserve for room and fill it.
"""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from twinledger.storage.durable_file import sync_directory
from twinledger.storage.failure import os_failure

RESERVE_BYTES: Final = 64 << 20
"""What opening both stores may need at worst: two write buffers each, and some."""
MIN_FREE_BYTES: Final = 256 << 20

FreeBytes = Callable[[Path], int]


def free_bytes(path: Path) -> int:
    """Return how much room the disk that holds a path has for this user."""
    return shutil.disk_usage(path).free


class DiskRoom:
    """The room on the disk that holds one folder."""

    def __init__(
        self,
        folder: Path,
        *,
        min_free_bytes: int = MIN_FREE_BYTES,
        reserve_bytes: int = RESERVE_BYTES,
        free: FreeBytes = free_bytes,
    ) -> None:
        """`free` tells how much room there is, and is replaced in tests."""
        self._folder = folder
        self._reserve = folder / "reserve"
        self._reserve_bytes = reserve_bytes
        self._min_free_bytes = min_free_bytes
        self._free = free

    @property
    def free_bytes(self) -> int:
        """Room that may be used: what is free, less what the reserve still needs."""
        return max(0, self._free(self._folder) - self.missing_bytes)

    @property
    def low(self) -> bool:
        """Whether there is too little room to take new transactions."""
        return self.free_bytes < self._min_free_bytes

    @property
    def missing_bytes(self) -> int:
        """How much of the reserve is not held now."""
        held = self._reserve.stat().st_size if self._reserve.exists() else 0
        return max(0, self._reserve_bytes - held)

    def prepare_opening(self) -> None:
        """Give the reserve up if the stores could not be opened without it."""
        if self._free(self._folder) < self._reserve_bytes:
            self._reserve.unlink(missing_ok=True)

    def refill(self) -> bool:
        """Make the reserve if it is missing and there is room; return whether it is held.

        Raises:
            StorageFailure: the disk refused for another reason than being full.
        """
        if self.missing_bytes and not self.low:
            self.make_reserve()
        return self.missing_bytes == 0

    def make_reserve(self) -> None:
        """Take the room for the reserve, or none of it when the disk has too little.

        Raises:
            StorageFailure: the disk refused for another reason than being full.
        """
        try:
            with self._reserve.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, self._reserve_bytes)
                os.fsync(file.fileno())
            sync_directory(self._folder)
        except OSError as error:
            self._reserve.unlink(missing_ok=True)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise os_failure("allocate the disk reserve", error) from error
