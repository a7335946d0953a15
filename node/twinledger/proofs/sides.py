"""Paths in a block's own trees, whose sizes no header tells.

An inclusion path of RFC 9162 is read with the leaf's index and the tree's size. Nothing pins those
two here, so a bundle tells of each hash on which side it stands: leaf, path and sides then lead to
one root, and one root has only these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.merkle import leaf_hash, node_hash

MAX_LEVELS: Final = 32


def sides_of(index: int, count: int) -> int:
    """Of an inclusion path: bit i is 1 when its hash i, from the leaf up, stands to the left."""
    node, last, sides, place = index, count - 1, 0, 0
    while last:
        if node & 1 or node < last:
            sides |= (node & 1) << place
            place += 1
        node, last = node >> 1, last >> 1
    return sides


def place_of(sides: int, levels: int) -> str:
    """Where a leaf stands: its turns from the root down, 0 left; ascending from left to right."""
    return f"{sides:0{levels}b}" if levels else ""


def may_stand(index: int, sides: int, levels: int) -> bool:
    """Whether the leaf of an index, in a tree of some size, can have a path of these sides."""
    for depth in range(levels + 1):
        # Up to `depth` something stands to the right; above, only what stands to the left.
        upper = (index >> depth).bit_count()
        low = index & ((1 << depth) - 1)
        if depth + upper == levels and low | ((1 << upper) - 1) << depth == sides:
            return True
    return False


def check_leaf(root: bytes, leaf: bytes, path: Sequence[bytes], sides: int) -> None:
    """Checks that a tree of this root has a leaf.

    Raises:
        LedgerError: PROOF_INVALID.
    """
    if len(path) > MAX_LEVELS or not 0 <= sides < 1 << len(path):
        _refuse("a path has other sides than hashes")
    found = leaf_hash(leaf)
    for place, beside in enumerate(path):
        left = sides >> place & 1
        found = node_hash(beside, found) if left else node_hash(found, beside)
    if found != root:
        _refuse("it leads to another root")


def _refuse(why: str) -> NoReturn:
    raise LedgerError(Code.PROOF_INVALID, why)
