"""Streams that follow the chain and survive the loss of the node they read from."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar

import grpc.aio

from twinledger.client import building
from twinledger.client.attempts import Deadline, Pauses
from twinledger.client.failures import RETRYABLE, end_if_cancelled, from_rpc
from twinledger.client.nodes import Node
from twinledger.client.receipts import Cursor
from twinledger.client.session import Session
from twinledger.client.twin_records import TwinUpdate, updates_of_block
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.v1 import block_pb2, ledger_service_pb2, twin_service_pb2

Message = TypeVar("Message")

_SERVED_SECONDS: Final = 5.0
"""A stream that lasted longer was served, though a quiet chain may have sent nothing over it."""

_WHOLE_BLOCK: Final = 2**32 - 1
"""A cursor index behind every transaction a block can hold."""


Shown = Callable[
    [Sequence[twin_service_pb2.TwinUpdate], Cursor],
    Awaitable[Sequence[twin_service_pb2.TwinUpdate]],
]
"""What is shown of the updates of one block, after a place."""


async def _as_told(
    updates: Sequence[twin_service_pb2.TwinUpdate], _place: Cursor
) -> Sequence[twin_service_pb2.TwinUpdate]:
    return updates


async def watch(
    session: Session,
    twin_ids: Sequence[str],
    prefix: str,
    after: Cursor | None,
    shown: Shown = _as_told,
) -> AsyncGenerator[TwinUpdate, None]:
    """Every update from a cursor on, in chain order, without gaps, without end.

    Without `after` it begins behind the block that is the newest when it is called.
    """
    place = after or await _newest(session)

    def open_stream(node: Node) -> AsyncIterator[twin_service_pb2.WatchResponse]:
        request = building.request(
            twin_service_pb2.WatchRequest,
            twin_ids=twin_ids,
            prefix=prefix,
            after=place.to_message(),
        )
        return node.twins.Watch(request).__aiter__()

    async for response in _resuming(session, open_stream):
        for update in updates_of_block(await shown(response.updates, place), place):
            yield update
        if response.HasField("cursor"):
            place = max(place, Cursor.from_message(response.cursor))


async def blocks(
    session: Session, from_height: int, to_height: int | None
) -> AsyncGenerator[block_pb2.Block, None]:
    """Blocks in order, each once; without `to_height` it follows the chain without end.

    Raises:
        LedgerError: INTERNAL when a node leaves a height out or changes its order.
    """
    height = from_height
    if to_height is not None and height > to_height:
        return

    def open_stream(node: Node) -> AsyncIterator[ledger_service_pb2.StreamBlocksResponse]:
        request = building.request(
            ledger_service_pb2.StreamBlocksRequest, from_height=height, to_height=to_height
        )
        return node.ledger.StreamBlocks(request).__aiter__()

    async for response in _resuming(session, open_stream):
        found = BlockHeader.decode(response.block.header).height
        if found != height:
            raise LedgerError(Code.INTERNAL, f"block {height} was due and {found} came")
        height += 1
        yield response.block
        if to_height is not None and height > to_height:
            return


async def _newest(session: Session) -> Cursor:
    async def attempt(node: Node, seconds: float) -> ledger_service_pb2.GetHeadResponse:
        return await node.ledger.GetHead(ledger_service_pb2.GetHeadRequest(), timeout=seconds)

    head = await session.read(attempt)
    return Cursor(head.height, _WHOLE_BLOCK)


async def _resuming(
    session: Session, open_stream: Callable[[Node], AsyncIterator[Message]]
) -> AsyncIterator[Message]:
    """Messages of a stream that is opened again, at the next node, whenever it is lost.

    Raises:
        LedgerError: no node has served the stream for the client's timeout, or trying again
            cannot help.
    """
    pauses = Pauses(session.nodes)
    deadline: Deadline | None = None
    while True:
        node = session.nodes.current
        opened_at = time.monotonic()
        try:
            async for message in open_stream(node):
                yield message
                deadline = None
            failure = LedgerError(Code.CONNECTION_LOST, f"{node.address} ended the stream")
        except grpc.aio.AioRpcError as error:
            end_if_cancelled()
            failure = from_rpc(error, node.address)
        if failure.code not in RETRYABLE:
            raise failure
        if deadline is None or time.monotonic() - opened_at > _SERVED_SECONDS:
            deadline = Deadline(session.timeout_seconds)
            pauses.reset()
        session.nodes.leave(node)
        pause = pauses.next(failure)
        if pause >= deadline.remaining:
            raise failure
        await asyncio.sleep(pause)
