"""What a consortium might decide about its nodes: random, but never beyond what it can bear."""

from collections.abc import Mapping
from random import Random
from typing import Final

from twinledger.consensus import NodeId
from twinledger.simulation.chance import happens
from twinledger.simulation.knobs import Knobs
from twinledger.simulation.machine import (
    GOVERNMENT,
    Action,
    Machine,
    NodeSet,
    Operation,
    operation_id,
)
from twinledger.simulation.process import Process

_CLIENT: Final = 1 << 16
_FEWEST_VOTERS: Final = 3
"""With fewer, one damaged disk would end the consortium."""


class Governor:
    """Draws one agreed node set after the other."""

    __slots__ = ("_named", "_processes", "_random", "_reference", "_sequence")

    def __init__(
        self,
        random: Random,
        knobs: Knobs,
        processes: Mapping[NodeId, Process],
        reference: Machine,
    ) -> None:
        """`reference` applies the true history, which says what was agreed on last."""
        self._random = random
        self._processes = list(processes.values())
        self._reference = reference
        self._sequence = 0
        self._named = set(range(len(processes) - knobs.spares))
        """Everyone who was ever named: an id that was dropped must not come back."""

    def next_operation(self) -> Operation | None:
        """Return an operation that changes the agreed set; None if nothing can be changed."""
        governed = self._reference.governed
        agreed = governed[-1][1] if governed else self._processes[0].genesis
        wanted = self._change(agreed)
        if wanted is None:
            return None
        self._named |= wanted.voters | wanted.learners
        self._sequence += 1
        name = operation_id(_CLIENT, self._sequence)
        return Operation(name, Action.GOVERN, GOVERNMENT, wanted.encode())

    def _change(self, agreed: NodeSet) -> NodeSet | None:
        """Let some newcomers in and some members go."""
        fresh = [one.number for one in self._processes if one.number not in self._named]
        joining = set(self._random.sample(fresh, min(len(fresh), self._random.randint(0, 2))))
        room = len(agreed.voters) + len(joining) - _FEWEST_VOTERS
        count = min(max(room, 0), self._random.randint(0, 2), len(agreed.voters) - 1)
        leaving = set(self._random.sample(sorted(agreed.voters), count))
        learning = {node for node in leaving if happens(self._random, 0.3)}
        voters = frozenset((agreed.voters | joining) - leaving)
        wanted = NodeSet(voters, frozenset(learning))
        return wanted if wanted != agreed else None
