"""Where a node takes clients' wishes and answers them.

A write is answered once its entry is applied here, a read once its confirmed index is. A wish that
was answered before gets the same answer again, whoever asks.
"""

from collections.abc import Callable
from struct import Struct

from twinledger.consensus import ConsensusError, Entry, NodeId, NotLeader, Raft, Ready
from twinledger.simulation.machine import Action, Operation, OperationId, Outcome, operation_named
from twinledger.simulation.process import Process

Answer = Outcome | None
"""None: refused, ask elsewhere."""
Reply = Callable[[OperationId, Answer, NodeId | None], None]
"""The last is a hint: who leads, as far as the node knows."""

_CONTEXT = Struct(">QIB")


class Desk:
    """The client side of every node."""

    __slots__ = ("_padding", "_reply")

    def __init__(self, reply: Reply, padding: int) -> None:
        """`padding` makes payloads larger, in bytes."""
        self._reply = reply
        self._padding = padding

    def ask(self, process: Process, raft: Raft, operation: Operation, attempt: int) -> None:
        """Take a wish. `attempt` tells one asking of the same wish from the next."""
        done = process.machine.effects.get(operation.id)
        if done is not None:
            self._reply(operation.id, done, None)
            return
        try:
            if operation.action is Action.READ:
                context = _CONTEXT.pack(operation.id, attempt, process.number)
                raft.read_index(context)
                process.waiting.reads[context] = operation
            else:
                raft.propose(operation.encode(self._padding))
                process.waiting.writes.add(operation.id)
        except NotLeader as error:
            self._reply(operation.id, None, error.leader)
        except ConsensusError:
            self._reply(operation.id, None, None)

    def applied(self, process: Process, entry: Entry, outcome: Outcome | None) -> None:
        """Answer the write that just took effect."""
        if outcome is None:
            return
        name = operation_named(entry.payload)
        if name in process.waiting.writes:
            process.waiting.writes.discard(name)
            self._reply(name, outcome, None)

    def reads(self, process: Process, ready: Ready) -> None:
        """Serve the reads that may be served now; send back those that were given up."""
        waiting = process.waiting
        for state in ready.reads:
            operation = waiting.reads.pop(state.context)
            waiting.confirmed.append((state.index, operation))
        for context in ready.aborted_reads:
            self._reply(waiting.reads.pop(context).id, None, None)
        self.caught_up(process)

    def caught_up(self, process: Process) -> None:
        """Serve the confirmed reads whose index is applied by now."""
        waiting, machine = process.waiting, process.machine
        if not waiting.confirmed:
            return
        later = []
        for index, operation in waiting.confirmed:
            if index > machine.applied:
                later.append((index, operation))
            else:
                self._reply(operation.id, (machine.applied, machine.read(operation.key)), None)
        waiting.confirmed = later
