"""What a block changes in the records of the trees, and what it lets go of older ones.

Heights are pruned in order, each by the list that its block left of what it replaced. A block
prunes two at most, so its work is bounded by what two blocks wrote, and a chain whose operator has
set fewer heights catches up while it goes on.
"""

from collections.abc import Iterator
from typing import Final

from twinledger.execution.results import Execution
from twinledger.ledger.history_tree import append
from twinledger.storage.chain_reader import ChainReader
from twinledger.storage.chain_records import (
    Change,
    decode_list,
    encode_height,
    encode_list,
)
from twinledger.storage.chain_tree_records import (
    OLDEST_KEY,
    history_key,
    page_key,
    replaced_key,
    stale_key,
)
from twinledger.storage.damage import REBUILD_CHAIN, damaged
from twinledger.storage.database import View

MAX_PRUNED: Final = 2
"""Heights that one block prunes."""


def tree_changes(chain: ChainReader, execution: Execution) -> Iterator[Change]:
    """Yield what a block writes into the trees; `chain` is still of its parent."""
    height = execution.header.height
    for page, content in execution.tree.pages.items():
        yield page_key(page), content.encode()
    stale = [page_key(page) for page in execution.tree.stale]
    for key, value in _replaced(chain, execution):
        stale.append(key)
        yield key, value
    if stale:  # always, but for genesis: every other block replaces the root's page
        yield stale_key(height), encode_list(stale)
    for place, found in append(chain.trees, height, execution.header_bytes).items():
        yield history_key(place), found


def _replaced(chain: ChainReader, execution: Execution) -> Iterator[tuple[bytes, bytes]]:
    """Yield the values that a block changes or deletes, as they are kept for older heights."""
    height = execution.header.height
    for key, value in execution.writes.items():
        before = chain.get(key)
        if before is not None and before != value:
            yield replaced_key(key, height), before


def next_oldest(oldest: int, height: int, kept_heights: int, certified: int) -> int:
    """Return the oldest height whose state can be proven after a block of this height.

    What is proven is proven under a certified head, so the newest one's state stays, however far
    certification lags behind.
    """
    # What a block makes stale is listed by that block itself: its own list cannot be read yet.
    wanted = min(height - max(kept_heights, 1), certified)
    return max(oldest, min(oldest + MAX_PRUNED, wanted))


def pruning_changes(view: View, oldest: int, reached: int) -> Iterator[Change]:
    """Yield what lets heights go, from the oldest up to the one that shall be it."""
    for height in range(oldest + 1, reached + 1):
        record = view.get(stale_key(height))
        if record is None:
            told = f"The list of what height {height} made stale is missing"
            raise damaged(told, REBUILD_CHAIN)
        for key in (*decode_list(record), stale_key(height)):
            yield key, None
    yield OLDEST_KEY, encode_height(reached)
