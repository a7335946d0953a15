"""Until when a node's certificate counts, and the warnings before that.

The time is a promise to the others, that its member will renew the certificate by then. That it has
passed is told, and is never a reason to refuse a node: records decide who may connect, and a
consortium that let all times pass must still be able to heal itself.
"""

import logging
from typing import Final

from twinledger.consortium.nodes import Node

_DAY_US: Final = 86_400_000_000
_WARN_DAYS: Final = (30, 7, 1, 0)

logger = logging.getLogger(__name__)


def days_left(record: Node, now_us: int) -> int:
    """Whole days, rounded up, that the newest certificate counts; 0 or less when it is over."""
    return -(-(record.certificates[-1].valid_until_us - now_us) // _DAY_US)


def level(record: Node, now_us: int) -> int | None:
    """The least of 30, 7, 1 and 0 days within which it ends; None while it is longer."""
    left = days_left(record, now_us)
    return min((days for days in _WARN_DAYS if left <= days), default=None)


def warning(record: Node, now_us: int) -> str:
    """A sentence for the operator; empty while there is time."""
    if level(record, now_us) is None:
        return ""
    left = days_left(record, now_us)
    more = f"{left} more day{'s' if left > 1 else ''}"
    when = f"counts for {more}" if left > 0 else "does not count any more"
    renew = "Renew it: twinledger node rotate-key"
    return f"The certificate of {record.node_id} {when}. {renew}."


class ValidityWatch:
    """Logs the warning once for each of its levels."""

    def __init__(self) -> None:
        """Nothing has been logged yet."""
        self._told: int | None = None

    def look(self, record: Node | None, now_us: int) -> None:
        """Log when the certificate has come nearer to its end."""
        reached = level(record, now_us) if record else None
        if record is not None and reached is not None and reached != self._told:
            logger.warning(warning(record, now_us), extra={"days": days_left(record, now_us)})
        self._told = reached
