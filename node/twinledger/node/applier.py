"""What happens to a committed entry: executed in a thread of its own, stored, then told."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from twinledger.consensus import Entry
from twinledger.consortium.protocol import KNOWN_VERSIONS
from twinledger.execution.execute import block_transactions, execute, limits_of
from twinledger.execution.results import Execution, Ordered, Parent
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
    parent: Parent
    knows: Collection[int] = KNOWN_VERSIONS
    """The protocol versions that this program has."""
    before_store: Callable[[Execution], None] = lambda _: None
    """Called in the thread, before a block is stored."""
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
        ordered = Ordered(entry.term, entry.kind, entry.payload)
        transactions = block_transactions(ordered.body, limits_of(self.chain))
        prepared = self.preparation.collect(transactions)
        execution = execute(self.parent, self.chain, ordered, prepared, self.chain_id, self.knows)
        self.before_store(execution)
        self.chain.apply(execution)
        self.parent = execution.as_parent()
        return execution
