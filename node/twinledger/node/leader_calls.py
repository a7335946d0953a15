"""Counts which nodes call for another leader, and whether they are enough.

A call names a term and its leader, so that it dies with them, and is repeated while it stands.
Enough is a majority of those who order: fewer could not elect anybody else, and one member alone
can depose nobody.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from twinledger.consensus import Configuration, NodeId
from twinledger.node.order_alarm import Leadership

REPEAT_S: Final = 1.0
"""How often a standing call is sent again."""
_COUNTS_S: Final = 5.0
"""How long one counts that is not."""


@dataclass(slots=True)
class LeaderCalls:
    """The newest call of every node; times are monotonic seconds that are handed in."""

    _calls: dict[NodeId, tuple[Leadership, float]] = field(default_factory=dict)

    def note(self, caller: NodeId, leadership: Leadership, now_s: float) -> None:
        """Take a call, in the place of the caller's before."""
        self._calls[caller] = leadership, now_s

    def against(self, leadership: Leadership | None, now_s: float) -> frozenset[NodeId]:
        """Return whose calls against this leadership count now."""
        return frozenset(
            caller
            for caller, (against, at_s) in self._calls.items()
            if against == leadership and now_s - at_s < _COUNTS_S
        )


def enough(configuration: Configuration, callers: Collection[NodeId]) -> bool:
    """Whether these are a majority of those who order; of both sets while they change."""
    sets = [each for each in (configuration.voters, configuration.outgoing) if each]
    return all(len(set(voters) & set(callers)) > len(voters) // 2 for voters in sets)
