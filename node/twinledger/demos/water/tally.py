"""The count that the demonstration stands on: was every acknowledged transaction kept exactly once?

Pure: it takes the ids that clients hold receipts for, and each node's blocks as that node served
them. That a node's blocks are one chain is checked where they are read (chain).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

TransactionId = bytes


@dataclass(frozen=True, slots=True)
class BlockContents:
    """What matters of one block.

    Attributes:
        height: Its height.
        header_hash: The hash that names it.
        committed: The transactions that took effect in it, in order.
        updates: How many updates of twins they made together.
    """

    height: int
    header_hash: bytes
    committed: tuple[TransactionId, ...]
    updates: int


@dataclass(frozen=True, slots=True)
class NodeChain:
    """What counting one node's blocks gave.

    Attributes:
        height: The height of its last block.
        head: The hash of that block's header.
        effects: How often each transaction took effect.
        updates: How many updates of twins there were.
    """

    height: int
    head: bytes
    effects: Counter[TransactionId]
    updates: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The count over all nodes.

    Attributes:
        chains: What each node's blocks held, by node.
        acknowledged: How many transactions clients hold receipts for.
        found: How many of these took effect on every node.
        lost: Those that some node does not have.
        duplicated: Transactions that took effect more than once on some node.
    """

    chains: dict[str, NodeChain]
    acknowledged: int
    found: int
    lost: frozenset[TransactionId]
    duplicated: frozenset[TransactionId]

    @property
    def heads_equal(self) -> bool:
        """True when all nodes have one head at one height."""
        return len({(chain.height, chain.head) for chain in self.chains.values()}) == 1

    @property
    def updates(self) -> int:
        """How many updates of twins the node with the fewest holds."""
        return min(chain.updates for chain in self.chains.values())

    @property
    def clean(self) -> bool:
        """True when nothing is lost, nothing has two effects, and all nodes agree."""
        return self.heads_equal and not self.lost and not self.duplicated


def count_blocks(blocks: Iterable[BlockContents]) -> NodeChain:
    """Counts one node's blocks, which begin at genesis and follow one another.

    Raises:
        ValueError: A height is missing, or there is no block at all.
    """
    effects: Counter[TransactionId] = Counter()
    height, head, updates = -1, b"", 0
    for block in blocks:
        if block.height != height + 1:
            raise ValueError(f"block {height + 1} is missing: {block.height} came instead")
        height, head = block.height, block.header_hash
        effects.update(block.committed)
        updates += block.updates
    if height < 0:
        raise ValueError("there is no block, not even genesis")
    return NodeChain(height, head, effects, updates)


def tally(acknowledged: Collection[TransactionId], chains: Mapping[str, NodeChain]) -> Tally:
    """Compares what was acknowledged with what each node holds."""
    wanted = frozenset(acknowledged)
    kept = [chain.effects for chain in chains.values()]
    lost = frozenset(id_ for id_ in wanted if not all(effects[id_] for effects in kept))
    twice = frozenset(id_ for effects in kept for id_, times in effects.items() if times > 1)
    return Tally(dict(chains), len(wanted), len(wanted) - len(lost), lost, twice)
