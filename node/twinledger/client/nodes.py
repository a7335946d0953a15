"""The nodes a client knows, and the one it talks to now."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import grpc.aio

from twinledger.client.channels import open_channel
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1.consortium_service_pb2_grpc import ConsortiumServiceStub
from twinledger.v1.ledger_service_pb2_grpc import LedgerServiceStub
from twinledger.v1.operator_service_pb2_grpc import OperatorServiceStub
from twinledger.v1.twin_service_pb2_grpc import TwinServiceStub

if TYPE_CHECKING:
    from twinledger.v1.consortium_service_pb2_grpc import ConsortiumServiceAsyncStub
    from twinledger.v1.ledger_service_pb2_grpc import LedgerServiceAsyncStub
    from twinledger.v1.operator_service_pb2_grpc import OperatorServiceAsyncStub
    from twinledger.v1.twin_service_pb2_grpc import TwinServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Node:
    """One node as a client sees it: its address and its services."""

    address: str
    channel: grpc.aio.Channel
    ledger: "LedgerServiceAsyncStub"
    twins: "TwinServiceAsyncStub"
    consortium: "ConsortiumServiceAsyncStub"
    operator: "OperatorServiceAsyncStub"

    @classmethod
    def at(cls, address: str) -> "Node":
        """The node at `address`; nothing is sent until the first call."""
        channel = open_channel(address)
        return cls(
            address,
            channel,
            # The generated classes serve both kinds of channel; only their types are two.
            cast("LedgerServiceAsyncStub", LedgerServiceStub(channel)),
            cast("TwinServiceAsyncStub", TwinServiceStub(channel)),
            cast("ConsortiumServiceAsyncStub", ConsortiumServiceStub(channel)),
            cast("OperatorServiceAsyncStub", OperatorServiceStub(channel)),
        )


class Nodes:
    """A ring of nodes. A client stays with one until it fails, then turns to the next."""

    def __init__(self, addresses: Iterable[str]) -> None:
        """`addresses` in the order they are tried."""
        self._addresses = list(dict.fromkeys(addresses))
        if not self._addresses:
            raise LedgerError(Code.BAD_REQUEST, "a client needs the address of at least one node")
        self._open: dict[str, Node] = {}
        self._reached: dict[str, int] = {}
        self._position = 0
        self._closed = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address known."""
        return tuple(self._addresses)

    @property
    def current(self) -> Node:
        """The node to talk to now.

        Raises:
            LedgerError: BAD_REQUEST when the client has been closed.
        """
        if self._closed:
            raise LedgerError(Code.BAD_REQUEST, "this client has been closed")
        address = self._addresses[self._position]
        if address not in self._open:
            self._open[address] = Node.at(address)
        return self._open[address]

    def learn(self, addresses: Iterable[str]) -> None:
        """Adds addresses that are not known yet, behind those that are."""
        known = set(self._addresses)
        self._addresses += [each for each in dict.fromkeys(addresses) if each not in known]

    def reached(self, node: Node) -> int:
        """The height that `node` is known to have executed."""
        return self._reached.get(node.address, 0)

    def note_reached(self, node: Node, height: int) -> None:
        """Remembers that `node` has executed `height`."""
        self._reached[node.address] = max(height, self.reached(node))

    def leave(self, node: Node) -> None:
        """Turns to the next node, unless another call has already turned away from `node`."""
        # A node that comes back after a restart may execute again what it had executed before.
        self._reached.pop(node.address, None)
        if self.current is node:
            self._position = (self._position + 1) % len(self._addresses)

    async def close(self) -> None:
        """Closes every channel, for good."""
        self._closed = True
        for node in self._open.values():
            await node.channel.close(None)
        self._open.clear()
