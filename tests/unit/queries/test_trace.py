"""Trace against a naive model, and its limits one by one."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.queries import Direction, Relationship, Trace, trace

TWINS = [f"t{number}" for number in range(8)]
EDGES = st.sets(
    st.builds(
        Relationship,
        source=st.sampled_from(TWINS),
        name=st.sampled_from(["feeds", "holds"]),
        target=st.sampled_from(TWINS),
    ),
    max_size=24,
)
NAMES = st.sampled_from([(), ("feeds",), ("holds",), ("feeds", "holds"), ("absent",)])


class Graph:
    """An edge source that remembers which twins it was asked about."""

    def __init__(self, edges: Iterable[Relationship], backwards: bool = False) -> None:
        self.edges = sorted(edges, reverse=backwards)
        self.asked: list[str] = []

    def outgoing(self, twin: str) -> list[tuple[str, str]]:
        self.asked.append(twin)
        return [(edge.name, edge.target) for edge in self.edges if edge.source == twin]

    def incoming(self, twin: str) -> list[tuple[str, str]]:
        self.asked.append(twin)
        return [(edge.name, edge.source) for edge in self.edges if edge.target == twin]


def ask(
    graph: Graph,
    start: str = "t0",
    direction: Direction = Direction.DOWNSTREAM,
    max_depth: int = 100,
    names: tuple[str, ...] = (),
    max_twins: int = 1_000,
) -> Trace:
    return trace(start, direction, max_depth, names, max_twins, graph.outgoing, graph.incoming)


def naive_depths(
    edges: Iterable[Relationship], start: str, direction: Direction, max_depth: int
) -> dict[str, int]:
    """The distances, by relaxing every edge until nothing changes."""
    pairs = [
        (edge.source, edge.target)
        if direction is Direction.DOWNSTREAM
        else (edge.target, edge.source)
        for edge in edges
    ]
    depths = {start: 0}
    changed = True
    while changed:
        changed = False
        for near, far in pairs:
            if near in depths and depths[near] < depths.get(far, max_depth + 1) - 1:
                depths[far] = depths[near] + 1
                changed = True
    return depths


def leads_out(edges: Iterable[Relationship], inside: set[str], direction: Direction) -> bool:
    if direction is Direction.DOWNSTREAM:
        return any(edge.source in inside and edge.target not in inside for edge in edges)
    return any(edge.target in inside and edge.source not in inside for edge in edges)


@given(EDGES, st.sampled_from(list(Direction)), st.integers(0, 6), NAMES)
def test_a_trace_agrees_with_the_naive_model(
    edges: set[Relationship], direction: Direction, max_depth: int, names: tuple[str, ...]
) -> None:
    wanted = {edge for edge in edges if not names or edge.name in names}
    expected = naive_depths(wanted, "t0", direction, max_depth)
    found = ask(Graph(edges), direction=direction, max_depth=max_depth, names=names)
    assert list(found.depths.items()) == sorted(expected.items(), key=lambda item: item[::-1])
    inside = {edge for edge in wanted if edge.source in expected and edge.target in expected}
    assert len(found.relationships) == len(inside)
    assert set(found.relationships) == inside
    assert found.truncated == leads_out(wanted, set(expected), direction)


@given(EDGES, st.integers(1, 8))
def test_max_twins_keeps_the_nearest_twins(edges: set[Relationship], max_twins: int) -> None:
    whole = ask(Graph(edges))
    found = ask(Graph(edges), max_twins=max_twins)
    assert list(found.depths.items()) == list(whole.depths.items())[:max_twins]
    assert found.truncated == (len(whole.depths) > max_twins)


@given(EDGES, st.sampled_from(list(Direction)), st.integers(1, 8))
def test_the_answer_does_not_depend_on_the_order_of_the_edges(
    edges: set[Relationship], direction: Direction, max_twins: int
) -> None:
    forwards = ask(Graph(edges), direction=direction, max_twins=max_twins)
    backwards = ask(Graph(edges, backwards=True), direction=direction, max_twins=max_twins)
    assert forwards == backwards
    assert list(forwards.depths) == list(backwards.depths)


def chain(length: int) -> list[Relationship]:
    return [Relationship(f"n{i:05}", "feeds", f"n{i + 1:05}") for i in range(length)]


def test_a_small_neighbourhood_never_asks_for_the_rest_of_the_graph() -> None:
    graph = Graph(chain(300))
    found = ask(graph, start="n00100", max_depth=2)
    assert graph.asked == ["n00100", "n00101", "n00102"]
    assert found.depths == {"n00100": 0, "n00101": 1, "n00102": 2}
    assert found.truncated


def test_a_chain_that_ends_at_the_last_level_is_not_truncated() -> None:
    assert not ask(Graph(chain(3)), start="n00000", max_depth=3).truncated
    assert ask(Graph(chain(3)), start="n00000", max_depth=2).truncated


def test_a_twin_nobody_relates_to_is_alone_in_its_trace() -> None:
    assert ask(Graph([]), start="lonely") == Trace({"lonely": 0}, [], truncated=False)


@pytest.mark.parametrize(("max_depth", "max_twins"), [(-1, 5), (1_001, 5), (5, 0), (5, 100_001)])
def test_limits_out_of_range_are_refused(max_depth: int, max_twins: int) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        ask(Graph([]), max_depth=max_depth, max_twins=max_twins)
