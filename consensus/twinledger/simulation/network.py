"""The network between nodes: it drops, delays, duplicates, reorders, clogs and cuts.

Never alters a message: peers are authenticated, and bytes that fail to parse never reach a core.
"""

from collections.abc import Callable, Iterable
from math import log

from twinledger.consensus import Message, NodeId
from twinledger.simulation.scene import Scene

Link = tuple[NodeId, NodeId]
"""From sender to recipient. A cut in both directions is two cut links."""


class Network:
    """All links. Messages under way when a link is cut still arrive."""

    __slots__ = (
        "_agenda",
        "_clogged",
        "_draw",
        "_duplicates",
        "_floor_us",
        "_last_arrival",
        "_loss",
        "_mean_us",
        "_ordered",
        "cut",
        "deliver",
    )

    def __init__(self, scene: Scene) -> None:
        """Connect everyone with everyone."""
        knobs = scene.knobs
        self._agenda = scene.agenda
        self._draw = scene.random("net").random
        self.deliver: Callable[[Message], None]
        """Called once for every message that arrives."""
        self._loss = knobs.loss
        self._duplicates = knobs.duplicates
        self._floor_us = knobs.latency_floor_us
        self._mean_us = knobs.latency_mean_us
        self._ordered = knobs.ordered_links
        self._last_arrival: dict[Link, int] = {}
        self._clogged: dict[Link, int] = {}
        self.cut: set[Link] = set()

    def send(self, message: Message) -> bool:
        """Send one message. Return whether its link stands: what is lost on it, nobody learns."""
        link = (message.sender, message.recipient)
        if self.cut and link in self.cut:
            return False
        if self._loss and self._draw() < self._loss:
            return True
        self._post(link, message)
        if self._duplicates and self._draw() < self._duplicates:
            self._post(link, message)
        return True

    def _post(self, link: Link, message: Message) -> None:
        delay = self._floor_us + int(-log(1.0 - self._draw()) * self._mean_us)
        arrival = self._agenda.now + delay
        if self._clogged:
            arrival = max(arrival, self._clogged.get(link, 0) + delay)
        if self._ordered:
            arrival = self._last_arrival[link] = max(arrival, self._last_arrival.get(link, 0))
        self._agenda.at(arrival, self.deliver, message)

    def clog(self, links: Iterable[Link], until_us: int) -> None:
        """Hold back everything on these links until then: it arrives late and all at once."""
        for link in links:
            self._clogged[link] = until_us

    def heal(self) -> None:
        """Mend every link, and stop losing messages, for the rest of the run."""
        self.cut.clear()
        self._clogged.clear()
        self._loss = self._duplicates = 0.0
