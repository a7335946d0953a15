"""Streams between nodes: one outgoing stream to each peer, with a bounded queue before it.

Consensus bears lost messages, so a full queue or a broken stream drops them and says so to the
core; it never waits. Bytes and messages are bounded for each peer.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import grpc

from twinledger.client.channels import open_channel
from twinledger.consensus import Append, Message, NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node import consensus_wire
from twinledger.v1.peer_service_pb2 import (
    ExchangeRequest,
    ForwardRefusal,
    ForwardTransactionsRequest,
    PeerHello,
)
from twinledger.v1.peer_service_pb2_grpc import PeerServiceStub

if TYPE_CHECKING:
    from twinledger.v1.peer_service_pb2_grpc import PeerServiceAsyncStub

PROTOCOL_VERSION: Final = 1
MAX_QUEUED_MESSAGES: Final = 4096
MAX_QUEUED_BYTES: Final = 32 << 20
_FIRST_RETRY_S: Final = 0.05
_LAST_RETRY_S: Final = 1.0
_FORWARD_TIMEOUT_S: Final = 2.0

logger = logging.getLogger(__name__)


def _size(message: Message) -> int:
    if isinstance(message, Append):
        return sum(entry.size for entry in message.entries) + 128
    return 128


@dataclass(slots=True)
class Peer:
    """The way to one other node."""

    node_id: NodeId
    address: str
    hello: PeerHello
    lost: Callable[[NodeId], None] = lambda _: None
    """Told when messages to this node were lost."""
    connected: bool = False
    _queue: deque[Message] = field(default_factory=deque)
    _queued_bytes: int = 0
    _filled: asyncio.Event = field(default_factory=asyncio.Event)
    _channel: grpc.aio.Channel | None = None

    def send(self, message: Message) -> None:
        """Queue a message; drop it when the queue is full."""
        size = _size(message)
        if len(self._queue) >= MAX_QUEUED_MESSAGES or (
            self._queue and self._queued_bytes + size > MAX_QUEUED_BYTES
        ):
            self.lost(self.node_id)
            return
        self._queue.append(message)
        self._queued_bytes += size
        self._filled.set()

    async def run(self) -> None:
        """Keep a stream up for ever; reconnect with growing pauses while the peer is away."""
        pause = _FIRST_RETRY_S
        async with open_channel(self.address) as self._channel:
            while True:
                try:
                    await self._exchange()
                except grpc.aio.AioRpcError as error:
                    if self.connected:
                        logger.warning(
                            "stream to peer lost",
                            extra={"peer": self.node_id, "reason": error.details()},
                        )
                        pause = _FIRST_RETRY_S
                self._disconnect()
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_RETRY_S)

    async def forward(self, transactions: Sequence[bytes]) -> list[ForwardRefusal]:
        """Hand transactions to this node as the leader; return those it refused.

        Raises:
            LedgerError: CONNECTION_LOST, as a whole: it may or may not have taken them.
        """
        if self._channel is None:
            raise LedgerError(Code.CONNECTION_LOST, f"no channel to {self.node_id}")
        request = ForwardTransactionsRequest(hello=self.hello, transactions=transactions)
        try:
            response = await _stub(self._channel).ForwardTransactions(
                request, timeout=_FORWARD_TIMEOUT_S
            )
        except grpc.aio.AioRpcError as error:
            raise LedgerError(Code.CONNECTION_LOST, f"{self.node_id}: {error.details()}") from error
        return list(response.refusals)

    async def _exchange(self) -> None:
        if self._channel is None:
            return
        call = _stub(self._channel).Exchange(self._outgoing())
        async for response in call:
            if response.hello.node_id != self.node_id:
                logger.error(
                    "another node answers at this peer's address",
                    extra={"peer": self.node_id, "answered": response.hello.node_id},
                )
                call.cancel()
                return
            self.connected = True
            logger.info("stream to peer is up", extra={"peer": self.node_id})

    async def _outgoing(self) -> AsyncIterator[ExchangeRequest]:
        yield ExchangeRequest(hello=self.hello)
        while True:
            while self._queue:
                message = self._queue.popleft()
                self._queued_bytes -= _size(message)
                yield ExchangeRequest(consensus=consensus_wire.encode(message))
            self._filled.clear()
            await self._filled.wait()

    def _disconnect(self) -> None:
        """Drop what waits: it is stale by the time the peer is back."""
        self.connected = False
        self._queue.clear()
        self._queued_bytes = 0
        self.lost(self.node_id)


def _stub(channel: grpc.aio.Channel) -> "PeerServiceAsyncStub":
    # The generated stub serves both kinds of channel; only its type is written twice.
    return PeerServiceStub(channel)  # type: ignore[return-value]


@dataclass(slots=True)
class Transport:
    """All peers of this node."""

    peers: dict[NodeId, Peer]

    def send(self, messages: Sequence[Message]) -> None:
        """Queue messages, each for its recipient."""
        for message in messages:
            peer = self.peers.get(message.recipient)
            if peer is not None:
                peer.send(message)

    async def run(self) -> None:
        """Keep every stream up; ends only by cancellation or a fault of this program."""
        async with asyncio.TaskGroup() as group:
            for peer in self.peers.values():
                group.create_task(peer.run(), name=f"stream to {peer.node_id}")
