"""Questions about how twins hang together: trace, path, impact, cycle, topological order.

Every question is a pure function over an edge source that the caller gives: two callables that
tell the relationships out of and into one twin. So a question about a small neighbourhood never
loads the whole graph, and the same question can be asked of any height the caller can read. Nothing
here opens a store, checks who may read, or knows what a relationship means.

Read in this order: edges (the words), trace (the walk that everything else stands on), paths
(path, cycle, topological order), impact (what a failure cuts off).
"""

from twinledger.queries.edges import Direction, Edges, EdgeSource, Relationship, TwinId
from twinledger.queries.impact import Impact, impact
from twinledger.queries.paths import CycleFound, Path, cycle, path, topological_order
from twinledger.queries.trace import Trace, trace

__all__ = [
    "CycleFound",
    "Direction",
    "EdgeSource",
    "Edges",
    "Impact",
    "Path",
    "Relationship",
    "Trace",
    "TwinId",
    "cycle",
    "impact",
    "path",
    "topological_order",
    "trace",
]
