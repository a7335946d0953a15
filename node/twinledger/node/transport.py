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
from twinledger.client.failures import from_rpc
from twinledger.consensus import Append, Message, NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node import consensus_wire
from twinledger.v1.peer_service_pb2 import (
    ConsensusBatch,
    ConsensusMessage,
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
MAX_BATCH_BYTES: Final = 4 << 20
_FIRST_RETRY_S: Final = 0.05
_LAST_RETRY_S: Final = 1.0
_REDIAL_MS: Final = 100
"""gRPC's own pause between connections: the pauses above are to count."""
_FORWARD_TIMEOUT_S: Final = 2.0
_TROUBLES: Final = frozenset(
    {Code.PEER_MISMATCH, Code.PEER_UNKNOWN, Code.PEER_REGRESSED, Code.WRONG_CHAIN}
)
"""What time alone does not mend."""

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
    hello: Callable[[], PeerHello]
    """What this node greets with now."""
    check: Callable[[PeerHello], None] = lambda _: None
    """Refuses, with a LedgerError, a node whose greeting shows less than it did before."""
    trouble: str = ""
    """Why the last greeting failed, in a sentence; empty when it did not."""
    lost: Callable[[NodeId], None] = lambda _: None
    """Told when messages to this node were lost."""
    connected: bool = False
    _queue: deque[Message] = field(default_factory=deque)
    _queued_bytes: int = 0
    _filled: asyncio.Event = field(default_factory=asyncio.Event)
    _redial: asyncio.Event = field(default_factory=asyncio.Event)
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

    def heard(self) -> None:
        """Dial at once: the peer has greeted us, so it is up."""
        if not self.connected:
            self._redial.set()

    async def run(self) -> None:
        """Keep a stream up for ever; reconnect with growing pauses while the peer is away."""
        pause = _FIRST_RETRY_S
        async with open_channel(self.address, redial_ms=_REDIAL_MS) as self._channel:
            while True:
                try:
                    await self._exchange()
                except (grpc.aio.AioRpcError, LedgerError) as error:
                    if self.connected:
                        pause = _FIRST_RETRY_S
                    self._failed(error)
                self._disconnect()
                pause = await self._wait_to_dial(pause)

    async def _wait_to_dial(self, pause: float) -> float:
        """Wait out a pause, or less if the peer is heard. Return the next pause."""
        try:
            async with asyncio.timeout(pause):
                await self._redial.wait()
        except TimeoutError:
            return min(2 * pause, _LAST_RETRY_S)
        self._redial.clear()
        return _FIRST_RETRY_S

    async def forward(self, transactions: Sequence[bytes]) -> list[ForwardRefusal]:
        """Hand transactions to this node as the leader; return those it refused.

        Raises:
            LedgerError: CONNECTION_LOST, as a whole: it may or may not have taken them.
        """
        if self._channel is None:
            raise LedgerError(Code.CONNECTION_LOST, f"no channel to {self.node_id}")
        request = ForwardTransactionsRequest(hello=self.hello(), transactions=transactions)
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
        try:
            async for response in call:
                self._greeted(response.hello)
        finally:
            call.cancel()

    def _greeted(self, hello: PeerHello) -> None:
        if hello.node_id != self.node_id:
            raise LedgerError(Code.PEER_MISMATCH, f"{hello.node_id[:64]} answers at {self.address}")
        self.check(hello)
        self.connected, self.trouble = True, ""
        logger.info("stream to peer is up", extra={"peer": self.node_id})

    def _failed(self, error: grpc.aio.AioRpcError | LedgerError) -> None:
        """Say why a stream ended; what an operator must act on stays in the status."""
        reason = from_rpc(error, self.address) if isinstance(error, grpc.RpcError) else error
        trouble = f"{self.node_id}: {reason.message}" if reason.code in _TROUBLES else ""
        if self.connected or trouble != self.trouble:
            logger.warning(
                "stream to peer lost", extra={"peer": self.node_id, "reason": str(reason)}
            )
        self.trouble = trouble

    async def _outgoing(self) -> AsyncIterator[ExchangeRequest]:
        yield ExchangeRequest(hello=self.hello())
        while True:
            while self._queue:
                yield ExchangeRequest(consensus=ConsensusBatch(messages=self._take_batch()))
            self._filled.clear()
            await self._filled.wait()

    def _take_batch(self) -> list[ConsensusMessage]:
        """Take what waits, to a bound: one message of gRPC's costs more than many of ours."""
        batch, size = list[ConsensusMessage](), 0
        while self._queue and (not batch or size + _size(self._queue[0]) <= MAX_BATCH_BYTES):
            message = self._queue.popleft()
            size += _size(message)
            batch.append(consensus_wire.encode(message))
        self._queued_bytes -= size
        return batch

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
