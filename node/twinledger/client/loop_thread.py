"""An event loop in a thread of its own, for callers that block."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from twinledger.client.pipeline import Pipeline
from twinledger.client.transactions import SignedTransaction
from twinledger.client.window import Outcome

Result = TypeVar("Result")
Item = TypeVar("Item")

_CHUNK: Final = 64
_CHUNK_SECONDS: Final = 0.02
"""A slow source must not hold back the outcomes of what it gave before."""


class LoopThread:
    """Runs there what is asked for here; any thread may ask."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="twinledger-client", daemon=True
        )
        self._thread.start()

    def run(self, awaitable: Awaitable[Result]) -> Result:
        """Runs it over there and returns its result here."""
        future = asyncio.run_coroutine_threadsafe(_awaited(awaitable), self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C ends the wait here; what is waited for must end too.
            future.cancel()
            raise

    def iterate(self, items: AsyncGenerator[Item, None]) -> Iterator[Item]:
        """Yields here what is yielded over there."""
        try:
            while True:
                try:
                    item = self.run(anext(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self.run(items.aclose())

    def pump(
        self, pipeline: Pipeline, window: int, source: Iterable[SignedTransaction]
    ) -> Iterator[Outcome]:
        """Feeds a pipeline over there from a source that is read, and may block, here."""
        transactions = iter(source)
        room = window
        self.run(pipeline.__aenter__())
        try:
            while chunk := _chunk(transactions, room):
                outcomes, room = self.run(_exchange(pipeline, chunk))
                yield from outcomes
            while outcomes := self.run(_rest(pipeline)):
                yield from outcomes
        finally:
            self.run(pipeline.__aexit__())

    def close(self) -> None:
        """Ends the loop and its thread."""
        self.run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _awaited(awaitable: Awaitable[Result]) -> Result:
    return await awaitable


def _chunk(source: Iterator[Item], room: int) -> list[Item]:
    ends_at = time.monotonic() + _CHUNK_SECONDS
    chunk = []
    for item in islice(source, min(room, _CHUNK)):
        chunk.append(item)
        if time.monotonic() > ends_at:
            break
    return chunk


async def _exchange(
    pipeline: Pipeline, chunk: list[SignedTransaction]
) -> tuple[list[Outcome], int]:
    """Adds a chunk; returns what is known and how much more may be added, at least one."""
    pipeline.add(chunk)
    outcomes = pipeline.take_known()
    while not pipeline.room:
        outcomes += await pipeline.take()
    return outcomes, pipeline.room


async def _rest(pipeline: Pipeline) -> list[Outcome]:
    pipeline.end()
    return await pipeline.take()
