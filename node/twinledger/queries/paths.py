"""Path, cycle and topological order within the neighbourhood of a twin."""

from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from twinledger.queries.edges import Direction, Edges, Relationship, TwinId
from twinledger.queries.trace import MAX_DEPTH, MAX_TWINS, Trace, walk


class CycleFound(ValueError):  # noqa: N818 - it names what was found
    """Twins that feed one another in a circle have no topological order."""

    def __init__(self, relationships: list[Relationship]) -> None:
        super().__init__(
            "the relationships form a cycle: "
            + " -> ".join([*(edge.source for edge in relationships), relationships[0].source])
        )
        self.relationships = relationships


@dataclass(frozen=True, slots=True)
class Path:
    """The answer to a search for a way from one twin to another."""

    relationships: list[Relationship] | None
    """One shortest way; empty when start and goal are one; None when none was found."""
    truncated: bool
    """True when a limit cut the search short: then None does not mean that there is no way."""


def path(
    start: TwinId,
    goal: TwinId,
    edges: Edges,
    max_depth: int = MAX_DEPTH,
    max_twins: int = MAX_TWINS,
) -> Path:
    """A shortest way from start to goal, always the same one for the same graph."""
    reached = walk(edges, start, Direction.DOWNSTREAM, max_depth, max_twins)
    if goal not in reached.depths:
        return Path(None, reached.truncated)
    twins = nx.shortest_path(reached.graph(), start, goal)
    return Path(_steps(reached, twins), truncated=False)


def cycle(
    start: TwinId, edges: Edges, max_depth: int = MAX_DEPTH, max_twins: int = MAX_TWINS
) -> list[Relationship] | None:
    """Some cycle downstream of start, or None when there is none within the limits."""
    return _cycle(walk(edges, start, Direction.DOWNSTREAM, max_depth, max_twins))


def topological_order(
    start: TwinId, edges: Edges, max_depth: int = MAX_DEPTH, max_twins: int = MAX_TWINS
) -> list[TwinId]:
    """The twins downstream of start, every source before its targets, ties by id.

    Raises:
        CycleFound: The relationships form a cycle, so there is no such order.
    """
    reached = walk(edges, start, Direction.DOWNSTREAM, max_depth, max_twins)
    circle = _cycle(reached)
    if circle is not None:
        raise CycleFound(circle)
    return list(nx.lexicographical_topological_sort(reached.graph()))


def _cycle(reached: Trace) -> list[Relationship] | None:
    try:
        found = nx.find_cycle(reached.graph())
    except nx.NetworkXNoCycle:
        return None
    return [Relationship(source, name, target) for source, target, name in found]


def _steps(reached: Trace, twins: list[TwinId]) -> list[Relationship]:
    """The relationships along a way; of several between two twins, the first by name."""
    first: dict[tuple[TwinId, TwinId], Relationship] = {}
    for edge in sorted(reached.relationships):
        first.setdefault((edge.source, edge.target), edge)
    return [first[pair] for pair in pairwise(twins)]
