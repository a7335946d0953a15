"""The water network as values: its elements, what stands between which, and its twins' names."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

FEEDS = "feeds"
"""The relationship from an element to the next one in the direction the water runs."""


class Kind(StrEnum):
    """What an element of a water network is."""

    JUNCTION = "Junction"
    TANK = "Tank"
    RESERVOIR = "Reservoir"
    PIPE = "Pipe"
    PUMP = "Pump"


READING = {
    Kind.JUNCTION: "pressure_m",
    Kind.TANK: "level_m",
    Kind.RESERVOIR: "outflow_m3_s",
    Kind.PIPE: "flow_m3_s",
    Kind.PUMP: "flow_m3_s",
}
"""The property that a sensor reports, by kind: metres of water, or cubic metres a second.

A flow is positive in the direction of the link."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the network.

    Attributes:
        kind: What it is.
        name: Its name in the network's file, unique among nodes or among links, not among both.
        properties: What is fixed about it, units in the names.
    """

    kind: Kind
    name: str
    properties: tuple[tuple[str, float], ...]

    @property
    def twin_id(self) -> str:
        """The id of its twin."""
        return f"{self.kind.lower()}-{self.name}"

    @property
    def model(self) -> str:
        """The model of its twin."""
        return f"dtmi:twinledger:water:{self.kind};1"


@dataclass(frozen=True, slots=True)
class Link:
    """A pipe or pump between two nodes, leading where its water goes on the day's average."""

    element: Element
    source: Element
    target: Element


@dataclass(frozen=True, slots=True)
class Network:
    """A water network."""

    nodes: tuple[Element, ...]
    links: tuple[Link, ...]

    @property
    def elements(self) -> tuple[Element, ...]:
        """Every node and link, nodes first."""
        return self.nodes + tuple(link.element for link in self.links)

    def feeds(self) -> Iterator[tuple[Element, Element]]:
        """Which element feeds which: node to link, link to node."""
        for link in self.links:
            yield link.source, link.element
            yield link.element, link.target


@dataclass(frozen=True, slots=True)
class Day:
    """The simulated readings of a network.

    Attributes:
        step_seconds: The time between two steps; the first step is at 0.
        readings: For each step, one reading for each of the network's elements, in their order.
    """

    step_seconds: int
    readings: tuple[tuple[float, ...], ...]
