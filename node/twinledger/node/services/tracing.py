"""Answers Trace: the neighbourhood of a twin, read at one height."""

from collections.abc import Iterable
from typing import Final

from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import TwinId
from twinledger.node.services.door import Caller
from twinledger.node.services.sight import Sight
from twinledger.storage import ChainReader, ChainStore
from twinledger.twins.reading import load_twin, relationships
from twinledger.v1 import twin_service_pb2 as pb

_DEFAULT_DEPTH: Final = 10
_DEFAULT_TWINS: Final = 10_000


def traced(chain: ChainStore, request: pb.TraceRequest, caller: Caller) -> pb.TraceResponse:
    """Return what lies up or down the relationships of a twin.

    Raises:
        LedgerError: BAD_REQUEST, BAD_TWIN_ID, TWIN_NOT_FOUND.
    """
    # networkx takes a third of a node's start-up time, and many nodes never trace.
    from twinledger import queries  # noqa: PLC0415

    directions = {
        pb.DIRECTION_DOWNSTREAM: queries.Direction.DOWNSTREAM,
        pb.DIRECTION_UPSTREAM: queries.Direction.UPSTREAM,
    }
    direction = directions.get(request.direction)
    if direction is None:
        raise LedgerError(Code.BAD_REQUEST, "direction is downstream or upstream")
    with chain.snapshot() as state:
        sight = Sight.of(caller, state)
        start = sight.load(names.twin_id(request.twin_id))
        try:
            found = queries.trace(
                start.twin_id,
                direction,
                request.max_depth or _DEFAULT_DEPTH,
                frozenset(request.names),
                request.max_twins or _DEFAULT_TWINS,
                lambda twin_id: _outgoing(sight, TwinId(twin_id)),
                lambda twin_id: _incoming(sight, TwinId(twin_id)),
            )
        except ValueError as error:
            raise LedgerError(Code.BAD_REQUEST, str(error)) from error
        return pb.TraceResponse(
            twins=[_twin(state, twin_id, depth) for twin_id, depth in found.depths.items()],
            relationships=[
                pb.TracedRelationship(source_id=edge.source, name=edge.name, target_id=edge.target)
                for edge in found.relationships
            ],
            truncated=found.truncated,
            height=state.applied_height or 0,
        )


def _outgoing(sight: Sight, twin_id: TwinId) -> Iterable[tuple[str, str]]:
    """The relationships the caller may read, to twins that show themselves to it."""
    edges = sight.relationships(twin_id, relationships(sight.state, twin_id))
    return ((edge.name, edge.target_id) for edge in edges if sight.knows(edge.target_id))


def _incoming(sight: Sight, twin_id: TwinId) -> Iterable[tuple[str, str]]:
    return (
        (name, source)
        for name, source in sight.state.incoming(twin_id)
        if sight.relates(TwinId(source), name, twin_id) and sight.knows(TwinId(source))
    )


def _twin(state: ChainReader, twin_id: str, depth: int) -> pb.TracedTwin:
    twin = load_twin(state, TwinId(twin_id))
    return pb.TracedTwin(twin_id=twin_id, model=twin.model, depth=depth)
