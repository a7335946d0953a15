"""Net3 as it is: the figures of the network and of its day, and which way the water runs."""

import math
import warnings
from itertools import pairwise

import networkx as nx
import pytest

from twinledger.demos.water.hydraulics import simulate_net3
from twinledger.demos.water.network import READING, Day, Kind, Network

COUNTS = {
    Kind.JUNCTION: 92,
    Kind.TANK: 3,
    Kind.RESERVOIR: 2,
    Kind.PIPE: 117,
    Kind.PUMP: 2,
}


@pytest.fixture(scope="module")
def net3() -> tuple[Network, Day]:
    return simulate_net3()


def column(net3: tuple[Network, Day], twin_id: str) -> list[float]:
    network, day = net3
    place = [element.twin_id for element in network.elements].index(twin_id)
    return [step[place] for step in day.readings]


def test_net3_has_216_elements(net3: tuple[Network, Day]) -> None:
    network, _ = net3
    kinds = [element.kind for element in network.elements]
    assert {kind: kinds.count(kind) for kind in Kind} == COUNTS
    assert len({element.twin_id for element in network.elements}) == 216


def test_a_day_has_97_steps_and_20952_readings(net3: tuple[Network, Day]) -> None:
    _, day = net3
    assert len(day.readings) == 97
    assert sum(len(step) for step in day.readings) == 20_952
    assert day.step_seconds * 96 == 86_400


def test_the_readings_are_those_of_epanet(net3: tuple[Network, Day]) -> None:
    # From EPANET 2.2's own report of Net3, in its units turned into ours.
    assert column(net3, "tank-1")[0] == pytest.approx(3.993, abs=0.001)
    assert column(net3, "pump-335")[0] == pytest.approx(0.83, abs=0.005)
    assert column(net3, "reservoir-River")[0] == pytest.approx(
        column(net3, "pump-335")[0], rel=0.01
    )


def test_the_lake_pump_rests_for_a_part_of_the_day(net3: tuple[Network, Day]) -> None:
    flows = column(net3, "pump-10")
    assert 0.0 in flows
    assert max(flows) > 0.1


@pytest.mark.parametrize("name", ["1", "2", "3"])
def test_a_tank_rises_by_what_flows_in(net3: tuple[Network, Day], name: str) -> None:
    """Water is kept: the level moves by inflow less outflow over the tank's area."""
    network, day = net3
    (tank,) = (element for element in network.nodes if element.twin_id == f"tank-{name}")
    area = math.pi / 4 * dict(tank.properties)["diameter_m"] ** 2
    inflows = [0.0] * len(day.readings)
    for link in network.links:
        sign = (link.target == tank) - (link.source == tank)
        if sign:
            flows = column(net3, link.element.twin_id)
            inflows = [sum_ + sign * flow for sum_, flow in zip(inflows, flows, strict=True)]
    rises = [late - early for early, late in pairwise(column(net3, tank.twin_id))]
    wrong = [
        step
        for step, rise in enumerate(rises)
        if abs(rise - inflows[step] * day.step_seconds / area) > 0.002
    ]
    # Where a pump or valve switches between two reports, the flow at the report is not the mean.
    assert len(wrong) <= 3


def test_a_link_leads_where_its_water_goes_on_average(net3: tuple[Network, Day]) -> None:
    network, _ = net3
    assert all(sum(column(net3, link.element.twin_id)) >= 0 for link in network.links)


def test_every_kind_has_a_reading(net3: tuple[Network, Day]) -> None:
    network, _ = net3
    assert {element.kind for element in network.elements} == READING.keys()


def test_water_runs_from_the_sources_to_everything(net3: tuple[Network, Day]) -> None:
    network, _ = net3
    graph = nx.DiGraph(
        [(source.twin_id, target.twin_id) for source, target in network.feeds()],
    )
    assert nx.is_directed_acyclic_graph(graph)
    assert len(graph) == 216
    assert graph.number_of_edges() == 2 * 119
    assert len(nx.descendants(graph, "pump-10")) == 138
    sources = [twin for twin in graph if twin.startswith(("reservoir-", "tank-"))]
    fed = set().union(*(nx.descendants(graph, source) for source in sources))
    assert {twin for twin in graph if twin.startswith("junction-")} <= fed


def test_the_simulation_says_nothing_to_the_user(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate_net3()
    assert capfd.readouterr() == ("", "")
