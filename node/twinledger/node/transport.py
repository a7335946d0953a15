"""Streams between nodes: one outgoing stream to each peer, with a bounded queue before it.

Consensus bears lost messages, so a full queue or a broken stream drops them and says so to the
core; it never waits. Bytes and messages are bounded for each peer. Peers come, go and are dialled
anew as the node records say.
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Sequence,
)
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import grpc

from twinledger.client.failures import end_if_cancelled, from_rpc
from twinledger.consensus import Append, Message, NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node import consensus_wire
from twinledger.node.dialling import Dialling, Way
from twinledger.v1.peer_service_pb2 import (
    ConsensusBatch,
    ConsensusMessage,
    CosignatureBatch,
    ExchangeRequest,
    FetchSnapshotRequest,
    FetchSnapshotResponse,
    ForwardRefusal,
    ForwardTransactionsRequest,
    HeadCosignature,
    LeadershipCall,
    PeerHello,
)
from twinledger.v1.peer_service_pb2_grpc import PeerServiceStub

if TYPE_CHECKING:
    from twinledger.v1.peer_service_pb2_grpc import PeerServiceAsyncStub

PROTOCOL_VERSION: Final = 1
MAX_QUEUED_MESSAGES: Final = 4096
MAX_QUEUED_BYTES: Final = 32 << 20
MAX_BATCH_BYTES: Final = 4 << 20
MAX_QUEUED_COSIGNATURES: Final = 512
"""The newest; witnesses sign again, so older ones may be lost."""
_FIRST_RETRY_S: Final = 0.05
_LAST_RETRY_S: Final = 1.0
_FORWARD_TIMEOUT_S: Final = 2.0
_ASK_TIMEOUT_S: Final = 5.0
_TROUBLES: Final = frozenset(
    {
        Code.PEER_MISMATCH,
        Code.PEER_UNKNOWN,
        Code.PEER_REGRESSED,
        Code.EPOCH_OVER,
        Code.PEER_CERTIFICATE,
        Code.WRONG_CHAIN,
        Code.BAD_CERTIFICATE,
    }
)
"""What time alone does not mend."""

Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)


def _size(message: Message) -> int:
    if isinstance(message, Append):
        return sum(entry.size for entry in message.entries) + 128
    return 128


@dataclass(slots=True)
class Peer:
    """The way to one other node."""

    node_id: NodeId
    dialling: Dialling
    """Where it is, what it must show, and what this node shows."""
    hello: Callable[[], PeerHello]
    """What this node greets with now."""
    check: Callable[[PeerHello], None] = lambda _: None
    """Refuses, with a LedgerError, a node whose greeting shows less than it did before."""
    trouble: str = ""
    """Why the last greeting failed, in a sentence; empty when it did not."""
    lost: Callable[[NodeId], None] = lambda _: None
    """Told when messages to this node were lost."""
    greeted: Callable[[NodeId], None] = lambda _: None
    """Told when a stream to this node is up."""
    connected: bool = False
    _queue: deque[Message] = field(default_factory=deque)
    _cosignatures: deque[HeadCosignature] = field(
        default_factory=lambda: deque(maxlen=MAX_QUEUED_COSIGNATURES)
    )
    _leadership_call: LeadershipCall | None = None
    _queued_bytes: int = 0
    _filled: asyncio.Event = field(default_factory=asyncio.Event)
    _redial: asyncio.Event = field(default_factory=asyncio.Event)
    _channel: grpc.aio.Channel | None = None
    _way: Way | None = None
    _until_redialled: asyncio.Timeout | None = None
    _looking: "asyncio.Task[None] | None" = None

    @property
    def address(self) -> str:
        """Where it is dialled, host:port."""
        return self.dialling.address

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

    def cosign(self, cosignatures: Sequence[HeadCosignature]) -> None:
        """Queue cosignatures; while the stream is down they are dropped."""
        if self.connected:
            self._cosignatures.extend(cosignatures)
            self._filled.set()

    def call_leadership(self, call: LeadershipCall) -> None:
        """Queue a call for another leader, in the place of one that still waits."""
        if self.connected:
            self._leadership_call = call
            self._filled.set()

    async def ask(self, call: "Callable[[PeerServiceAsyncStub], Awaitable[Answer]]") -> Answer:
        """Make a call to this node.

        Raises:
            LedgerError: what it answers; CONNECTION_LOST when it does not.
        """
        if self._channel is None:
            raise LedgerError(Code.CONNECTION_LOST, f"no channel to {self.node_id}")
        try:
            async with asyncio.timeout(_ASK_TIMEOUT_S):
                return await call(_stub(self._channel))
        except grpc.aio.AioRpcError as error:
            end_if_cancelled()
            raise from_rpc(error, self.address) from error
        except TimeoutError as error:
            raise LedgerError(Code.CONNECTION_LOST, f"{self.node_id} does not answer") from error

    async def run(self) -> None:
        """Keep a stream up for ever; reconnect with growing pauses while the peer is away."""
        pause = _FIRST_RETRY_S
        try:
            for number in itertools.count():
                was_up = await self._dial(number)
                end_if_cancelled()
                self._disconnect()
                pause = await self._wait_to_dial(_FIRST_RETRY_S if was_up else pause)
        finally:
            self._disconnect()
            if self._looking is not None:
                self._looking.cancel()

    async def _wait_to_dial(self, pause: float) -> float:
        """Wait out a pause, or less if the peer is heard. Return the next pause."""
        try:
            async with asyncio.timeout(pause):
                await self._redial.wait()
        except TimeoutError:
            return min(2 * pause, _LAST_RETRY_S)
        self._redial.clear()
        return _FIRST_RETRY_S

    def redial(self, dialling: Dialling) -> None:
        """Dial as `dialling` says; a stream that leads elsewhere is left at once."""
        self.dialling = dialling
        if self._until_redialled is not None and not dialling.leads_to(self._way):
            self._until_redialled.reschedule(asyncio.get_running_loop().time())

    async def _dial(self, number: int) -> bool:
        """Keep a stream for as long as it lasts; return whether it was up."""
        try:
            async with asyncio.timeout(None) as self._until_redialled:
                self._way = self.dialling.way(number)
                async with self._way.open() as channel:
                    self._channel = channel
                    try:
                        await self._exchange(channel)
                    finally:
                        self._channel = None
        except (grpc.aio.AioRpcError, LedgerError) as error:
            self._failed(error)
        except TimeoutError:
            logger.info("peer is dialled anew", extra={"peer": self.node_id})
            return True
        finally:
            self._until_redialled = None
        return self.connected

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
            end_if_cancelled()
            raise LedgerError(Code.CONNECTION_LOST, f"{self.node_id}: {error.details()}") from error
        except asyncio.CancelledError as error:
            # A channel that is closed cancels its calls, and that looks as if we were cancelled.
            end_if_cancelled()
            raise LedgerError(Code.CONNECTION_LOST, f"{self.node_id} is dialled anew") from error
        return list(response.refusals)

    async def fetch_snapshot(
        self, snapshot_id: bytes, first_chunk: int
    ) -> AsyncGenerator[FetchSnapshotResponse, None]:
        """Read a snapshot that this node has: its manifest, then chunks from one on.

        Raises:
            LedgerError: CONNECTION_LOST, or what the node says.
        """
        if self._channel is None:
            raise LedgerError(Code.CONNECTION_LOST, f"no channel to {self.node_id}")
        request = FetchSnapshotRequest(
            hello=self.hello(), snapshot_id=snapshot_id, first_chunk=first_chunk
        )
        call = _stub(self._channel).FetchSnapshot(request)
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            end_if_cancelled()
            raise from_rpc(error, self.address) from error
        except asyncio.CancelledError as error:
            end_if_cancelled()
            raise LedgerError(Code.CONNECTION_LOST, f"{self.node_id} is dialled anew") from error
        finally:
            call.cancel()

    async def _exchange(self, channel: grpc.aio.Channel) -> None:
        call = _stub(channel).Exchange(self._outgoing())
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
        self.greeted(self.node_id)

    def _failed(self, error: grpc.aio.AioRpcError | LedgerError) -> None:
        """Say why a stream ended; what an operator must act on stays in the status."""
        reason = from_rpc(error, self.address) if isinstance(error, grpc.RpcError) else error
        if reason.code is Code.CONNECTION_LOST:
            if self.connected:
                self._warn(reason)
                self.trouble = ""
            if self._looking is None or self._looking.done():
                # Beside the retries: looking takes some seconds when nothing answers.
                self._looking = asyncio.create_task(self._look())
            return
        trouble = f"{self.node_id}: {reason.message}" if reason.code in _TROUBLES else ""
        if self.connected or trouble != self.trouble:
            self._warn(reason)
        self.trouble = trouble

    async def _look(self) -> None:
        """Find out whether it is TLS that keeps the two apart: gRPC says only that it is lost."""
        mistake = await self.dialling.mistake()
        if self.connected:
            return
        trouble = f"{self.node_id}: {mistake.message}" if mistake else ""
        if mistake is not None and trouble != self.trouble:
            self._warn(mistake)
        self.trouble = trouble

    def _warn(self, reason: LedgerError) -> None:
        logger.warning("stream to peer lost", extra={"peer": self.node_id, "reason": str(reason)})

    async def _outgoing(self) -> AsyncIterator[ExchangeRequest]:
        yield ExchangeRequest(hello=self.hello())
        while True:
            while self._queue:
                yield ExchangeRequest(consensus=ConsensusBatch(messages=self._take_batch()))
            if self._cosignatures:
                cosignatures = list(self._cosignatures)
                self._cosignatures.clear()
                yield ExchangeRequest(cosignatures=CosignatureBatch(cosignatures=cosignatures))
                continue  # while it was sent more may have come
            if self._leadership_call is not None:
                call, self._leadership_call = self._leadership_call, None
                yield ExchangeRequest(leadership_call=call)
                continue
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
        self._cosignatures.clear()
        self._leadership_call = None
        self._queued_bytes = 0
        self.lost(self.node_id)


def _stub(channel: grpc.aio.Channel) -> "PeerServiceAsyncStub":
    # The generated stub serves both kinds of channel; only its type is written twice.
    return PeerServiceStub(channel)  # type: ignore[return-value]


@dataclass(slots=True)
class Transport:
    """All peers of this node, as the records name them."""

    make: Callable[[NodeId, Dialling], Peer]
    lost: Callable[[NodeId], None] = lambda _: None
    """Told when messages to a node were lost."""
    greeted: Callable[[NodeId], None] = lambda _: None
    """Told when a stream to a node is up."""
    peers: dict[NodeId, Peer] = field(default_factory=dict)
    _group: asyncio.TaskGroup | None = None
    _tasks: "dict[NodeId, asyncio.Task[None]]" = field(default_factory=dict)

    def send(self, messages: Sequence[Message]) -> None:
        """Queue messages, each for its recipient."""
        for message in messages:
            peer = self.peers.get(message.recipient)
            if peer is not None:
                peer.send(message)

    def follow(self, diallings: Iterable[tuple[NodeId, Dialling]]) -> None:
        """Have exactly these peers; redial those whose ways have changed."""
        wanted = dict(diallings)
        for gone in self.peers.keys() - wanted.keys():
            del self.peers[gone]
            if gone in self._tasks:
                self._tasks.pop(gone).cancel()
        for node_id, dialling in wanted.items():
            peer = self.peers.get(node_id)
            if peer is None:
                self._add(node_id, dialling)
            elif peer.dialling != dialling:
                peer.redial(dialling)

    async def run(self) -> None:
        """Keep every stream up; ends only by cancellation or a fault of this program."""
        async with asyncio.TaskGroup() as self._group:
            for peer in self.peers.values():
                self._start(peer)
            # The group may have nobody to wait for: a consortium begins with one node.
            await asyncio.Event().wait()

    def _add(self, node_id: NodeId, dialling: Dialling) -> None:
        peer = self.peers[node_id] = self.make(node_id, dialling)
        peer.lost, peer.greeted = self._lost, self._greeted
        if self._group is not None:
            self._start(peer)

    def _lost(self, node_id: NodeId) -> None:
        self.lost(node_id)

    def _greeted(self, node_id: NodeId) -> None:
        self.greeted(node_id)

    def _start(self, peer: Peer) -> None:
        if self._group is not None:
            task = self._group.create_task(peer.run(), name=f"stream to {peer.node_id}")
            self._tasks[peer.node_id] = task
