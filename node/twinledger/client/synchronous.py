"""The synchronous twin: the same calls, blocking, over the same implementation.

One background thread runs the event loop that all calls of a client share; any thread may call.
Iterators block in `next`. Nothing is implemented twice: each method here runs its namesake there.
"""

import asyncio
import functools
import threading
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import contextmanager
from itertools import islice
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar

from twinledger.client.identities import Identities
from twinledger.client.identity import Identity
from twinledger.client.ledger import WINDOW, Ledger, ManyItem, connect
from twinledger.client.pipeline import Pipeline
from twinledger.client.session import TIMEOUT_SECONDS
from twinledger.client.transactions import SignedTransaction
from twinledger.client.twins import Twins
from twinledger.client.window import Outcome

Face = TypeVar("Face")
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Item = TypeVar("Item")

_CHUNK: Final = 64
_CHUNK_SECONDS: Final = 0.02
"""A slow source must not hold back the outcomes of what it gave before."""


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="twinledger-client", daemon=True
        )
        self._thread.start()

    def run(self, awaitable: Awaitable[Result]) -> Result:
        """Runs it over there and returns its result here."""
        future = asyncio.run_coroutine_threadsafe(_coroutine(awaitable), self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C ends the wait here; what is waited for must end too.
            future.cancel()
            raise

    def iterate(self, items: AsyncIterator[Item]) -> Iterator[Item]:
        """Yields here what is yielded over there."""
        try:
            while True:
                try:
                    item = self.run(anext(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self.run(_close(items))

    def close(self) -> None:
        """Ends the loop and its thread."""
        self.run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _coroutine(awaitable: Awaitable[Result]) -> Result:
    return await awaitable


async def _close(items: AsyncIterator[Any]) -> None:
    close: Callable[[], Coroutine[Any, Any, None]] | None = getattr(items, "aclose", None)
    if close is not None:
        await close()


class Blocking(Generic[Face]):
    """The blocking side of one asynchronous object."""

    def __init__(self, face: Face, thread: LoopThread) -> None:
        """`thread` is where `face` lives."""
        self._face = face
        self._thread = thread


def _call(
    method: Callable[Concatenate[Face, Parameters], Awaitable[Result]],
) -> Callable[Concatenate[Blocking[Face], Parameters], Result]:
    @functools.wraps(method)
    def call(
        self: Blocking[Face], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        return self._thread.run(method(self._face, *args, **kwargs))

    return call


def _iterator(
    method: Callable[Concatenate[Face, Parameters], AsyncIterator[Item]],
) -> Callable[Concatenate[Blocking[Face], Parameters], Iterator[Item]]:
    @functools.wraps(method)
    def iterate(
        self: Blocking[Face], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Iterator[Item]:
        return self._thread.iterate(method(self._face, *args, **kwargs))

    return iterate


def _direct(
    method: Callable[Concatenate[Face, Parameters], Result],
) -> Callable[Concatenate[Blocking[Face], Parameters], Result]:
    @functools.wraps(method)
    def call(
        self: Blocking[Face], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        return method(self._face, *args, **kwargs)

    return call


class SyncTwins(Blocking[Twins]):
    """`Twins`, blocking."""

    create = _call(Twins.create)
    update = _call(Twins.update)
    relate = _call(Twins.relate)
    unrelate = _call(Twins.unrelate)
    retire = _call(Twins.retire)
    get = _call(Twins.get)
    trace = _call(Twins.trace)
    list = _iterator(Twins.list)
    history = _iterator(Twins.history)


class SyncIdentities(Blocking[Identities]):
    """`Identities`, blocking."""

    admit = _call(Identities.admit)
    revoke = _call(Identities.revoke)
    list = _iterator(Identities.list)


class SyncLedger(Blocking[Ledger]):
    """`Ledger`, blocking.

    Attributes:
        twins: Changing and reading twins.
        identities: Admitting, revoking and reading identities.
    """

    def __init__(self, face: Ledger, thread: LoopThread) -> None:
        """Use `connect_sync`."""
        super().__init__(face, thread)
        self.twins = SyncTwins(face.twins, thread)
        self.identities = SyncIdentities(face.identities, thread)

    @property
    def chain_id(self) -> bytes:
        """The chain, 32 bytes."""
        return self._face.chain_id

    sign = _direct(Ledger.sign)
    signed = _direct(Ledger.signed)
    submit = _call(Ledger.submit)
    send = _call(Ledger.send)
    post = _call(Ledger.post)
    transaction = _call(Ledger.transaction)
    block = _call(Ledger.block)
    head = _call(Ledger.head)
    consortium = _call(Ledger.consortium)
    status = _call(Ledger.status)
    blocks = _iterator(Ledger.blocks)
    watch = _iterator(Ledger.watch)

    def submit_many(
        self,
        items: Iterable[ManyItem],
        *,
        window: int = WINDOW,
        wait: bool = True,
        timeout_seconds: float | None = None,
    ) -> Iterator[Outcome]:
        """As `Ledger.submit_many`; `items` is read in the caller's thread and may block."""
        return _submit_many(self._face, self._thread, items, (window, wait, timeout_seconds))


def _submit_many(
    ledger: Ledger,
    thread: LoopThread,
    items: Iterable[ManyItem],
    options: tuple[int, bool, float | None],
) -> Iterator[Outcome]:
    window, wait, timeout_seconds = options
    source = map(ledger.signed, items)
    room = window
    pipeline = thread.run(_open(ledger, window, wait, timeout_seconds))
    try:
        while chunk := _chunk(source, room):
            outcomes, room = thread.run(_exchange(pipeline, chunk))
            yield from outcomes
        while outcomes := thread.run(_rest(pipeline)):
            yield from outcomes
    finally:
        thread.run(pipeline.__aexit__())


def _chunk(source: Iterator[Item], room: int) -> list[Item]:
    ends_at = time.monotonic() + _CHUNK_SECONDS
    chunk = []
    for item in islice(source, min(room, _CHUNK)):
        chunk.append(item)
        if time.monotonic() > ends_at:
            break
    return chunk


async def _open(ledger: Ledger, window: int, wait: bool, timeout_seconds: float | None) -> Pipeline:
    pipeline = ledger.pipeline(window=window, wait=wait, timeout_seconds=timeout_seconds)
    return await pipeline.__aenter__()


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


@contextmanager
def connect_sync(
    addresses: str | Sequence[str],
    *,
    identity: Identity | None = None,
    chain_id: str | bytes | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    discover: bool = True,
) -> Iterator[SyncLedger]:
    """As `connect`, blocking, for use in a plain `with`."""
    connecting = connect(
        addresses,
        identity=identity,
        chain_id=chain_id,
        timeout_seconds=timeout_seconds,
        discover=discover,
    )
    thread = LoopThread()
    try:
        ledger = thread.run(connecting.__aenter__())
        try:
            yield SyncLedger(ledger, thread)
        finally:
            thread.run(connecting.__aexit__(None, None, None))
    finally:
        thread.close()
