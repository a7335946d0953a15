"""What happens to a committed entry: executed in its own thread, stored, then told to all who wait."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from twinledger.consensus import Entry, EntryKind
from twinledger.execution import Execution, Parent, execute
from twinledger.ledger.block import BlockBody
from twinledger.ledger.limits import Limits
from twinledger.node.preparation import Preparation
from twinledger.storage import ChainStore


@dataclass(slots=True)
class Applier:
    """Executes committed entries in order."""

    chain: ChainStore
    preparation: Preparation
    thread: Executor
    """One thread: blocks are executed in order."""
    chain_id: bytes
    limits: Limits
    parent: Parent
    executed: Callable[[Execution], None] = lambda _: None
    """Told of each block, on the event loop, after it is stored."""

    async def run(self, pages: "asyncio.Queue[Sequence[Entry]]") -> None:
        """Execute page after page for ever."""
        loop = asyncio.get_running_loop()
        while True:
            for entry in await pages.get():
                execution = await loop.run_in_executor(self.thread, self._apply, entry)
                self.preparation.forget(execution.transactions)
                self.executed(execution)

    def _apply(self, entry: Entry) -> Execution:
        payload = entry.payload if entry.kind is EntryKind.BLOCK else b""
        prepared = self.preparation.collect(transactions_of(payload, self.limits))
        execution = execute(
            self.parent, self.chain, entry.term, payload, prepared, self.chain_id, self.limits
        )
        self.chain.apply(execution)
        self.parent = Parent.of(execution)
        return execution


def transactions_of(payload: bytes, limits: Limits) -> tuple[bytes, ...]:
    """Return a block payload's transactions; none when it is empty or no BlockBody."""
    return BlockBody.decode_or_empty(payload, limits).transactions if payload else ()
