"""Gateways: every element has one, of its owner, and few elements share one."""

import networkx as nx
import pytest

from twinledger.demos.water.gateways import (
    MAINTENANCE,
    UTILITY,
    Gateway,
    assign_gateways,
    owner_of,
)
from twinledger.demos.water.hydraulics import simulate_net3
from twinledger.demos.water.network import Kind, Network


@pytest.fixture(scope="module")
def network() -> Network:
    return simulate_net3()[0]


@pytest.fixture(scope="module")
def gateways(network: Network) -> tuple[Gateway, ...]:
    return assign_gateways(network)


def test_every_element_has_exactly_one_gateway(
    network: Network, gateways: tuple[Gateway, ...]
) -> None:
    served = [element for gateway in gateways for element in gateway.elements]
    assert len(served) == 216
    assert set(served) == set(network.elements)


def test_a_gateway_belongs_to_the_owner_of_what_it_reads(gateways: tuple[Gateway, ...]) -> None:
    for gateway in gateways:
        assert {owner_of(element) for element in gateway.elements} == {gateway.member}


def test_pumps_are_the_maintenance_firms_and_the_rest_the_utilitys(network: Network) -> None:
    for element in network.elements:
        assert owner_of(element) == (MAINTENANCE if element.kind is Kind.PUMP else UTILITY)


def test_a_day_makes_at_least_5000_transactions(gateways: tuple[Gateway, ...]) -> None:
    assert len(gateways) * 97 >= 5_000
    assert all(1 <= len(gateway.elements) <= 4 for gateway in gateways)


def test_most_gateways_serve_elements_that_touch(
    network: Network, gateways: tuple[Gateway, ...]
) -> None:
    graph = nx.Graph(list(network.feeds()))
    touching = [nx.is_connected(graph.subgraph(gateway.elements)) for gateway in gateways]
    assert sum(touching) > len(gateways) * 2 / 3


def test_the_same_network_gets_the_same_gateways(
    network: Network, gateways: tuple[Gateway, ...]
) -> None:
    assert assign_gateways(network) == gateways
    assert len({gateway.identity for gateway in gateways}) == len(gateways)
