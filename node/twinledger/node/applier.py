"""What happens to a committed entry: executed in a thread of its own, stored, then told."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from twinledger.consensus import Entry, EntryKind
from twinledger.execution.execute import block_transactions, execute
from twinledger.execution.results import Execution, Parent
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
        prepared = self.preparation.collect(block_transactions(payload, self.limits))
        execution = execute(
            self.parent, self.chain, entry.term, payload, prepared, self.chain_id, self.limits
        )
        self.chain.apply(execution)
        self.parent = execution.as_parent()
        return execution
