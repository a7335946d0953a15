"""What is written: everything is signed by its owner, in time order, and nothing is left out."""

from itertools import pairwise

import pytest

from twinledger.demos.water.gateways import Gateway, assign_gateways
from twinledger.demos.water.hydraulics import simulate_net3
from twinledger.demos.water.network import Day, Network
from twinledger.demos.water.scenario import (
    DAY_STARTS_US,
    creations,
    operator_of,
    readings,
    relations,
    roles,
)
from twinledger.ledger.operations import Role


@pytest.fixture(scope="module")
def world() -> tuple[Network, Day, tuple[Gateway, ...]]:
    network, day = simulate_net3()
    return network, day, assign_gateways(network)


World = tuple[Network, Day, tuple[Gateway, ...]]


def test_every_gateway_is_a_device_and_the_regulator_only_reads(world: World) -> None:
    admitted = roles(world[2])
    assert len(admitted) == len(world[2]) + 4
    assert {admitted[gateway.identity] for gateway in world[2]} == {Role.DEVICE}
    assert admitted["regulator/inspector"] is Role.AUDITOR


def test_every_twin_is_created_once_by_its_owner(world: World) -> None:
    network, _, gateways = world
    created = creations(network, gateways)
    ids = [each.create_twin.twin_id for operations in created.values() for each in operations]
    assert len(ids) == len(set(ids)) == 216 + len(gateways)
    pumps = {each.create_twin.twin_id for each in created[operator_of("maintenance")]}
    assert pumps == {"pump-10", "pump-335"}
    assert all(
        each.create_twin.twin_id.startswith("gateway-") for each in created[operator_of("sensors")]
    )


def test_a_relationship_is_signed_by_the_owner_of_its_source(world: World) -> None:
    network, _, gateways = world
    created, related = creations(network, gateways), relations(network, gateways)
    signer_of = {each.create_twin.twin_id: who for who, list_ in created.items() for each in list_}
    for signer, operations in related.items():
        assert {signer_of[each.relate.source_id] for each in operations} == {signer}
    assert sum(len(operations) for operations in related.values()) == 2 * 119 + 216


def test_the_readings_come_in_time_order_and_are_all_there(world: World) -> None:
    network, day, gateways = world
    sent = list(readings(network, day, gateways, steps=97))
    assert len(sent) == 97 * len(gateways)
    assert all(early.step <= late.step for early, late in pairwise(sent))
    updates = [each.update_twin for reading in sent for each in reading.operations]
    assert len(updates) == 20_952
    assert len({(each.twin_id, each.observed_at_us) for each in updates}) == 20_952
    assert updates[0].observed_at_us == DAY_STARTS_US
    assert updates[-1].observed_at_us == DAY_STARTS_US + 86_400_000_000


def test_a_reading_holds_the_value_that_was_simulated(world: World) -> None:
    network, day, gateways = world
    place = [element.twin_id for element in network.elements].index("tank-1")
    for reading in readings(network, day, gateways, steps=3):
        for each in reading.operations:
            if each.update_twin.twin_id == "tank-1":
                (change,) = each.update_twin.changes
                assert change.path == "level_m"
                assert change.set.double_value == day.readings[reading.step][place]
