"""Trace: what lies up or down the relationships of a twin, nearest first."""

from collections.abc import Collection
from dataclasses import dataclass

import networkx as nx

from twinledger.queries.edges import Direction, Edges, EdgeSource, Relationship, TwinId, far_end

MAX_DEPTH = 1_000
MAX_TWINS = 100_000


@dataclass(frozen=True, slots=True)
class Trace:
    """The neighbourhood that a trace reached.

    It does not depend on the order in which the edge source tells its edges.
    """

    depths: dict[TwinId, int]
    """The fewest steps from the start to each twin; nearest first, then by id."""
    relationships: list[Relationship]
    """Every relationship between two of the twins, in the order it was met."""
    truncated: bool
    """True when a relationship leads on to a twin that a limit left out."""

    def graph(self) -> "nx.MultiDiGraph[TwinId]":
        """The neighbourhood as networkx takes it; a relationship's name is the edge's key."""
        graph: nx.MultiDiGraph[TwinId] = nx.MultiDiGraph()
        graph.add_nodes_from(self.depths)
        for edge in self.relationships:
            graph.add_edge(edge.source, edge.target, key=edge.name)
        return graph


def trace(
    start: TwinId,
    direction: Direction,
    max_depth: int,
    names: Collection[str],
    max_twins: int,
    outgoing: EdgeSource,
    incoming: EdgeSource,
) -> Trace:
    """Follow relationships breadth first from a twin.

    Args:
        start: Where to begin; it stands in the answer at depth 0, known to the source or not.
        direction: DOWNSTREAM from source to target, UPSTREAM the other way.
        max_depth: How many steps at most, 0 or more.
        names: Follow only relationships of these names; empty: all.
        max_twins: How many twins at most, the start included, 1 or more. When it cuts a level,
            the smallest ids of that level stay.
        outgoing: The (name, target) pairs that leave a twin.
        incoming: The (name, source) pairs that arrive at a twin.

    Raises:
        ValueError: max_depth or max_twins is out of range.
    """
    if not 0 <= max_depth <= MAX_DEPTH:
        raise ValueError(f"max_depth must lie between 0 and {MAX_DEPTH}, not {max_depth}")
    if not 1 <= max_twins <= MAX_TWINS:
        raise ValueError(f"max_twins must lie between 1 and {MAX_TWINS}, not {max_twins}")
    return walk(Edges.of(outgoing, incoming, names), start, direction, max_depth, max_twins)


def walk(
    edges: Edges, start: TwinId, direction: Direction, max_depth: int, max_twins: int
) -> Trace:
    """Trace over edges whose filter is already set, without checking the limits."""
    depths = {start: 0}
    met: list[Relationship] = []
    level = [start]
    # The last level is asked for its edges too: they tell whether anything was left out, and they
    # may run between twins that were reached.
    for depth in range(1, max_depth + 2):
        leaving = [edge for twin in level for edge in edges.leaving(twin, direction)]
        met.extend(leaving)
        room = max_twins - len(depths) if depth <= max_depth else 0
        level = sorted({far_end(edge, direction) for edge in leaving} - depths.keys())[:room]
        depths.update(dict.fromkeys(level, depth))
        if not level:
            break
    kept = [edge for edge in met if edge.source in depths and edge.target in depths]
    return Trace(depths, kept, truncated=len(kept) < len(met))
