"""A trace from proven parts: a node's answer says what to look at, the proofs what is there."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from twinledger.client.proven_records import relationships_of, twins_of
from twinledger.client.twin_records import Trace, TracedRelationship, TracedTwin, Twin
from twinledger.proofs.claims import PartsClaim
from twinledger.v1 import twin_service_pb2

Edges: TypeAlias = dict[str, list[tuple[str, TracedRelationship]]]
"""From a twin: where each relationship leads, the way the trace goes."""


def keys_of(hint: Trace) -> Iterator[tuple[str, str]]:
    """Twins, and keys of their trees, to have proven; the empty key stands for the twin alone."""
    for twin in hint.twins:
        yield twin.id, ""
    for each in hint.relationships:
        yield each.source_id, f"relationship/{each.name}/{each.target_id}"


def merge(twins: dict[str, Twin], claim: PartsClaim, height: int) -> None:
    """Adds what a claim has proven to what is known of the twins."""
    found = relationships_of(claim)
    for twin_id, twin in twins_of(claim, height).items():
        known = twins[twin_id].relationships if twin_id in twins else ()
        twins[twin_id] = replace(twin, relationships=(*known, *found.get(twin_id, ())))


def walked(
    request: twin_service_pb2.TraceRequest, twins: dict[str, Twin], hint: Trace, height: int
) -> Trace:
    """The trace over what is proven; whether it is cut short is the node's word."""
    edges = _edges(request, twins)
    depths = {request.twin_id: 0} if request.twin_id in twins else {}
    level, met = list(depths), list[TracedRelationship]()
    for depth in range(1, len(twins) + 2):
        leaving = [each for twin_id in level for each in edges.get(twin_id, ())]
        met.extend(edge for _, edge in leaving)
        within = not request.max_depth or depth <= request.max_depth
        level = sorted({end for end, _ in leaving} - depths.keys()) if within else []
        depths.update(dict.fromkeys(level, depth))
        if not level:
            break
    return Trace(
        tuple(TracedTwin(twin_id, twins[twin_id].model, d) for twin_id, d in depths.items()),
        tuple(e for e in met if e.source_id in depths and e.target_id in depths),
        hint.truncated,
        height,
    )


def _edges(request: twin_service_pb2.TraceRequest, twins: dict[str, Twin]) -> Edges:
    down = request.direction == twin_service_pb2.DIRECTION_DOWNSTREAM
    edges: Edges = {}
    for source in twins.values():
        for each in source.relationships:
            wanted = not request.names or each.name in request.names
            if wanted and each.target_id in twins:
                traced = TracedRelationship(source.id, each.name, each.target_id)
                near, far = (source.id, each.target_id) if down else (each.target_id, source.id)
                edges.setdefault(near, []).append((far, traced))
    for leaving in edges.values():
        leaving.sort(key=lambda each: (each[1].name, each[0]))
    return edges
