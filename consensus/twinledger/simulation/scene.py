"""What every part of one world shares: its seed and knobs, its time, its nodes, what happened."""

from collections import Counter
from dataclasses import dataclass
from random import Random

from twinledger.consensus import Configuration, NodeId
from twinledger.simulation.agenda import Agenda
from twinledger.simulation.chance import source
from twinledger.simulation.governance import name_of
from twinledger.simulation.knobs import Knobs
from twinledger.simulation.machine import NodeSet
from twinledger.simulation.process import Process
from twinledger.simulation.trace import Listener, Trace


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything there is before anybody acts."""

    seed: int
    knobs: Knobs
    agenda: Agenda
    trace: Trace
    processes: dict[NodeId, Process]
    """All nodes there ever were, by id, in the order of their numbers."""
    faults: Counter[str]
    """How often each fault befell somebody, by name."""
    genesis: NodeSet
    configuration: Configuration
    """The first, of those who vote at genesis."""

    def random(self, part: str) -> Random:
        """Return a part's own source of chance."""
        return source(self.seed, part)

    def add_node(self) -> Process:
        """Set up one more node that has never run, under an id that nobody ever had."""
        number = len(self.processes)
        process = Process(
            number, name_of(number), self.genesis, self.configuration, self.knobs, self.seed
        )
        self.processes[process.id] = process
        return process


def set_scene(seed: int, nodes: int, knobs: Knobs, listener: Listener | None) -> Scene:
    """Return a scene with so many voters, and the spares that the knobs name."""
    names = sorted(name_of(number) for number in range(nodes))
    scene = Scene(
        seed,
        knobs,
        Agenda(),
        Trace(listener),
        {},
        Counter(),
        NodeSet(frozenset(range(nodes))),
        Configuration(tuple(names)),
    )
    for _ in range(nodes + knobs.spares):
        scene.add_node()
    return scene
