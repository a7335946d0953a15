"""Peers that come, go and are dialled anew as the records say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from twinledger.consensus import NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.dialling import Dialling, Way
from twinledger.node.transport import Peer, Transport
from twinledger.v1 import peer_service_pb2 as pb
from twinledger.v1.peer_service_pb2_grpc import (
    PeerServiceServicer,
    add_PeerServiceServicer_to_server,
)

PEER, OTHER = NodeId("peer-1"), NodeId("other-1")
HELLO = pb.PeerHello(node_id=PEER)


class Listener(PeerServiceServicer):
    """Greets whoever dials; takes transactions and never answers."""

    def __init__(self) -> None:
        self.greeted = asyncio.Event()
        self.forwarded = asyncio.Event()

    async def Exchange(self, requests: Any, _: Any) -> AsyncIterator[pb.ExchangeResponse]:  # noqa: N802
        async for _request in requests:
            self.greeted.set()
            yield pb.ExchangeResponse(hello=HELLO)

    async def ForwardTransactions(self, _: Any, __: Any) -> Any:  # noqa: N802
        self.forwarded.set()
        await asyncio.Event().wait()

    def FetchSnapshot(self, _: Any, __: Any) -> Any:  # noqa: N802
        raise AssertionError("nobody asks for a snapshot here")

    async def GetCertificates(self, _: Any, __: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    async def GetConsistency(self, _: Any, __: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    async def GetExecuted(self, _: Any, __: Any) -> Any:  # noqa: N802
        raise NotImplementedError

    async def GetState(self, _: Any, __: Any) -> Any:  # noqa: N802
        raise NotImplementedError


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Listener, str]]:
    server, listener = grpc.aio.server(), Listener()
    add_PeerServiceServicer_to_server(listener, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield listener, f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


def transport() -> Transport:
    return Transport(lambda node_id, dialling: Peer(node_id, dialling, pb.PeerHello))


@asynccontextmanager
async def running(made: Transport) -> AsyncIterator[None]:
    task = asyncio.create_task(made.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def within(waiting: Any) -> Any:
    return await asyncio.wait_for(waiting, 20)


def test_a_peer_that_comes_later_is_dialled_and_one_that_goes_is_left():
    async def story() -> None:
        made = transport()
        async with listening() as (listener, address), running(made):
            made.follow([(PEER, Dialling(address, None))])
            await within(listener.greeted.wait())
            made.follow([])
            assert made.peers == {}

    asyncio.run(story())


def test_a_peer_that_has_moved_is_dialled_at_its_new_address_at_once():
    async def story() -> None:
        made = transport()
        async with listening() as (old, before), listening() as (new, after), running(made):
            made.follow([(PEER, Dialling(before, None))])
            await within(old.greeted.wait())
            peer = made.peers[PEER]
            made.follow([(PEER, Dialling(after, None))])
            await within(new.greeted.wait())
            assert made.peers[PEER] is peer

    asyncio.run(story())


def test_a_forward_under_way_is_lost_when_its_peer_is_dialled_anew_and_nobody_is_cancelled():
    async def story() -> None:
        made = transport()
        async with listening() as (old, before), listening() as (_, after), running(made):
            made.follow([(PEER, Dialling(before, None))])
            await within(old.greeted.wait())
            forward = asyncio.create_task(made.peers[PEER].forward([b"transaction"]))
            await within(old.forwarded.wait())
            made.follow([(PEER, Dialling(after, None))])
            with pytest.raises(LedgerError) as lost:
                await within(forward)
            assert lost.value.code is Code.CONNECTION_LOST

    asyncio.run(story())


class Swallowing:
    """What gRPC does when a call fails just as whoever waits for it is cancelled."""

    def __init__(self) -> None:
        self.called = asyncio.Event()

    async def call(self, *_: Any) -> Any:
        self.called.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            nothing = grpc.aio.Metadata()
            status = grpc.StatusCode.UNAVAILABLE
            raise grpc.aio.AioRpcError(status, nothing, nothing, "", "") from None

    async def ends(self, task: "asyncio.Task[Any]") -> bool:
        """Cancel who waits for the call; return whether that ends it."""
        await self.called.wait()
        task.cancel()
        await asyncio.wait([task], timeout=60)
        return task.cancelled()


def test_a_stream_that_fails_just_as_the_node_stops_is_not_dialled_again(monkeypatch):
    async def story() -> None:
        swallowing = Swallowing()
        monkeypatch.setattr(Peer, "_exchange", swallowing.call)
        made = transport()
        made.follow([(PEER, Dialling("127.0.0.1:1", None))])
        made.peers[PEER].heard()  # it would be dialled again at once
        assert await swallowing.ends(asyncio.create_task(made.run()))

    asyncio.run(story())


def test_a_question_that_fails_just_as_the_asker_is_cancelled_ends_it():
    async def story() -> None:
        swallowing = Swallowing()
        peer = Peer(PEER, Dialling("127.0.0.1:1", None), pb.PeerHello)
        async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
            peer._channel = channel
            assert await swallowing.ends(asyncio.create_task(peer.ask(swallowing.call)))

    asyncio.run(story())


def test_tries_go_through_all_ways_the_newest_certificates_first():
    mine: Any = ("my new", "my old")
    dialling = Dialling("a:1", (b"old", b"new"), mine)
    ways = [dialling.way(number) for number in range(5)]
    assert ways[:4] == [
        Way("a:1", b"new", mine[0]),
        Way("a:1", b"old", mine[0]),
        Way("a:1", b"new", mine[1]),
        Way("a:1", b"old", mine[1]),
    ]
    assert ways[4] == ways[0]


def test_a_stream_stays_while_it_leads_to_the_same_end_whatever_this_node_shows():
    mine: Any = ("my old",)
    renewed: Any = ("my new", "my old")
    dialling = Dialling("a:1", (b"old",), mine)
    way = dialling.way(0)
    assert Dialling("a:1", (b"old", b"new"), mine).leads_to(way)
    assert Dialling("a:1", (b"old",), renewed[:1]).leads_to(way)
    assert not Dialling("a:1", (b"new",), mine).leads_to(way)
    assert not Dialling("b:1", (b"old",), mine).leads_to(way)
    assert not dialling.leads_to(None)


def test_a_peer_without_a_certificate_is_never_dialled():
    with pytest.raises(LedgerError) as refused:
        Dialling("a:1", ()).way(0)
    assert refused.value.code is Code.BAD_CERTIFICATE
