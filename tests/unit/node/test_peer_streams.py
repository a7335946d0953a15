"""The core is told when a peer's last stream here ends; a peer that greets is dialled at once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from twinledger.consensus import NodeId
from twinledger.consortium.nodes import Node, NodeCertificate
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.dialling import Dialling
from twinledger.node.node_records import NodeRecords
from twinledger.node.services.peer_service import PeerService
from twinledger.node.transport import Peer, Transport
from twinledger.v1 import peer_service_pb2 as pb

PEER = NodeId("peer-1")
FIRST_PAUSE_S = 0.05
HELLO = pb.PeerHello(node_id=PEER, chain_id=b"chain", protocol_version=1)


class Told:
    """In the place of the replica: keeps what it was told."""

    def __init__(self) -> None:
        self.gone = list[NodeId]()
        self.transport = Transport(lambda node, dialling: Peer(node, dialling, pb.PeerHello))
        self.transport.follow([(PEER, Dialling("127.0.0.1:1", None))])

    def hung_up(self, peer: NodeId) -> None:
        self.gone.append(peer)


class Memory:
    def check(self, node_id: NodeId, hello: pb.PeerHello) -> None: ...


def record(*certificates: bytes) -> Node:
    shown = tuple(NodeCertificate(each, 1) for each in certificates)
    return Node(PEER, "127.0.0.1:1", "127.0.0.1:2", True, b"", b"", shown)


def service(replica: Any, memory: Any, records: NodeRecords | None = None) -> PeerService:
    unused: Any = None
    known = records or NodeRecords(NodeId("me"), [record()], 0, insecure=True)
    return PeerService(
        pb.PeerHello,
        NodeId("me"),
        b"chain",
        memory.check,
        replica,
        unused,
        unused,
        unused,
        known,
        unused,
        unused,
        unused,
        unused,
    )


class Stream:
    """One stream of a peer, which is greeted and then silent until it ends."""

    def __init__(
        self, peers: PeerService, hello: pb.PeerHello, certificate: bytes | None = None
    ) -> None:
        self._over = asyncio.Event()
        self._answers = peers.exchange(self._requests(hello), certificate)

    async def _requests(self, hello: pb.PeerHello) -> AsyncIterator[pb.ExchangeRequest]:
        yield pb.ExchangeRequest(hello=hello)
        await self._over.wait()

    async def greeted(self) -> "Stream":
        await anext(self._answers)
        return self

    async def end(self) -> None:
        self._over.set()
        assert [answer async for answer in self._answers] == []

    async def end_when_told(self) -> None:
        await anext(self._answers)

    async def break_off(self) -> None:
        waiting = asyncio.ensure_future(anext(self._answers))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


@pytest.mark.parametrize("end", [Stream.end, Stream.break_off])
def test_the_core_is_told_when_a_peers_stream_ends(end: Any) -> None:
    async def story() -> None:
        told = Told()
        stream = await Stream(service(told, Memory()), HELLO).greeted()
        assert told.gone == []
        await end(stream)
        assert told.gone == [PEER]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("node_id", "knows_of", "code"),
    [
        ("stranger", 1, Code.EPOCH_OVER),
        ("stranger", 2, Code.PEER_UNKNOWN),
        ("stranger", 3, Code.PEER_UNKNOWN),
        (PEER, 0, None),
    ],
)
def test_a_node_of_before_a_recovery_is_told_that_its_epoch_is_over(
    node_id: str, knows_of: int, code: Code | None
) -> None:
    async def story() -> None:
        peers = replace(service(Told(), Memory()), hello=lambda: pb.PeerHello(epoch=2))
        hello = pb.PeerHello(node_id=node_id, chain_id=b"chain", protocol_version=1, epoch=knows_of)
        stream = Stream(peers, hello)
        if code is None:  # in the records, and still catching up
            await (await stream.greeted()).end()
            return
        with pytest.raises(LedgerError) as refused:
            await stream.greeted()
        assert refused.value.code is code

    asyncio.run(story())


@pytest.mark.parametrize(
    ("after", "code", "gone"),
    [
        ([record(b"new")], Code.PEER_CERTIFICATE, []),
        ([], Code.PEER_UNKNOWN, [PEER]),
    ],
)
def test_a_peer_whose_certificate_is_over_is_cut_off_but_only_a_removed_one_is_gone(
    after: list[Node], code: Code, gone: list[NodeId]
) -> None:
    async def story() -> None:
        told = Told()
        records = NodeRecords(NodeId("me"), [record(b"old")], 0)
        stream = await Stream(service(told, Memory(), records), HELLO, b"old").greeted()
        asyncio.get_running_loop().call_soon(records.executed, 1, after)
        with pytest.raises(LedgerError) as closed:
            await stream.end_when_told()
        assert closed.value.code is code
        assert told.gone == gone

    asyncio.run(story())


def test_a_stream_is_also_cut_off_while_its_greeting_is_still_being_sent() -> None:
    async def story() -> None:
        records = NodeRecords(NodeId("me"), [record(b"old")], 0)
        stream = Stream(service(Told(), Memory(), records), HELLO, b"old")
        sending, sent = asyncio.Event(), asyncio.Event()

        async def serve() -> None:
            """What gRPC does in one task: take an answer, send it, take the next one."""
            await stream.greeted()
            sending.set()
            await sent.wait()
            await stream.end_when_told()

        serving = asyncio.ensure_future(serve())
        await sending.wait()
        records.executed(1, [])
        for _ in range(3):
            await asyncio.sleep(0)
        sent.set()
        with pytest.raises(LedgerError) as closed:
            await serving
        assert closed.value.code is Code.PEER_UNKNOWN

    asyncio.run(story())


def test_a_peer_that_dialled_anew_before_its_old_stream_ended_is_not_gone() -> None:
    async def story() -> None:
        told = Told()
        peers = service(told, Memory())
        old = await Stream(peers, HELLO).greeted()
        new = await Stream(peers, HELLO).greeted()
        await old.break_off()
        assert told.gone == []
        await new.end()
        assert told.gone == [PEER]

    asyncio.run(story())


def test_a_stream_that_was_refused_tells_nothing() -> None:
    async def story() -> None:
        told = Told()
        stranger = pb.PeerHello(node_id=PEER, chain_id=b"other", protocol_version=1)
        with pytest.raises(LedgerError) as refused:
            await Stream(service(told, Memory()), stranger).greeted()
        assert refused.value.code is Code.WRONG_CHAIN
        assert told.gone == []

    asyncio.run(story())


def test_a_peer_that_greets_is_dialled_without_waiting_for_the_pause_to_end() -> None:
    async def story() -> None:
        told = Told()
        peer = told.transport.peers[PEER]
        waiting = asyncio.ensure_future(peer._wait_to_dial(3600))
        await asyncio.sleep(0)
        await Stream(service(told, Memory()), HELLO).greeted()
        assert await asyncio.wait_for(waiting, 10) == FIRST_PAUSE_S

    asyncio.run(story())


def test_pauses_grow_while_the_peer_is_away() -> None:
    async def story() -> None:
        peer = Told().transport.peers[PEER]
        assert await peer._wait_to_dial(0.01) == 0.02
        assert await peer._wait_to_dial(0) == 0

    asyncio.run(story())


def test_a_greeting_of_a_peer_that_is_connected_asks_for_no_dialling() -> None:
    async def story() -> None:
        peer = Told().transport.peers[PEER]
        peer.connected = True
        peer.heard()
        assert await peer._wait_to_dial(0.01) == 0.02

    asyncio.run(story())


class Forgetful:
    """Remembers more of every node than it shows."""

    def check(self, node_id: NodeId, hello: pb.PeerHello) -> None:
        raise LedgerError(Code.PEER_REGRESSED, node_id)


def test_what_a_call_says_of_its_log_is_not_held_against_what_a_stream_brought_meanwhile() -> None:
    class Taking:
        async def take_forwarded(self, raws: Any) -> list[Any]:
            return []

    async def story() -> None:
        peers = service(Told(), Forgetful())
        peers.submission = Taking()  # type: ignore[assignment]
        call = pb.ForwardTransactionsRequest(hello=HELLO, transactions=[b"t"])
        assert not (await peers.forward_transactions(call, None)).refusals
        with pytest.raises(LedgerError) as refused:
            await Stream(peers, HELLO).greeted()
        assert refused.value.code is Code.PEER_REGRESSED

    asyncio.run(story())
