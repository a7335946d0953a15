"""Checking what the history tree proves, as RFC 9162, sections 2.1.3.2 and 2.1.4.2 say.

Whatever it is given, each function raises PROOF_INVALID or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.merkle import leaf_hash, node_hash

MAX_HASHES: Final = 64
"""Of a proof: enough for any number of blocks that a header can count."""
_SIZE: Final = 32


def encode_way(way: Sequence[bytes]) -> bytes:
    """A proof's bytes: its hashes, one after the other."""
    return b"".join(way)


def decode_way(raw: bytes) -> tuple[bytes, ...]:
    """Reads a proof's hashes.

    Raises:
        LedgerError: PROOF_INVALID.
    """
    if len(raw) % _SIZE or len(raw) > MAX_HASHES * _SIZE:
        _refuse(f"a proof of the history tree has at most {MAX_HASHES} hashes of {_SIZE} bytes")
    return tuple([raw[at : at + _SIZE] for at in range(0, len(raw), _SIZE)])


def verify_inclusion(root: bytes, size: int, index: int, leaf: bytes, way: Sequence[bytes]) -> None:
    """Checks that a tree of this root and size holds a leaf.

    Args:
        root: The tree's root.
        size: How many leaves it has.
        index: Which of them the leaf is, from 0.
        leaf: The leaf itself: a block's header.
        way: The hashes of the proof.

    Raises:
        LedgerError: PROOF_INVALID.
    """
    _check_sizes(index + 1, size, way)
    node, last, found = index, size - 1, leaf_hash(leaf)
    for sibling in way:
        if last == 0:
            _refuse("it has more hashes than the tree has levels")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            node, last = _without_left_edge(node, last)
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last or found != root:
        _refuse("it leads to another root")


def verify_consistency(
    first_root: bytes, first: int, second_root: bytes, second: int, way: Sequence[bytes]
) -> None:
    """Checks that the tree of the second root and size begins with that of the first.

    Raises:
        LedgerError: PROOF_INVALID.
    """
    _check_sizes(first, second, way)
    if first == second:
        if way or first_root != second_root:
            _refuse("trees of one size are consistent when they are the same")
        return
    if first & (first - 1) == 0:
        way = (first_root, *way)
    if not way:
        _refuse("it has no hashes")
    node, last = _shifted(first - 1, second - 1)
    old = new = way[0]
    for sibling in way[1:]:
        if last == 0:
            _refuse("it has more hashes than the tree has levels")
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            node, last = _without_left_edge(node, last)
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last or old != first_root or new != second_root:
        _refuse("it leads to other roots")


def _shifted(node: int, last: int) -> tuple[int, int]:
    """Up to the subtree that both trees have complete and the first ends with."""
    while node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _without_left_edge(node: int, last: int) -> tuple[int, int]:
    """Up to where the node is a right half again: on the right edge some levels have no sibling."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _check_sizes(first: int, second: int, way: Sequence[bytes]) -> None:
    if not 0 < first <= second <= 1 << MAX_HASHES:
        _refuse("the tree has no such leaf or size")
    if len(way) > MAX_HASHES:
        _refuse(f"it has more than {MAX_HASHES} hashes")


def _refuse(why: str) -> NoReturn:
    raise LedgerError(Code.PROOF_INVALID, why)
