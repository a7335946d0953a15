"""A member that lies: it speaks PeerService with its own keys, as leader or as witness, and obeys
no rule. What it sends goes to one honest node at a time, so it can tell each another story.
"""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Self

import grpc

from tests.integration.hostile.consortium import HOSTILE, Consortium, node_id_of
from tests.transport_keys import channel
from twinledger.consensus import (
    Append,
    Entry,
    EntryKind,
    Index,
    Message,
    Term,
    make_entry,
)
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.evidence import SignedHead
from twinledger.node import heads_wire
from twinledger.node.consensus_wire import encode
from twinledger.v1.peer_service_pb2 import (
    ConsensusBatch,
    CosignatureBatch,
    ExchangeRequest,
    PeerHello,
)
from twinledger.v1.peer_service_pb2_grpc import PeerServiceStub

TERM = Term(50)
Block = tuple[EntryKind, bytes]


class HostileMember:
    """Streams to the honest nodes, opened as they are needed."""

    def __init__(self, consortium: Consortium) -> None:
        self._consortium = consortium
        self._node_id = node_id_of(HOSTILE)
        self.name = f"{HOSTILE}/{self._node_id}"
        self._streams: dict[str, _Stream] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._streams.values():
            stream.close()

    def log(self, *blocks: Block, start: bytes | None = None, term: Term = TERM) -> list[Entry]:
        """Entries from index 1 on; on another chain's genesis when that is given."""
        previous, made = start or self._consortium.genesis.chain_id, list[Entry]()
        for number, (kind, payload) in enumerate(blocks, start=1):
            made.append(make_entry(previous, Index(number), term, kind, payload))
            previous = made[-1].hash
        return made

    def lead(self, to: str, entries: Sequence[Entry], start: bytes | None = None) -> None:
        """As a leader, let a node append entries from index 1 on, all committed."""
        ends = self._node_id, node_id_of(to)
        first = start or self._consortium.genesis.chain_id
        commit = Index(len(entries))
        append = Append(*ends, TERM, Index(0), Term(0), first, tuple(entries), commit)
        self._stream(to).put(_batch(append))

    def sign(self, head: Checkpoint) -> SignedHead:
        """Sign a head, whatever it signed before."""
        key = self._consortium.keys[HOSTILE].witness
        return SignedHead(head, cosign(key, self.name, head, int(time.time())))

    def cosign(self, to: str, *heads: SignedHead) -> None:
        """Send what it signed to one node."""
        batch = CosignatureBatch(cosignatures=[heads_wire.encode(head) for head in heads])
        self._stream(to).put(ExchangeRequest(cosignatures=batch))

    def _stream(self, to: str) -> "_Stream":
        if to not in self._streams:
            keys = self._consortium.keys
            record = self._consortium.record(to)
            way = channel(
                record.peer_address, record.certificates[-1].der, keys[HOSTILE].transports[0]
            )
            chain_id = self._consortium.genesis.chain_id
            hello = PeerHello(node_id=self._node_id, chain_id=chain_id, protocol_version=1)
            self._streams[to] = _Stream(way, hello)
        return self._streams[to]


class _Stream:
    """A stream to one node, with a thread that waits for its end."""

    def __init__(self, way: grpc.Channel, hello: PeerHello) -> None:
        self._way = way
        self._waiting: queue.Queue[ExchangeRequest | None] = queue.Queue()
        self._waiting.put(ExchangeRequest(hello=hello))
        self._answers = PeerServiceStub(way).Exchange(self._requests())
        self._thread = threading.Thread(target=self._drain)
        self._thread.start()

    def put(self, request: ExchangeRequest) -> None:
        self._waiting.put(request)

    def close(self) -> None:
        self._waiting.put(None)
        self._answers.cancel()
        self._thread.join(10)
        self._way.close()

    def _requests(self) -> Iterator[ExchangeRequest]:
        while (request := self._waiting.get()) is not None:
            yield request

    def _drain(self) -> None:
        try:
            for _ in self._answers:
                pass
        except grpc.RpcError:
            pass  # closed here, or by a node that found out; the tests look at the nodes


def _batch(message: Message) -> ExchangeRequest:
    return ExchangeRequest(consensus=ConsensusBatch(messages=[encode(message)]))
