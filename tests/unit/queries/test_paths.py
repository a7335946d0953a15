"""Path, cycle and topological order against what their definitions say."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.queries import (
    CycleFound,
    Direction,
    Edges,
    Relationship,
    cycle,
    path,
    topological_order,
    trace,
)

TWINS = [f"t{number}" for number in range(7)]
RELATIONSHIP = st.builds(
    Relationship,
    source=st.sampled_from(TWINS),
    name=st.sampled_from(["feeds", "holds"]),
    target=st.sampled_from(TWINS),
)
GRAPHS = st.sets(RELATIONSHIP, max_size=16)


def edges_of(relationships: Iterable[Relationship], names: Iterable[str] = ()) -> Edges:
    known = list(relationships)
    return Edges.of(
        lambda twin: [(edge.name, edge.target) for edge in known if edge.source == twin],
        lambda twin: [(edge.name, edge.source) for edge in known if edge.target == twin],
        frozenset(names),
    )


def depths_from(start: str, edges: Edges) -> dict[str, int]:
    return trace(start, Direction.DOWNSTREAM, 99, (), 99, edges.outgoing, edges.incoming).depths


def is_way(steps: list[Relationship], start: str, end: str) -> bool:
    places = [start, *(step.target for step in steps)]
    sources = [step.source for step in steps]
    return sources == places[:-1] and places[-1] == end


@given(GRAPHS, st.sampled_from(TWINS))
def test_a_path_is_a_shortest_way_or_there_is_none(graph: set[Relationship], goal: str) -> None:
    edges = edges_of(graph)
    depth = depths_from("t0", edges).get(goal)
    found = path("t0", goal, edges)
    assert not found.truncated
    if depth is None:
        assert found.relationships is None
    else:
        assert found.relationships is not None
        assert len(found.relationships) == depth
        assert set(found.relationships) <= graph
        assert is_way(found.relationships, "t0", goal)


def test_a_path_cut_short_by_a_limit_does_not_claim_that_there_is_no_way() -> None:
    chain = [Relationship("a", "feeds", "b"), Relationship("b", "feeds", "c")]
    found = path("a", "c", edges_of(chain), max_depth=1)
    assert found.relationships is None
    assert found.truncated


def test_of_two_relationships_between_twins_a_path_takes_the_first_by_name() -> None:
    graph = [Relationship("a", "holds", "b"), Relationship("a", "feeds", "b")]
    assert path("a", "b", edges_of(graph)).relationships == [Relationship("a", "feeds", "b")]


@given(GRAPHS)
def test_twins_have_a_topological_order_exactly_when_no_cycle_is_found(
    graph: set[Relationship],
) -> None:
    edges = edges_of(graph)
    circle = cycle("t0", edges)
    if circle is None:
        order = topological_order("t0", edges)
        assert sorted(order) == sorted(depths_from("t0", edges))
        place = {twin: position for position, twin in enumerate(order)}
        assert all(
            place[edge.source] < place[edge.target] for edge in graph if edge.source in place
        )
    else:
        assert set(circle) <= graph
        assert is_way(circle, circle[0].source, circle[0].source)
        with pytest.raises(CycleFound, match="->"):
            topological_order("t0", edges)


def test_a_cycle_through_relationships_of_another_name_is_not_found() -> None:
    graph = [Relationship("a", "feeds", "b"), Relationship("b", "reports", "a")]
    assert cycle("a", edges_of(graph)) == graph
    assert cycle("a", edges_of(graph, names=["feeds"])) is None


def test_twins_without_an_order_between_them_come_by_id() -> None:
    graph = [Relationship("a", "feeds", twin) for twin in ("d", "c", "b")]
    assert topological_order("a", edges_of(graph)) == ["a", "b", "c", "d"]
