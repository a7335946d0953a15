"""What clients saw, and the first of two checks that it is linearizable: by index witness.

Every answer names the index it was true at. Then two rules suffice, and each costs a constant when
an answer comes: an answer's index is not below that of any answer known when it was asked for (a
write's is above, for it is new), and the one true history gives that value at that index.
"""

from dataclasses import dataclass

from twinledger.simulation.broken import InvariantBroken
from twinledger.simulation.machine import Action, Machine, Operation, OperationId, Outcome


@dataclass(slots=True)
class Call:
    """One operation as its client saw it. Moments are positions in the order of all moments."""

    operation: Operation
    invoked: int
    floor: int
    """The highest index any client knew of when this was asked for."""
    returned: int | None = None
    value: int = 0


class History:
    """All calls of all clients."""

    __slots__ = ("_by_id", "_floor", "_moment", "_reference", "calls")

    def __init__(self, reference: Machine) -> None:
        """`reference` applies the one true history."""
        self.calls: list[Call] = []
        self._reference = reference
        self._by_id: dict[OperationId, Call] = {}
        self._moment = 0
        self._floor = 0

    def invoke(self, operation: Operation) -> None:
        """Note that a client asks for something, for the first time."""
        self._moment += 1
        call = Call(operation, self._moment, self._floor)
        self._by_id[operation.id] = call
        self.calls.append(call)

    def complete(self, name: OperationId, outcome: Outcome) -> None:
        """Note and check an answer."""
        call = self._by_id[name]
        self._moment += 1
        call.returned = self._moment
        witness, call.value = outcome
        if call.operation.action is Action.READ:
            self._check_read(call, witness)
        else:
            self._check_write(call, outcome)
        self._floor = max(self._floor, witness)

    @property
    def acknowledged(self) -> list[OperationId]:
        """Every write that its client knows to be done."""
        return [
            call.operation.id
            for call in self.calls
            if call.returned is not None and call.operation.action is not Action.READ
        ]

    def _check_write(self, call: Call, outcome: Outcome) -> None:
        name = call.operation.id
        if self._reference.effects.get(name) != outcome:
            raise InvariantBroken(
                "acknowledged is committed", f"operation {name:x} was answered {outcome}"
            )
        if outcome[0] <= call.floor:
            raise InvariantBroken(
                "linearizability", f"operation {name:x} took effect before it was asked for"
            )

    def _check_read(self, call: Call, witness: int) -> None:
        name, key = call.operation.id, call.operation.key
        if witness < call.floor:
            raise InvariantBroken(
                "linearizability", f"read {name:x} of index {witness} is older than {call.floor}"
            )
        if witness > self._reference.applied:
            raise InvariantBroken("linearizability", f"read {name:x} saw the future")
        if self._reference.value_at(key, witness) != call.value:
            raise InvariantBroken(
                "linearizability", f"read {name:x} saw {call.value}, never true at {witness}"
            )
