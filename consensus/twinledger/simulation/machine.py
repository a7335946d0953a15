"""The replicated state: registers that clients write, and the node set that governance agrees on.

Pure and deterministic. An operation's id takes effect once, however often it stands in the log. A
journal of effects lets a crash take back what was applied but not yet durable.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import NewType, Self

from twinledger.consensus import Configuration, Entry
from twinledger.consensus.types import CONFIGURATION

OperationId = NewType("OperationId", int)
Outcome = tuple[int, int]
"""The index an operation took effect at, and the register's value after it."""

_OPERATION = Struct(">QBBQ")
OPERATION_BYTES = _OPERATION.size
"""What an operation takes of a payload."""
_FIRST_CLIENT = 1 << 32
_SET_BITS = 32


GOVERNMENT = 255
"""The key of every operation that governs, which has no register."""


class Action(IntEnum):
    """What an operation does to its register."""

    READ = 0
    WRITE = 1
    ADD = 2
    GOVERN = 3
    """Its value is a NodeSet: from this height on, these are to be the nodes."""


@dataclass(frozen=True, slots=True)
class NodeSet:
    """Which nodes are to vote and which to learn, by number."""

    voters: frozenset[int]
    learners: frozenset[int] = frozenset()

    def encode(self) -> int:
        """Return both sets as one number of 64 bits."""
        return sum(1 << node for node in self.voters) | sum(
            1 << (node + _SET_BITS) for node in self.learners
        )

    @classmethod
    def decode(cls, value: int) -> Self:
        """Return the sets that this number stands for."""
        bits = [place for place in range(2 * _SET_BITS) if value >> place & 1]
        return cls(
            frozenset(place for place in bits if place < _SET_BITS),
            frozenset(place - _SET_BITS for place in bits if place >= _SET_BITS),
        )


@dataclass(frozen=True, slots=True)
class Operation:
    """One wish of one client."""

    id: OperationId
    action: Action
    key: int
    value: int

    def encode(self, padding: int = 0) -> bytes:
        """Return the payload of an entry, with zeros behind it to make it larger."""
        return _OPERATION.pack(self.id, self.action, self.key, self.value) + bytes(padding)


def operation_id(client: int, sequence: int) -> OperationId:
    """Return the id of a client's operation; no two share one."""
    return OperationId((client + 1) * _FIRST_CLIENT + sequence)


class Machine:
    """What one node has applied, and how much of that is durable."""

    __slots__ = (
        "_journal",
        "_registers",
        "applied",
        "configurations",
        "durable",
        "effects",
        "governed",
        "state_hash",
    )

    def __init__(self, configuration: Configuration) -> None:
        """Start from genesis."""
        self.applied = 0
        self.durable = 0
        """Applied index that survives a power cut."""
        self.effects: dict[OperationId, Outcome] = {}
        self.state_hash = 0
        self.configurations: list[tuple[int, Configuration]] = [(0, configuration)]
        self.governed: list[tuple[int, NodeSet]] = []
        """What was agreed on, by the height from which on it holds."""
        self._registers: dict[int, list[tuple[int, int]]] = {}
        self._journal: list[tuple[int, OperationId | None, int, int]] = []

    def apply(self, entry: Entry) -> Outcome | None:
        """Apply the next entry. Return what its operation did, if this was the first time."""
        before = self.state_hash
        done, key = None, 0
        name: OperationId | None = None
        if entry.kind is CONFIGURATION:
            decoded = Configuration.decode(entry.payload)
            self.configurations.append((entry.index, decoded))
        elif entry.payload:
            name, action, key, value = _OPERATION.unpack_from(entry.payload)
            if name in self.effects:
                name = None
            else:
                done = self._take_effect(OperationId(name), action, key, value, entry.index)
        self.applied = entry.index
        self.state_hash = hash((before, entry.index, done))
        self._journal.append((entry.index, name, key, before))
        return done

    def _take_effect(
        self, name: OperationId, action: int, key: int, value: int, index: int
    ) -> Outcome:
        if action == Action.GOVERN:
            self.governed.append((index, NodeSet.decode(value)))
            outcome = self.effects[name] = (index, value)
            return outcome
        versions = self._registers.setdefault(key, [])
        old = versions[-1][1] if versions else 0
        new = value if action == Action.WRITE else old + value
        versions.append((index, new))
        outcome = self.effects[name] = (index, new)
        return outcome

    def read(self, key: int) -> int:
        """Return a register's value; 0 before it was ever written."""
        versions = self._registers.get(key)
        return versions[-1][1] if versions else 0

    def value_at(self, key: int, index: int) -> int:
        """Return the value a register had after the entry at `index`."""
        for written, value in reversed(self._registers.get(key, [])):
            if written <= index:
                return value
        return 0

    @property
    def configuration(self) -> Configuration:
        """The newest applied configuration."""
        return self.configurations[-1][1]

    def take_back(self, index: int) -> None:
        """Lose every effect above `index`, as a power cut does to what was not durable."""
        while self._journal and self._journal[-1][0] > index:
            _, name, key, self.state_hash = self._journal.pop()
            if name is not None:
                del self.effects[name]
                if key != GOVERNMENT:
                    self._registers[key].pop()
        while self.configurations[-1][0] > index:
            self.configurations.pop()
        while self.governed and self.governed[-1][0] > index:
            self.governed.pop()
        self.applied = self.durable = index

    def flush(self) -> None:
        """Make everything applied durable."""
        self.durable = self.applied
        self._journal.clear()

    def image(self) -> "Machine":
        """Return a copy of a state that is all durable."""
        copy = Machine(self.configurations[0][1])
        copy.become(self)
        return copy

    def become(self, other: "Machine") -> None:
        """Take over another machine's state, which is all durable."""
        self.applied = self.durable = other.applied
        self.state_hash = other.state_hash
        self.effects = dict(other.effects)
        self.configurations = [other.configurations[-1]]
        self.governed = list(other.governed)
        self._registers = {key: list(versions) for key, versions in other.registers}
        self._journal.clear()

    @property
    def registers(self) -> Iterable[tuple[int, list[tuple[int, int]]]]:
        """Every register's versions. To look at, not to change."""
        return self._registers.items()


def operation_named(payload: bytes) -> OperationId:
    """Return the id of the operation that a payload carries."""
    return OperationId(_OPERATION.unpack_from(payload)[0])
