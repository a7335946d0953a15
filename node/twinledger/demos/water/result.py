"""What a run came to, as values: its claims, what they were counted from, what was read back."""

from dataclasses import dataclass
from typing import Any

from twinledger.demos.water.tally import Tally


@dataclass(frozen=True, slots=True)
class LevelReading:
    """One entry of a tank's history.

    Attributes:
        version: The twin's version after it.
        observed_at_us: The device's time, microseconds since 1970.
        level_m: The water level, metres.
        author: Who signed it.
        height: The block that holds it.
    """

    version: int
    observed_at_us: int
    level_m: float
    author: str
    height: int


@dataclass(frozen=True, slots=True)
class Downstream:
    """What lies downstream of one twin: the ids at each depth, nearest first."""

    twin_id: str
    levels: tuple[tuple[str, ...], ...]

    @property
    def count(self) -> int:
        """How many twins that is, without the start."""
        return sum(len(level) for level in self.levels[1:])


@dataclass(frozen=True, slots=True)
class LeaderLoss:
    """The loss of the leader, as seen from outside.

    Attributes:
        killed: The node that led and was killed.
        successor: The node that led next.
        seconds_without_leader: From the kill to the first sight of the successor leading.
        longest_pause_seconds: The longest time without an acknowledgement around the kill.
    """

    killed: str
    successor: str
    seconds_without_leader: float
    longest_pause_seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """One run of the demonstration.

    Attributes:
        tally: The count of transactions over all nodes.
        members: The member that runs each node, by node.
        readings_sent: Readings in acknowledged transactions.
        seconds: How long the readings took from the first to the last acknowledgement.
        loss: How the leader was lost.
        tank: The tank whose history this is.
        history: The tank's levels as the regulator's node tells them.
        downstream: What lies downstream of a pump.
    """

    tally: Tally
    members: dict[str, str]
    readings_sent: int
    seconds: float
    loss: LeaderLoss
    tank: str
    history: tuple[LevelReading, ...]
    downstream: Downstream

    @property
    def readings_per_second(self) -> float:
        """How many readings a second were acknowledged."""
        return self.readings_sent / self.seconds

    def failures(self) -> list[str]:
        """What must hold and does not, a sentence each; none after a run that went well."""
        found = []
        if not self.tally.heads_equal:
            found.append("the nodes' heads differ")
        if self.tally.lost:
            found.append(f"{len(self.tally.lost)} acknowledged transactions are lost")
        if self.tally.duplicated:
            found.append(f"{len(self.tally.duplicated)} transactions took effect twice")
        if self.tally.updates != self.readings_sent:
            found.append(f"{self.tally.updates} readings are found of {self.readings_sent} sent")
        return found

    def to_json(self) -> dict[str, Any]:
        """The run as one object for programs."""
        return {
            "ok": not self.failures(),
            "failures": self.failures(),
            "nodes": [
                {
                    "name": name,
                    "member": self.members[name],
                    "height": chain.height,
                    "head": chain.head.hex(),
                }
                for name, chain in self.tally.chains.items()
            ],
            "transactions_acknowledged": self.tally.acknowledged,
            "transactions_found": self.tally.found,
            "transactions_lost": len(self.tally.lost),
            "transactions_duplicated": len(self.tally.duplicated),
            "readings_sent": self.readings_sent,
            "readings_found": self.tally.updates,
            "readings_per_second": round(self.readings_per_second, 1),
            "seconds": round(self.seconds, 3),
            "leader_killed": self.loss.killed,
            "leader_after": self.loss.successor,
            "seconds_without_leader": round(self.loss.seconds_without_leader, 3),
            "longest_pause_seconds": round(self.loss.longest_pause_seconds, 3),
            "history": {
                "twin": self.tank,
                "levels": [
                    {
                        "version": entry.version,
                        "observed_at_us": entry.observed_at_us,
                        "level_m": entry.level_m,
                        "author": entry.author,
                        "height": entry.height,
                    }
                    for entry in self.history
                ],
            },
            "downstream": {
                "twin": self.downstream.twin_id,
                "count": self.downstream.count,
                "levels": [list(level) for level in self.downstream.levels],
            },
        }
