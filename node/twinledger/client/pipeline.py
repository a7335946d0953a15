"""Many transactions at once: a bounded window over `SubmitStream`, many to a message.

Transactions go in by `add`, outcomes come out by `take`, in any order. A lost stream is opened
again at the next node and everything without an outcome is sent again, the same bytes; a refusal
that waiting helps is sent again after its delay. Messages carry what is waiting when one can be
written; their size is never set by a timer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, Self

import grpc.aio

from twinledger.client.attempts import ATTEMPT_SECONDS, Pauses
from twinledger.client.failures import RETRYABLE, OutcomeUnknown, from_message, from_rpc
from twinledger.client.nodes import Node
from twinledger.client.receipts import Stage, TransactionStatus, Wait
from twinledger.client.session import Session, receipt_of, status_of
from twinledger.client.transactions import SignedTransaction
from twinledger.client.window import Item, Outcome, Window
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1 import ledger_service_pb2

if TYPE_CHECKING:
    Call = grpc.aio.StreamStreamCall[
        ledger_service_pb2.SubmitStreamRequest, ledger_service_pb2.SubmitStreamResponse
    ]

_CHECK_SECONDS: Final = 0.25
"""How often deadlines and silence are looked for, and so how late they may be noticed."""

_SEND_AGAIN_SECONDS_MIN: Final = 0.05

_LEAVE: Final = frozenset({Code.STOPPING, Code.DRAINING, Code.DISK_LOW})
"""Refusals that concern the node, not the moment: another node may take the transaction at once."""

_PROVERS: Final = 8
"""Receipts that are asked for at once."""

Prove = Callable[[TransactionStatus, float | None], Awaitable[TransactionStatus]]
"""Has a node prove what it told of a transaction, within so many seconds."""


class Pipeline:
    """One run of many transactions; used from one event loop, as an async context manager."""

    def __init__(
        self,
        session: Session,
        prove: Prove,
        *,
        window: int,
        wait: Wait,
        timeout_seconds: float | None,
    ) -> None:
        """`timeout_seconds` holds for each transaction; with CERTIFIED `prove` settles each."""
        self._session = session
        self._prove = prove if wait is Wait.CERTIFIED else None
        self._proving: set[asyncio.Task[None]] = set()
        self._provers = asyncio.Semaphore(_PROVERS)
        self._window = Window(window)
        self._wait_for = wait.to_message()
        self._timeout_seconds = (
            session.timeout_seconds if timeout_seconds is None else timeout_seconds
        )
        self._ended = False
        self._broken: BaseException | None = None
        self._last_failure = LedgerError(Code.CONNECTION_LOST, "no node answered")
        self._heard_at = time.monotonic()
        self._leave_node = asyncio.Event()
        self._to_send = asyncio.Event()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(each()) for each in (self._run, self._keep_time)]
        for task in self._tasks:
            task.add_done_callback(self._note_end)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        # Whatever broke a task has been raised to the caller by _change.
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in self._proving:
            task.cancel()

    @property
    def room(self) -> int:
        """How many transactions may be added now."""
        return self._window.room

    def add(self, transactions: Sequence[SignedTransaction]) -> None:
        """Takes transactions, no more than there is room for."""
        if not self._window.unsettled:
            # Silence while there was nothing to answer is not held against the node.
            self._heard_at = time.monotonic()
        self._window.add(transactions, time.monotonic() + self._timeout_seconds)
        self._to_send.set()

    def end(self) -> None:
        """Says that nothing will be added any more."""
        self._ended = True
        self._to_send.set()
        self._changed.set()

    async def wait_room(self) -> None:
        """Returns when something may be added.

        Raises:
            LedgerError: nothing can be sent any more.
        """
        while not self._window.room:
            await self._change()

    async def take(self) -> list[Outcome]:
        """The outcomes known so far, at least one; none when all have been taken.

        Raises:
            LedgerError: nothing can be sent any more.
        """
        while not self._window.known and not self._complete:
            await self._change()
        return self.take_known()

    def take_known(self) -> list[Outcome]:
        """The outcomes known so far, perhaps none."""
        outcomes = self._window.take()
        self._changed.set()
        return outcomes

    @property
    def _complete(self) -> bool:
        return self._ended and not self._window.unsettled

    async def _change(self) -> None:
        if self._broken is not None:
            raise self._broken
        self._changed.clear()
        await self._changed.wait()

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._broken = task.exception()
            self._changed.set()

    async def _keep_time(self) -> None:
        """Gives up on transactions whose deadline passed, and on a node that says nothing."""
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            now = time.monotonic()
            settled = self._window.settled
            self._window.give_up(now, self._last_failure)
            if self._window.settled != settled:
                self._note_settled()
            if self._window.unsettled and now - self._heard_at > ATTEMPT_SECONDS:
                self._leave_node.set()

    def _note_settled(self) -> None:
        self._changed.set()
        if self._complete:
            # The writer sleeps; it is to close the stream.
            self._to_send.set()

    async def _run(self) -> None:
        pauses = Pauses(self._session.nodes)
        while not self._complete:
            node = self._session.nodes.current
            settled = self._window.settled
            failure = await self._one_stream(node)
            if failure is None:
                return
            if failure.code not in RETRYABLE:
                raise failure
            if self._window.settled > settled:
                pauses.reset()
            self._last_failure = failure
            self._session.nodes.leave(node)
            await asyncio.sleep(pauses.next(failure))
            self._heard_at = time.monotonic()

    async def _one_stream(self, node: Node) -> LedgerError | None:
        """Works over one stream until it fails; None when everything has its outcome."""
        # The stubs know only the style that hands over an iterator.
        call = node.ledger.SubmitStream()  # type: ignore[call-arg]
        sent: dict[int, Item] = {}
        self._leave_node.clear()
        reader = asyncio.create_task(self._read(call, sent, node))
        writer = asyncio.create_task(self._write(call, sent))
        leaving = asyncio.create_task(self._leave_node.wait())
        try:
            await asyncio.wait((reader, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reader, writer, leaving):
                task.cancel()
            ends = await asyncio.gather(reader, writer, leaving, return_exceptions=True)
            call.cancel()
            self._window.stream_lost()
            self._to_send.set()
        return self._failure_of(node, ends)

    def _failure_of(self, node: Node, ends: Sequence[object]) -> LedgerError | None:
        for end in ends:
            if isinstance(end, grpc.aio.AioRpcError):
                return from_rpc(end, node.address)
            if isinstance(end, Exception):
                raise end
        if self._complete:
            return None
        why = "was left: it does not take transactions" if self._leave_node.is_set() else "hung up"
        return LedgerError(Code.CONNECTION_LOST, f"{node.address} {why}")

    async def _write(self, call: "Call", sent: dict[int, Item]) -> None:
        sequence = 0
        while not self._complete:
            items = self._window.next_message()
            if not items:
                self._to_send.clear()
                await self._to_send.wait()
                continue
            for item in items:
                sent[sequence] = item
                sequence += 1
            request = ledger_service_pb2.SubmitStreamRequest(
                transactions=[item.transaction.raw for item in items], wait_for=self._wait_for
            )
            await call.write(request)
        await call.done_writing()

    async def _read(self, call: "Call", sent: dict[int, Item], node: Node) -> None:
        async for response in call:
            self._heard_at = time.monotonic()
            for result in response.results:
                item = sent.pop(result.sequence, None)
                if item is not None:
                    self._take_result(item, result, node)
            self._note_settled()

    def _take_result(self, item: Item, result: ledger_service_pb2.SubmitResult, node: Node) -> None:
        if result.WhichOneof("result") == "status":
            try:
                status = status_of(item.transaction, result.status)
            except LedgerError as error:
                self._window.settle(item, None, error)
                return
            self._session.note(status.receipt, node)
            if self._prove is None or status.receipt is None:
                self._window.settle(item, status, _error_of(status))
                return
            task = asyncio.create_task(self._settle_proven(self._prove, item, status))
            self._proving.add(task)
            task.add_done_callback(self._proving.discard)
            return
        failure = from_message(result.error)
        if failure.code in RETRYABLE:
            self._send_again(item, failure)
            return
        if item.uncertain and failure.code is Code.EXPIRED:
            failure = OutcomeUnknown(item.transaction, failure.message)
        self._window.settle(item, None, failure)

    async def _settle_proven(self, prove: Prove, item: Item, status: TransactionStatus) -> None:
        left = max(0.0, item.deadline - time.monotonic())
        try:
            async with self._provers:
                status = await prove(status, left)
            self._window.settle(item, status, _error_of(status))
        except LedgerError as error:
            self._window.settle(item, None, error)
        self._note_settled()

    def _send_again(self, item: Item, refusal: LedgerError) -> None:
        self._window.refused_for_now(item, refusal)
        if refusal.code in _LEAVE:
            self._leave_node.set()
        delay = max(refusal.retry_after_us / 1e6, _SEND_AGAIN_SECONDS_MIN)
        asyncio.get_running_loop().call_later(delay, self._queue_again, item)

    def _queue_again(self, item: Item) -> None:
        self._window.queue_again(item)
        self._to_send.set()


def _error_of(status: TransactionStatus) -> LedgerError | None:
    if status.stage in (Stage.PENDING, Stage.COMMITTED, Stage.CERTIFIED):
        return None
    try:
        receipt_of(status)
    except LedgerError as error:
        return error
    return None
