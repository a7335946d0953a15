"""Notices a leader that is given a transaction and does not order it.

A leader that censors still sends heartbeats, so nothing in consensus sees it. But every node keeps
what its clients submitted until a block settles it, and the oldest of that grows too old.
"""

from dataclasses import dataclass

from twinledger.node.pool import Pending

Leadership = tuple[int, str]
"""A term and who leads it."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A leader did not order a transaction within the bound."""

    leadership: Leadership
    pending: Pending
    """The oldest such transaction."""
    waited_s: float

    @property
    def sentence(self) -> str:
        """For logs and status."""
        _, leader = self.leadership
        known = self.pending.id.hex()[:16]
        return (
            f"{leader} leads and has not ordered a transaction that it was given"
            f" {self.waited_s:.0f} s ago ({known}). If it lasts, call for another leader:"
            " node transfer-leadership --call."
        )


@dataclass(slots=True)
class OrderAlarm:
    """The alarm of one node; times are monotonic seconds that are handed in.

    Attributes:
        within_s: How long a leader may take.
        standing: The alarm, while it stands.
    """

    within_s: float
    standing: Alarm | None = None
    _leadership: Leadership | None = None
    _since_s: float = 0.0

    def look(self, now_s: float, leadership: Leadership | None, oldest: Pending | None) -> bool:
        """Judge the leadership by the oldest waiting transaction; return whether an alarm is new.

        A transaction counts from when it came, or from when the leadership began, if that was
        later: every leader is given all that waits. `leadership` is None where nobody else leads.
        """
        if leadership != self._leadership:
            self._leadership, self._since_s, self.standing = leadership, now_s, None
        if leadership is None or oldest is None:
            self.standing = None
            return False
        waited_s = now_s - max(oldest.came_s, self._since_s)
        if waited_s < self.within_s:
            self.standing = None
            return False
        new = self.standing is None
        self.standing = Alarm(leadership, oldest, waited_s)
        return new
