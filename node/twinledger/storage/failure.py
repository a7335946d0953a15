"""The disk refused: one exception, which tells a full disk from a broken one.

Damage is not told here: what was written and does not read back is LedgerError DATA_DAMAGED.

A failed write or sync is never tried again. The kernel may have dropped the pages and marked them
clean, so that a second fsync succeeds over lost data (Rebello et al., ATC 2020): the node stops.
"""

import errno
from enum import IntEnum
from typing import Final

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class FailureExit(IntEnum):
    """What the process exits with (sysexits.h)."""

    BROKEN = 74
    """EX_IOERR: the disk itself needs attention."""
    FULL = 75
    """EX_TEMPFAIL: it works again when there is room."""


class StorageFailure(Exception):  # noqa: N818 - not an error of the caller's
    """The disk did not take or did not give what it was asked for. The node must stop."""

    def __init__(self, sentence: str, *, full: bool) -> None:
        """`full` tells that there is no room; otherwise the disk itself failed."""
        super().__init__(sentence)
        self.sentence = sentence
        self.full = full

    @property
    def code(self) -> str:
        """The stable code, as last_exit.json records it."""
        return "DISK_FULL" if self.full else "DISK_FAILED"

    @property
    def next_step(self) -> str:
        """What the operator should do."""
        if self.full:
            return "Make room on the disk that holds the data folder, then start the node again."
        return "Check the disk (dmesg, smartctl) before starting the node again."

    @property
    def exit_code(self) -> FailureExit:
        """What the process exits with."""
        return FailureExit.FULL if self.full else FailureExit.BROKEN


def os_failure(action: str, error: OSError) -> StorageFailure:
    """Return the failure for an error of the operating system; `action` completes 'could not'."""
    return StorageFailure(f"Could not {action}: {error}.", full=error.errno in _FULL)
