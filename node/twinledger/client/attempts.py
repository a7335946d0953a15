"""Tries node after node until one answers or the deadline passes.

Every request of the SDK may be repeated safely: reads change nothing, and a transaction's id makes
its second submission return the first one's receipt.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

import grpc.aio

from twinledger.client.failures import NOT_KNOWN, RETRYABLE, end_if_cancelled, from_rpc
from twinledger.client.nodes import Node, Nodes
from twinledger.ledger.errors import Code, LedgerError

Answer = TypeVar("Answer")

ATTEMPT_SECONDS: Final = 10.0
"""One node gets at most this long: it may be cut off from the others without knowing it yet."""

_PAUSE_SECONDS_MIN: Final = 0.05
_PAUSE_SECONDS_MAX: Final = 1.0


class Deadline:
    """A moment by which a call must have ended."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        """`seconds` from now."""
        self._at = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self._at - time.monotonic())


class Pauses:
    """How long to wait before the next try: not at all for one tour of the nodes, then longer."""

    __slots__ = ("_failures", "_nodes")

    def __init__(self, nodes: Nodes) -> None:
        """`nodes` says how long a tour is."""
        self._nodes = nodes
        self._failures = 0

    def reset(self) -> None:
        """Something worked."""
        self._failures = 0

    def next(self, failure: LedgerError) -> float:
        """Seconds to wait after this failure."""
        self._failures += 1
        if failure.retry_after_us:
            return failure.retry_after_us / 1e6
        tours, rest = divmod(self._failures, len(self._nodes.endpoints))
        if tours == 0 or rest:
            return 0.0
        longest = min(_PAUSE_SECONDS_MAX, _PAUSE_SECONDS_MIN * 2.0 ** (tours - 1))
        # Clients that lost the same node at the same moment must not come back in step.
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret


class Attempts:
    """The tries of one request.

    Attributes:
        uncertain: Whether some node may have acted on the request without our knowing.
    """

    __slots__ = ("_deadline", "_failure", "_looked", "_mistake", "_nodes", "_pauses", "uncertain")

    def __init__(self, nodes: Nodes, deadline: Deadline) -> None:
        self._nodes = nodes
        self._deadline = deadline
        self._pauses = Pauses(nodes)
        self._looked = False
        self._failure: LedgerError | None = None
        self._mistake: LedgerError | None = None
        self.uncertain: bool = False

    async def run(self, attempt: Callable[[Node, float], Awaitable[Answer]]) -> Answer:
        """Calls `attempt(node, seconds)` until it succeeds.

        Raises:
            LedgerError: what the node answered, when trying again cannot help; what keeps TLS from
                working, when that is why; else the last failure before the deadline.
        """
        while True:
            node = self._nodes.current
            try:
                return await attempt(node, min(ATTEMPT_SECONDS, self._deadline.remaining))
            except grpc.aio.AioRpcError as error:
                end_if_cancelled()
                failure = from_rpc(error, node.address)
            except LedgerError as error:
                failure = error
            await self._prepare_next(node, failure)

    async def _prepare_next(self, node: Node, failure: LedgerError) -> None:
        if failure.code not in RETRYABLE:
            raise failure
        self.uncertain = self.uncertain or failure.code in NOT_KNOWN
        if not self._deadline.remaining:
            # The deadline cut this try off: the one before it tells more.
            raise self._mistake or self._failure or failure
        self._failure = failure
        self._nodes.leave(node)
        pause = self._pauses.next(failure)
        if pause and failure.code is Code.CONNECTION_LOST:
            await self._look_for_mistakes()
        if pause >= self._deadline.remaining:
            raise self._mistake or failure
        await asyncio.sleep(pause)

    async def _look_for_mistakes(self) -> None:
        """After the first tour: see whether it is TLS that keeps us from the nodes.

        Raises:
            LedgerError: the first mistake, when there is one wherever we tried.
        """
        if self._looked:
            return
        self._looked = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._deadline.remaining):
                mistakes = await self._nodes.mistakes()
            self._mistake = next((each for each in mistakes if each is not None), None)
            if self._mistake is not None and None not in mistakes:
                raise self._mistake
