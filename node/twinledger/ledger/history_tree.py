"""The history tree: the Merkle tree of RFC 9162 over the headers of all blocks, leaf 0 genesis.

Stored are the hashes of complete subtrees alone, by level and number: number i of level l covers
the leaves from i 2**l up to (i + 1) 2**l. None of them ever changes. A block adds its leaf and the
subtrees that it completes, two on the average; any root or proof of any size reads as many as the
tree has levels, twice at most.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from twinledger.ledger.errors import invariant
from twinledger.ledger.merkle import EMPTY_ROOT, leaf_hash, node_hash


class Place(NamedTuple):
    """Which complete subtree: level 0 has the leaves."""

    level: int
    number: int


class HistoryReader(Protocol):
    """Reads what was appended."""

    def history_hash(self, place: Place) -> bytes:
        """The hash of a complete subtree."""
        ...


def append(reader: HistoryReader, size: int, leaf: bytes) -> dict[Place, bytes]:
    """The subtrees that the next leaf of a tree of this size completes, its own first."""
    place, found = Place(0, size), leaf_hash(leaf)
    completed = {place: found}
    while place.number & 1:
        found = node_hash(reader.history_hash(Place(place.level, place.number - 1)), found)
        place = Place(place.level + 1, place.number >> 1)
        completed[place] = found
    return completed


def root(reader: HistoryReader, size: int) -> bytes:
    """The tree's root when it had this size (RFC 9162, section 2.1.1)."""
    return _hash(reader, 0, size) if size else EMPTY_ROOT


def inclusion_proof(reader: HistoryReader, index: int, size: int) -> tuple[bytes, ...]:
    """The way from a leaf to the root of a size (RFC 9162, section 2.1.3.1)."""
    invariant(0 <= index < size, "a leaf is proven in a tree that holds it")
    way, start, stop = [], 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            way.append(_hash(reader, middle, stop))
            stop = middle
        else:
            way.append(_hash(reader, start, middle))
            start = middle
    return tuple(reversed(way))


def consistency_proof(reader: HistoryReader, first: int, second: int) -> tuple[bytes, ...]:
    """That the tree of the second size begins with that of the first (section 2.1.4.1)."""
    invariant(0 < first <= second, "a tree extends one that is not empty and not larger")
    way, start, stop = [], 0, second
    while stop > first:
        middle = start + _split(stop - start)
        if first <= middle:
            way.append(_hash(reader, middle, stop))
            stop = middle
        else:
            way.append(_hash(reader, start, middle))
            start = middle
    if start:  # else the verifier has this one: it is the first tree itself
        way.append(_hash(reader, start, stop))
    return tuple(reversed(way))


def _split(size: int) -> int:
    """The greatest power of two below a size of at least two."""
    return 1 << (size - 1).bit_length() - 1


def _hash(reader: HistoryReader, start: int, stop: int) -> bytes:
    """The hash over a range of leaves that the RFC's splitting leads to."""
    complete = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        complete.append(reader.history_hash(Place(level, start >> level)))
        start += 1 << level
    found = complete.pop()
    while complete:
        found = node_hash(complete.pop(), found)
    return found
