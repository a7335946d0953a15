"""Impact: cut off and weakened twins against reachability in the whole graph."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from twinledger.queries import Edges, Relationship, impact

TWINS = [f"t{number}" for number in range(7)]
GRAPHS = st.sets(
    st.builds(
        Relationship,
        source=st.sampled_from(TWINS),
        name=st.just("feeds"),
        target=st.sampled_from(TWINS),
    ),
    max_size=16,
)


def edges_of(relationships: Iterable[Relationship]) -> Edges:
    known = list(relationships)
    return Edges.of(
        lambda twin: [(edge.name, edge.target) for edge in known if edge.source == twin],
        lambda twin: [(edge.name, edge.source) for edge in known if edge.target == twin],
    )


def reachable(graph: Iterable[Relationship], starts: set[str], without: str) -> set[str]:
    """What the starts reach in the whole graph when one twin is taken out of it."""
    found = starts - {without}
    while True:
        more = {e.target for e in graph if e.source in found} - found - {without}
        if not more:
            return found
        found |= more


@given(GRAPHS)
def test_impact_parts_the_downstream_twins_by_whether_another_feeds_them(
    graph: set[Relationship],
) -> None:
    downstream = reachable(graph, {e.target for e in graph if e.source == "t0"}, without="t0")
    elsewhere = set(TWINS) - downstream - {"t0"}
    fed = reachable(graph, elsewhere, without="t0") & downstream
    found = impact("t0", edges_of(graph))
    assert set(found.weakened) == fed
    assert set(found.cut_off) == downstream - fed
    assert len(found.weakened) + len(found.cut_off) == len(downstream)


def test_a_tank_fed_by_two_pumps_is_only_weakened_when_one_fails() -> None:
    graph = [
        Relationship("pump-1", "feeds", "street"),
        Relationship("pump-1", "feeds", "tank"),
        Relationship("pump-2", "feeds", "tank"),
        Relationship("tank", "feeds", "hill"),
    ]
    found = impact("pump-1", edges_of(graph))
    assert found.cut_off == ["street"]
    assert found.weakened == ["tank", "hill"]
    assert not found.truncated


def test_a_circle_that_only_feeds_itself_is_cut_off() -> None:
    graph = [
        Relationship("pump", "feeds", "a"),
        Relationship("a", "feeds", "b"),
        Relationship("b", "feeds", "a"),
    ]
    assert impact("pump", edges_of(graph)).cut_off == ["a", "b"]


def test_limits_on_the_way_down_are_told() -> None:
    graph = [Relationship("a", "feeds", "b"), Relationship("b", "feeds", "c")]
    assert impact("a", edges_of(graph), max_depth=1).truncated
