"""Linearizable reads: from which height on a read sees everything acknowledged before it began.

The core confirms with a majority that its leader still led after the question was asked (the
dissertation's section 6.4, ReadIndex). Reads that come while a question is under way join the next
one, never the running one: its round may have begun before they did.
"""

import asyncio
import os
from dataclasses import dataclass, field
from typing import Final

from twinledger.consensus import ConsensusError, Index
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.replica import Replica

_CONTEXT_BYTES: Final = 16
_RETRY_AFTER_US: Final = 100_000
_ANSWER_S: Final = 2.0
"""The question or its answer may be lost between two nodes: then it is asked anew."""


@dataclass(slots=True)
class ReadHeights:
    """Asks the core and hands its answers to those who wait."""

    replica: Replica
    _asked: dict[bytes, "asyncio.Future[int]"] = field(default_factory=dict)
    _next: "asyncio.Task[int] | None" = None

    async def height(self) -> int:
        """Return the height.

        Raises:
            LedgerError: NO_LEADER when nobody leads or the leader changed; OVERLOADED.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._ask())
            # Everybody who asked may have gone away: then nobody wants to know of a failure.
            self._next.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._next)

    def answered(self, context: bytes, index: Index | None) -> None:
        """Take the core's answer."""
        future = self._asked.pop(context, None)
        if future is None or future.done():
            return
        if index is None:
            future.set_exception(_no_leader("the leader changed while it was asked"))
        else:
            future.set_result(index)

    async def _ask(self) -> int:
        # One turn of the event loop later: everybody who asked in this turn shares the question.
        await asyncio.sleep(0)
        self._next = None
        context = os.urandom(_CONTEXT_BYTES)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked[context] = future
        try:
            self.replica.read_index(context)
            return await asyncio.wait_for(future, _ANSWER_S)
        except ConsensusError as error:
            raise _no_leader(str(error)) from error
        except TimeoutError as error:
            raise _no_leader("no majority confirmed who leads") from error
        finally:
            self._asked.pop(context, None)


def _no_leader(detail: str) -> LedgerError:
    return LedgerError(Code.NO_LEADER, detail, retry_after_us=_RETRY_AFTER_US)
