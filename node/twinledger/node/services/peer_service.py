"""PeerService: what other nodes send here.

A stream begins with a hello. From then on every message must come from the node of the hello, on
this chain: a stream that says otherwise is closed with PEER_MISMATCH and nothing of it is stepped.
The node of the hello must show a certificate of its record, at the hello and at every message; when
its record changes so that it does not any more, its streams are closed at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from twinledger.consensus import Append, EntryKind, Message, NodeId
from twinledger.execution.execute import block_transactions
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.node import consensus_wire
from twinledger.node.heads import Heads
from twinledger.node.node_records import NodeRecords
from twinledger.node.preparation import Preparation
from twinledger.node.replica import Replica
from twinledger.node.services.gate import Gate
from twinledger.node.services.proof_answers import ProofAnswers
from twinledger.node.services.rendering import error_message
from twinledger.node.submission import Submission
from twinledger.node.transport import PROTOCOL_VERSION
from twinledger.storage.snapshot_files import SnapshotFolder
from twinledger.v1 import peer_service_pb2 as pb

MAX_FORWARDED: Final = 1000
MAX_FETCHES: Final = 8
"""Snapshots being read at once."""

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Stream:
    """An open stream, and how it is closed while nothing comes over it."""

    certificate: bytes | None
    sender: NodeId | None = None
    closed_by: LedgerError | None = None
    _listening: asyncio.Timeout | None = None

    @property
    def outlived_its_certificate(self) -> bool:
        """Whether it was closed here although its node is there and will dial anew."""
        return self.closed_by is not None and self.closed_by.code is Code.PEER_CERTIFICATE

    def close(self, error: LedgerError) -> None:
        """End it now, with this error."""
        self.closed_by = error
        if self._listening is not None:
            self._listening.reschedule(asyncio.get_running_loop().time())

    async def until_closed(self, listening: Awaitable[None]) -> None:
        """Await what listens to it, and nothing that answers.

        To cut off an answer half sent would end the call without telling the other side.

        Raises:
            LedgerError: it was closed.
        """
        try:
            async with asyncio.timeout(0 if self.closed_by else None) as self._listening:
                await listening
        except TimeoutError:
            if self.closed_by is None:
                raise
            raise self.closed_by from None
        finally:
            self._listening = None


@dataclass(slots=True)
class PeerService:
    """The implementation; every method serves the rpc of its name, for whoever shows a certificate.

    The certificate is None only where nothing is encrypted.
    """

    hello: Callable[[], pb.PeerHello]
    """What this node greets with now."""
    node_id: NodeId
    chain_id: bytes
    check_greeting: Callable[[NodeId, pb.PeerHello], None]
    """Refuses a node that shows less than it did before."""
    replica: Replica
    submission: Submission
    preparation: Preparation
    limits: Callable[[], Limits]
    records: NodeRecords
    snapshots: SnapshotFolder
    heads: Heads
    proofs: ProofAnswers
    called: Callable[[NodeId, pb.LeadershipCall], None]
    """Told of a node's call for another leader."""
    _streams: "set[_Stream]" = field(default_factory=set)
    _fetches: Gate = field(default_factory=lambda: Gate(MAX_FETCHES))

    def __post_init__(self) -> None:
        """Close streams as soon as their nodes may not have them any more."""
        self.records.listen(self._close_revoked)

    async def exchange(
        self, requests: AsyncIterator[pb.ExchangeRequest], certificate: bytes | None
    ) -> AsyncIterator[pb.ExchangeResponse]:
        """Take consensus messages from one node."""
        stream = _Stream(certificate)
        with self._open(stream):
            try:
                greeting = await anext(requests)
            except StopAsyncIteration:
                return
            stream.sender = self._greet(greeting.hello, certificate)
            self.replica.transport.peers[stream.sender].heard()
            yield pb.ExchangeResponse(hello=self.hello())
            await stream.until_closed(self._listen(stream.sender, requests, certificate))

    async def _listen(
        self,
        sender: NodeId,
        requests: AsyncIterator[pb.ExchangeRequest],
        certificate: bytes | None,
    ) -> None:
        async for request in requests:
            self.records.check(sender, certificate)
            self._take_request(sender, request)

    async def forward_transactions(
        self, request: pb.ForwardTransactionsRequest, certificate: bytes | None
    ) -> pb.ForwardTransactionsResponse:
        """Take charge of transactions that a follower's clients submitted."""
        self._recognize(request.hello, certificate)
        if len(request.transactions) > MAX_FORWARDED:
            raise LedgerError(Code.BAD_REQUEST, f"at most {MAX_FORWARDED} transactions")
        refusals = await self.submission.take_forwarded(request.transactions)
        return pb.ForwardTransactionsResponse(
            refusals=[
                pb.ForwardRefusal(position=position, error=error_message(error))
                for position, error in refusals
            ]
        )

    async def fetch_snapshot(
        self, request: pb.FetchSnapshotRequest, certificate: bytes | None
    ) -> AsyncIterator[pb.FetchSnapshotResponse]:
        """Send a snapshot, one chunk in memory at a time."""
        self._recognize(request.hello, certificate)
        with self._fetches:
            files = self.snapshots.find(request.snapshot_id)
            yield pb.FetchSnapshotResponse(manifest=files.manifest_bytes)
            for number in range(request.first_chunk, len(files.manifest.chunks)):
                chunk = await asyncio.to_thread(files.chunk, number)
                yield pb.FetchSnapshotResponse(chunk=chunk)

    async def get_certificates(
        self, request: pb.GetCertificatesRequest, certificate: bytes | None
    ) -> pb.GetCertificatesResponse:
        """Return the certificates that another node has missed."""
        self._recognize(request.hello, certificate)
        return self.proofs.certificates(request.after_size)

    async def get_consistency(
        self, request: pb.GetConsistencyRequest, certificate: bytes | None
    ) -> pb.GetConsistencyResponse:
        """Prove how two heads hang together."""
        self._recognize(request.hello, certificate)
        return self.proofs.consistency(request.first_size, request.second_size)

    async def get_executed(
        self, request: pb.GetExecutedRequest, certificate: bytes | None
    ) -> pb.GetExecutedResponse:
        """Return a block, proven under a head."""
        self._recognize(request.hello, certificate)
        return self.proofs.executed(request.height, request.size)

    async def get_state(
        self, request: pb.GetStateRequest, certificate: bytes | None
    ) -> pb.GetStateResponse:
        """Return values of the state after a block, with their proofs."""
        self._recognize(request.hello, certificate)
        return self.proofs.state(request.height, request.keys)

    @contextmanager
    def _open(self, stream: "_Stream") -> Iterator[None]:
        self._streams.add(stream)
        try:
            yield
        finally:
            self._streams.discard(stream)
            if not stream.outlived_its_certificate:
                self._ended(stream.sender)

    def _close_revoked(self) -> None:
        for stream in self._streams:
            if stream.sender is not None:
                try:
                    self.records.check(stream.sender, stream.certificate)
                except LedgerError as error:
                    logger.warning(
                        "a peer stream is closed",
                        extra={"peer": stream.sender, "reason": str(error)},
                    )
                    stream.close(error)

    def _greet(self, hello: pb.PeerHello, certificate: bytes | None) -> NodeId:
        """Let a node in that opens a stream, unless it shows less than it did before."""
        node_id = self._recognize(hello, certificate)
        self.check_greeting(node_id, hello)
        return node_id

    def _recognize(self, hello: pb.PeerHello, certificate: bytes | None) -> NodeId:
        """Find out which node calls.

        What a call beside the stream says of its log may be older than what has come over the
        stream meanwhile, so it is not held against that: only streams carry votes.
        """
        node_id = NodeId(hello.node_id)
        if hello.chain_id != self.chain_id:
            raise LedgerError(Code.WRONG_CHAIN, "the peer orders another chain")
        self._check_record(hello, certificate)
        if hello.protocol_version != PROTOCOL_VERSION:
            raise LedgerError(
                Code.PEER_MISMATCH, f"it speaks protocol version {hello.protocol_version}"
            )
        return node_id

    def _check_record(self, hello: pb.PeerHello, certificate: bytes | None) -> None:
        """Refuse who is in no record; one that was before a recovery is told so."""
        try:
            self.records.check(NodeId(hello.node_id), certificate)
        except LedgerError as error:
            now = self.hello().epoch
            if error.code is Code.PEER_UNKNOWN and hello.epoch < now:
                detail = f"{hello.node_id[:64]} knows of epoch {hello.epoch}, this is epoch {now}"
                raise LedgerError(Code.EPOCH_OVER, detail) from error
            raise

    def _ended(self, sender: NodeId | None) -> None:
        """Tell the core of a node that was killed, whose connections end with it.

        Whoever dials anew may be greeted before its old stream is found to be broken.
        """
        if sender is not None and all(stream.sender != sender for stream in self._streams):
            self.replica.hung_up(sender)

    def _take_request(self, sender: NodeId, request: pb.ExchangeRequest) -> None:
        match request.WhichOneof("content"):
            case "cosignatures":
                self.heads.received(sender, request.cosignatures)
            case "leadership_call":
                self.called(sender, request.leadership_call)
            case _:
                self._take_batch(sender, request.consensus.messages)

    def _take_batch(self, sender: NodeId, batch: Sequence[pb.ConsensusMessage]) -> None:
        if not batch:
            raise LedgerError(Code.MALFORMED, "a batch without messages")
        for wire in batch:
            self._take(sender, wire)

    def _take(self, sender: NodeId, wire: pb.ConsensusMessage) -> None:
        try:
            message = consensus_wire.decode(wire)
        except ValueError as error:
            raise LedgerError(Code.MALFORMED, str(error)) from error
        if message.sender != sender or message.recipient != self.node_id:
            logger.error(
                "a peer stream lies about its sender",
                extra={"stream_of": sender, "claimed": message.sender},
            )
            raise LedgerError(Code.PEER_MISMATCH, f"a stream of {sender} says {message.sender}")
        self._prepare(message)
        self.replica.step(message)

    def _prepare(self, message: Message) -> None:
        """Begin checking the signatures of what will be executed soon."""
        if isinstance(message, Append):
            limits = self.limits()
            for entry in self.replica.undecided(message):
                if entry.kind is EntryKind.BLOCK:
                    self.preparation.start(block_transactions(entry.payload, limits))
