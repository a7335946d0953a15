"""Who reports what: the members, and the gateways that sign what neighbouring sensors read."""

from dataclasses import dataclass

from twinledger.demos.water.network import Element, Kind, Network

UTILITY = "utility"
MAINTENANCE = "maintenance"
SENSORS = "sensors"
REGULATOR = "regulator"
MEMBERS = (UTILITY, MAINTENANCE, SENSORS, REGULATOR)

ELEMENTS_PER_GATEWAY = {UTILITY: 4, MAINTENANCE: 1}
"""Pumping stations lie far apart, so each has a gateway of its own."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A box in the field: an identity of one member that signs what its sensors read.

    Attributes:
        name: Its name, also the id of its own twin.
        member: Whose device it is: the owner of the elements it reads.
        elements: What it reads.
    """

    name: str
    member: str
    elements: tuple[Element, ...]

    @property
    def identity(self) -> str:
        """The full name it signs with."""
        return f"{self.member}/{self.name}"


def owner_of(element: Element) -> str:
    """The member that owns an element: pumps are the maintenance firm's, the rest the utility's."""
    return MAINTENANCE if element.kind is Kind.PUMP else UTILITY


def assign_gateways(network: Network) -> tuple[Gateway, ...]:
    """One gateway for about four neighbouring elements of one member, every element in one."""
    groups: list[tuple[str, tuple[Element, ...]]] = []
    walk = _walk(network)
    for member, size in ELEMENTS_PER_GATEWAY.items():
        owned = [element for element in walk if owner_of(element) == member]
        groups += [(member, tuple(owned[i : i + size])) for i in range(0, len(owned), size)]
    return tuple(
        Gateway(f"gateway-{number:02}", member, elements)
        for number, (member, elements) in enumerate(groups, start=1)
    )


def _walk(network: Network) -> list[Element]:
    """All elements along a depth-first walk: what follows one another there lies close together."""
    neighbours: dict[Element, list[Element]] = {element: [] for element in network.elements}
    for source, target in network.feeds():
        neighbours[source].append(target)
        neighbours[target].append(source)
    walked: dict[Element, None] = {}
    waiting = list(reversed(network.elements))
    while waiting:
        element = waiting.pop()
        if element not in walked:
            walked[element] = None
            waiting += reversed(neighbours[element])
    return list(walked)
