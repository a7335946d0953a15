"""The heads that this node executed: the newest ones at hand, all others from the history tree."""

from __future__ import annotations

from typing import Final

from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import invariant
from twinledger.ledger.history_tree import HistoryReader, Place, root
from twinledger.ledger.merkle import leaf_hash, node_hash

KEPT_ROOTS: Final = 4_096
"""Of the newest sizes; the heads of others rarely concern older ones."""


class OwnHeads:
    """The heads of one log, one for each size, as this node has them."""

    def __init__(self, origin: str, history: HistoryReader, size: int) -> None:
        """``history`` must hold the leaves of ``size`` and, before ``add``, one more each time."""
        self.origin = origin
        self.history = history
        self.size = size
        self._edge = _right_edge(history, size)
        self._roots: dict[int, bytes] = {}

    def add(self, header: bytes) -> Checkpoint:
        """The head that ends at the next header, the one of height ``size``."""
        _append(self._edge, leaf_hash(header))
        self.size += 1
        found = self._roots[self.size] = _fold(self._edge)
        self._roots.pop(self.size - KEPT_ROOTS, None)
        return Checkpoint(self.origin, self.size, found)

    def head(self, size: int) -> Checkpoint:
        """The head of a size up to this node's own."""
        invariant(0 < size <= self.size, "a head is asked for that was executed")
        return Checkpoint(self.origin, size, self._roots.get(size) or root(self.history, size))

    def differs(self, head: Checkpoint) -> bool:
        """Whether this node executed the size of a head and has another root there."""
        return head.size <= self.size and self.head(head.size).root != head.root


def _right_edge(history: HistoryReader, size: int) -> list[tuple[int, bytes]]:
    """The complete subtrees that make a tree of this size, with their levels, largest first."""
    edge, start = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            edge.append((level, history.history_hash(Place(level, start >> level))))
            start += 1 << level
    return edge


def _append(edge: list[tuple[int, bytes]], leaf: bytes) -> None:
    level, found = 0, leaf
    while edge and edge[-1][0] == level:
        found = node_hash(edge.pop()[1], found)
        level += 1
    edge.append((level, found))


def _fold(edge: list[tuple[int, bytes]]) -> bytes:
    found = edge[-1][1]
    for _, left in reversed(edge[:-1]):
        found = node_hash(left, found)
    return found
