"""Clients: each wants one thing at a time, asks until it is answered, and never gives up an id.

They talk to nodes over a network of their own that delays and loses. A client that was refused asks
the node it was pointed to; one that waits in vain asks somebody else. In the mended world it waits
longer each time: every asking is one more entry, and a log whose window is one entry could grow
faster than it is carried, for ever.
"""

from collections.abc import Callable
from dataclasses import dataclass

from twinledger.consensus import NodeId
from twinledger.simulation.desk import Answer
from twinledger.simulation.history import History
from twinledger.simulation.machine import Action, Operation, OperationId, operation_id
from twinledger.simulation.scene import Scene

Request = Callable[[NodeId, Operation, int], None]
_LOSS = 0.02


@dataclass(slots=True)
class Client:
    """One closed loop."""

    number: int
    target: NodeId
    operation: Operation | None = None
    sequence: int = 0
    attempt: int = 0
    in_vain: int = 0
    """How often it waited in vain in the mended world."""


class Clients:
    """All clients."""

    def __init__(self, scene: Scene, history: History, request: Request) -> None:
        """`request` hands a wish to a node, if that runs."""
        self._agenda = scene.agenda
        self._random = scene.random("clients")
        self._knobs = scene.knobs
        self._nodes = list(scene.processes)
        self._history = history
        self._request = request
        self._stopped = False
        self._clients = [
            Client(number, self._random.choice(self._nodes))
            for number in range(scene.knobs.clients)
        ]
        for client in self._clients:
            self._think(client)

    @property
    def idle(self) -> bool:
        """Whether nobody waits for an answer."""
        return all(client.operation is None for client in self._clients)

    def stop(self) -> None:
        """Begin nothing new."""
        self._stopped = True

    def reply(self, name: OperationId, answer: Answer, hint: NodeId | None) -> None:
        """Send a node's answer on its way."""
        if not self._stopped and self._random.random() < _LOSS:
            return
        self._agenda.after(self._delay(), self._answered, (name, answer, hint))

    def _think(self, client: Client) -> None:
        pause = 1 + int(self._random.expovariate(1.0) * self._knobs.think_mean_us)
        self._agenda.after(pause, self._begin, client)

    def _begin(self, client: Client) -> None:
        if self._stopped:
            return
        client.sequence += 1
        client.operation = Operation(
            operation_id(client.number, client.sequence),
            self._draw_action(),
            self._random.randrange(self._knobs.keys),
            self._random.randrange(1, 1_000),
        )
        self._history.invoke(client.operation)
        self._ask(client)

    def _draw_action(self) -> Action:
        if self._random.random() < self._knobs.reads:
            return Action.READ
        return self._random.choice((Action.WRITE, Action.ADD))

    def _ask(self, client: Client) -> None:
        operation = client.operation
        if operation is None:
            return
        client.attempt += 1
        if self._stopped or self._random.random() >= _LOSS:
            self._agenda.after(
                self._delay(), self._arrive, (client.target, operation, client.attempt)
            )
        patience_us = self._knobs.patience_us * (1 + client.in_vain)
        self._agenda.after(patience_us, self._give_up, (client, client.attempt))

    def _arrive(self, asked: tuple[NodeId, Operation, int]) -> None:
        self._request(*asked)

    def _give_up(self, waited: tuple[Client, int]) -> None:
        """Ask another node, unless an answer came or another attempt began."""
        client, attempt = waited
        if client.operation is not None and client.attempt == attempt:
            client.target = self._random.choice(self._nodes)
            client.in_vain += self._stopped
            self._ask(client)

    def _answered(self, message: tuple[OperationId, Answer, NodeId | None]) -> None:
        name, answer, hint = message
        client = self._clients[(name >> 32) - 1]
        if client.operation is None or client.operation.id != name:
            return
        if answer is not None:
            self._history.complete(name, answer)
            client.operation = None
            self._think(client)
        else:
            client.target = hint or self._random.choice(self._nodes)
            client.attempt += 1
            pause = self._knobs.patience_us // 4
            self._agenda.after(pause, self._ask_again, (client, client.attempt))

    def _ask_again(self, refused: tuple[Client, int]) -> None:
        client, attempt = refused
        if client.attempt == attempt:
            self._ask(client)

    def _delay(self) -> int:
        knobs = self._knobs
        return knobs.latency_floor_us + int(self._random.expovariate(1.0) * knobs.latency_mean_us)
