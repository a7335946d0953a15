"""What is written to the ledger: first who takes part and what there is, then the day's readings.

Pure: from the network to operations and who signs them. How they get to the ledger is the business
of delivery.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twinledger.client.operations import (
    Operation,
    create_twin,
    relate,
    set_property,
    update_twin,
)
from twinledger.demos.water.gateways import (
    MAINTENANCE,
    REGULATOR,
    SENSORS,
    UTILITY,
    Gateway,
    owner_of,
)
from twinledger.demos.water.network import FEEDS, READING, Day, Element, Network
from twinledger.ledger.operations import Role

MEASURES = "measures"
"""The relationship from a gateway's twin to what it reads."""

GATEWAY_MODEL = "dtmi:twinledger:water:Gateway;1"

DAY_STARTS_US = 1_748_822_400_000_000
"""Midnight of Monday 2 June 2025, UTC: the devices' clock at the first step."""

STAFF = {
    f"{UTILITY}/control-room": Role.OPERATOR,
    f"{MAINTENANCE}/workshop": Role.OPERATOR,
    f"{SENSORS}/factory": Role.OPERATOR,
    f"{REGULATOR}/inspector": Role.AUDITOR,
}
"""Who takes part besides the gateways, and as what."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one gateway reports at one step: one transaction.

    Attributes:
        step: The step of the day, from 0.
        gateway: Who signs it.
        operations: One update for each of the gateway's elements.
    """

    step: int
    gateway: Gateway
    operations: tuple[Operation, ...]


def roles(gateways: Sequence[Gateway]) -> dict[str, Role]:
    """Every identity that its member's admin admits, and its role."""
    return STAFF | {gateway.identity: Role.DEVICE for gateway in gateways}


def operator_of(member: str) -> str:
    """The identity that creates and relates a member's twins."""
    return next(name for name in STAFF if name.startswith(f"{member}/"))


def creations(network: Network, gateways: Sequence[Gateway]) -> dict[str, list[Operation]]:
    """The operations that create every twin, by the identity that signs them."""
    created: dict[str, list[Operation]] = {}
    for element in network.elements:
        _add(created, owner_of(element), _create_element(element))
    for gateway in gateways:
        _add(created, SENSORS, create_twin(gateway.name, model=GATEWAY_MODEL))
    return created


def relations(network: Network, gateways: Sequence[Gateway]) -> dict[str, list[Operation]]:
    """The operations that relate the twins as the network is, by the identity that signs them."""
    related: dict[str, list[Operation]] = {}
    for source, target in network.feeds():
        _add(related, owner_of(source), relate(source.twin_id, FEEDS, target.twin_id))
    for gateway in gateways:
        for element in gateway.elements:
            _add(related, SENSORS, relate(gateway.name, MEASURES, element.twin_id))
    return related


def readings(
    network: Network, day: Day, gateways: Sequence[Gateway], steps: int
) -> Iterator[Reading]:
    """The first steps of the day in time order, each step gateway by gateway."""
    places = {element: place for place, element in enumerate(network.elements)}
    for step in range(steps):
        values = day.readings[step]
        observed_at_us = DAY_STARTS_US + step * day.step_seconds * 1_000_000
        for gateway in gateways:
            updates = tuple(
                _update(element, values[places[element]], observed_at_us)
                for element in gateway.elements
            )
            yield Reading(step, gateway, updates)


def _add(lists: dict[str, list[Operation]], member: str, operation: Operation) -> None:
    lists.setdefault(operator_of(member), []).append(operation)


def _create_element(element: Element) -> Operation:
    changes = [set_property(path, value) for path, value in element.properties]
    return create_twin(element.twin_id, changes, model=element.model)


def _update(element: Element, value: float, observed_at_us: int) -> Operation:
    change = set_property(READING[element.kind], value)
    return update_twin(element.twin_id, [change], observed_at=observed_at_us)
