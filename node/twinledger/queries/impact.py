"""Impact: what a twin's failure cuts off, and what it only weakens."""

from dataclasses import dataclass

import networkx as nx

from twinledger.queries.edges import Direction, Edges, TwinId
from twinledger.queries.trace import MAX_DEPTH, MAX_TWINS, walk


@dataclass(frozen=True, slots=True)
class Impact:
    """The twins downstream of a failed one, in two groups, nearest first."""

    cut_off: list[TwinId]
    """Every way to these twins passes through the failed one."""
    weakened: list[TwinId]
    """These are also fed from elsewhere."""
    truncated: bool
    """True when a limit left twins out. What was left out counts as a feeder from elsewhere."""


def impact(
    failed: TwinId, edges: Edges, max_depth: int = MAX_DEPTH, max_twins: int = MAX_TWINS
) -> Impact:
    """What lies downstream of a failed twin: cut off from all feeders, or still fed by another."""
    reached = walk(edges, failed, Direction.DOWNSTREAM, max_depth, max_twins)
    downstream = [twin for twin in reached.depths if twin != failed]
    graph = reached.graph()
    graph.remove_node(failed)
    still_fed: set[TwinId] = set()
    for twin in downstream:
        if twin not in still_fed and _fed_from_outside(twin, edges, reached.depths):
            still_fed.add(twin)
            still_fed.update(nx.descendants(graph, twin))
    return Impact(
        cut_off=[twin for twin in downstream if twin not in still_fed],
        weakened=[twin for twin in downstream if twin in still_fed],
        truncated=reached.truncated,
    )


def _fed_from_outside(twin: TwinId, edges: Edges, downstream: dict[TwinId, int]) -> bool:
    """True when a relationship arrives from a twin that does not itself lie downstream."""
    arriving = edges.leaving(twin, Direction.UPSTREAM)
    return any(edge.source not in downstream for edge in arriving)
