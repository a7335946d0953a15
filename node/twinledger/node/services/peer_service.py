"""PeerService: what other nodes send here.

A stream begins with a hello. From then on every message must come from the node of the hello, on
this chain: a stream that says otherwise is closed with PEER_MISMATCH and nothing of it is stepped.
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from twinledger.consensus import Append, EntryKind, Message, NodeId
from twinledger.execution.execute import block_transactions
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.node import consensus_wire
from twinledger.node.preparation import Preparation
from twinledger.node.replica import Replica
from twinledger.node.services.rendering import error_message
from twinledger.node.submission import Submission
from twinledger.node.transport import PROTOCOL_VERSION
from twinledger.storage import PeerMemory, Shown
from twinledger.v1 import peer_service_pb2 as pb

MAX_FORWARDED: Final = 1000

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class PeerService:
    """The implementation; every method serves the rpc of its name."""

    hello: Callable[[], pb.PeerHello]
    """What this node greets with now."""
    node_id: NodeId
    chain_id: bytes
    memory: PeerMemory
    replica: Replica
    submission: Submission
    preparation: Preparation
    limits: Callable[[], Limits]
    _streams: Counter[NodeId] = field(default_factory=Counter)
    """How many streams of each node are open here."""

    async def exchange(
        self, requests: AsyncIterator[pb.ExchangeRequest]
    ) -> AsyncIterator[pb.ExchangeResponse]:
        """Take consensus messages from one node."""
        sender: NodeId | None = None
        try:
            async for request in requests:
                if sender is None:
                    sender = self._greet(request.hello)
                    self._streams[sender] += 1
                    self.replica.transport.peers[sender].heard()
                    yield pb.ExchangeResponse(hello=self.hello())
                else:
                    self._take_batch(sender, request.consensus.messages)
        finally:
            if sender is not None:
                self._ended(sender)

    async def forward_transactions(
        self, request: pb.ForwardTransactionsRequest
    ) -> pb.ForwardTransactionsResponse:
        """Take charge of transactions that a follower's clients submitted."""
        self._greet(request.hello)
        if len(request.transactions) > MAX_FORWARDED:
            raise LedgerError(Code.BAD_REQUEST, f"at most {MAX_FORWARDED} transactions")
        refusals = await self.submission.take_forwarded(request.transactions)
        return pb.ForwardTransactionsResponse(
            refusals=[
                pb.ForwardRefusal(position=position, error=error_message(error))
                for position, error in refusals
            ]
        )

    def _greet(self, hello: pb.PeerHello) -> NodeId:
        node_id = NodeId(hello.node_id)
        if hello.chain_id != self.chain_id:
            raise LedgerError(Code.WRONG_CHAIN, "the peer orders another chain")
        if node_id not in self.replica.transport.peers:
            raise LedgerError(Code.PEER_UNKNOWN, hello.node_id[:64])
        if hello.protocol_version != PROTOCOL_VERSION:
            raise LedgerError(
                Code.PEER_MISMATCH, f"it speaks protocol version {hello.protocol_version}"
            )
        self.memory.check(node_id, Shown(hello.boot, hello.height))
        return node_id

    def _ended(self, sender: NodeId) -> None:
        """Tell the core of a node that was killed, whose connections end with it.

        Whoever dials anew may be greeted before its old stream is found to be broken.
        """
        self._streams[sender] -= 1
        if not self._streams[sender]:
            self.replica.hung_up(sender)

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
            for entry in message.entries:
                if entry.kind is EntryKind.BLOCK:
                    self.preparation.start(block_transactions(entry.payload, self.limits()))
