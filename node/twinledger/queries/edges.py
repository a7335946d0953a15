"""The words: twins, relationships, and where a question gets its edges from."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

TwinId = str

EdgeSource = Callable[[TwinId], Iterable[tuple[str, TwinId]]]
"""Given a twin, the (name, other twin) of its relationships on one side, in any order."""


class Direction(Enum):
    """Which way relationships are followed."""

    DOWNSTREAM = "downstream"
    """From source to target."""
    UPSTREAM = "upstream"
    """From target to source."""


class Relationship(NamedTuple):
    """One relationship, always told from its source to its target."""

    source: TwinId
    name: str
    target: TwinId


@dataclass(frozen=True, slots=True)
class Edges:
    """Both sides of the graph, seen through a filter of relationship names."""

    outgoing: EdgeSource
    incoming: EdgeSource
    names: frozenset[str] = frozenset()
    """Only relationships of these names; empty: all."""

    @classmethod
    def of(cls, outgoing: EdgeSource, incoming: EdgeSource, names: Collection[str] = ()) -> "Edges":
        """The edges of two callables, limited to some names; no names: all."""
        return cls(outgoing, incoming, frozenset(names))

    def leaving(self, twin: TwinId, direction: Direction) -> list[Relationship]:
        """The relationships that lead on from a twin in a direction, in ascending order."""
        if direction is Direction.DOWNSTREAM:
            found = {Relationship(twin, name, other) for name, other in self.outgoing(twin)}
        else:
            found = {Relationship(other, name, twin) for name, other in self.incoming(twin)}
        return sorted(edge for edge in found if not self.names or edge.name in self.names)


def far_end(edge: Relationship, direction: Direction) -> TwinId:
    """The twin a relationship leads to when it is followed in a direction."""
    return edge.target if direction is Direction.DOWNSTREAM else edge.source
