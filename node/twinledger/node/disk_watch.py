"""Watches the free space where the data lies, and gives up leadership before it runs out.

A node that is low on disk still follows, votes and serves reads: only what would fill the disk
faster is refused (DISK_LOW), and it resumes by itself when there is room.
"""

import logging
from dataclasses import dataclass

from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.replica import Replica
from twinledger.storage import DiskRoom

_RETRY_AFTER_US = 5_000_000

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class DiskWatch:
    """Looks at the disk whenever it is told to."""

    room: DiskRoom
    replica: Replica
    low: bool = False
    free: int = 0

    def look(self) -> None:
        """Measure, say so when it changed, and hand over leadership while it is low."""
        self.free = self.room.free_bytes
        low = self.room.low
        if low != self.low:
            self.low = low
            logger.warning(
                "the disk is nearly full" if low else "the disk has room again",
                extra={"free_bytes": self.free},
            )
        if low and self.replica.leads:
            self.replica.transfer_leadership()

    def refusal(self) -> LedgerError | None:
        """Return why nothing is taken now; None when there is room."""
        if not self.low:
            return None
        detail = f"{self.free >> 20} MiB are free"
        return LedgerError(Code.DISK_LOW, detail, retry_after_us=_RETRY_AFTER_US)
