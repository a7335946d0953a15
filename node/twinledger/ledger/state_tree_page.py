"""What the state tree is made of: leaves, branches, and the pages they are stored in.

The tree is binary and hashed as such: ``docs/formats``, "State tree" defines it without a word of
pages. A page only holds four levels of it together, because a database reads and writes one record
of 16 subtrees far faster than 15 records of two.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

from twinledger.ledger import domains
from twinledger.ledger.errors import Code, LedgerError

EMPTY: Final = domains.ZERO_HASH
"""The hash of a subtree without leaves."""
LEVELS: Final = 4
"""Of a page, each one bit of a path."""
WIDTH: Final = 1 << LEVELS
"""The subtrees below a page."""

_BITS: Final = tuple([1 << slot for slot in range(WIDTH)])
_SLOTS: Final = struct.Struct(">HH")
_LEAF: Final = struct.Struct(">32s32s")
_BRANCH: Final = struct.Struct(">Q32s")


class Leaf(NamedTuple):
    """The one leaf of a subtree. It stands for the subtree, whatever the subtree's depth."""

    hash: bytes
    path: bytes
    value_hash: bytes


class Branch(NamedTuple):
    """A subtree of two leaves or more, and which block wrote its page; no matter inside a page."""

    hash: bytes
    height: int


Subtree: TypeAlias = Leaf | Branch | None


class PageKey(NamedTuple):
    """Where a page is stored: the block that wrote it, and its path in hexadecimal digits.

    Pages are named by height and not by content, so that a page that comes back is another page
    and the older one can be pruned without asking who else needs it.
    """

    height: int
    prefix: bytes


def path_of(key: bytes) -> bytes:
    """The 256 turns, left for 0, that lead from the root to a key of the state."""
    return sha256(domains.STATE_PATH + key).digest()


def hash_value(value: bytes) -> bytes:
    """What a leaf tells of its value."""
    return sha256(domains.STATE_VALUE + value).digest()


def leaf_hash(path: bytes, value_hash: bytes) -> bytes:
    """The hash of a subtree with one leaf."""
    return sha256(domains.STATE_LEAF + path + value_hash).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a subtree with two leaves or more, of its halves' hashes."""
    return sha256(domains.STATE_NODE + left + right).digest()


def make_leaf(path: bytes, value_hash: bytes) -> Leaf:
    """The leaf at a path."""
    return Leaf(leaf_hash(path, value_hash), path, value_hash)


# This is done for every node of every change: the plain calls cost as much again as the hashing.
_branch: Final[Callable[[tuple[bytes, int]], Branch]] = partial(tuple.__new__, Branch)


def _joined(left: Subtree, right: Subtree) -> Subtree:
    """The subtree of two halves; a leaf that is alone in it stands for it."""
    if left is not None and right is not None:
        return _branch((sha256(domains.STATE_NODE + left[0] + right[0]).digest(), 0))
    one = right if left is None else left
    if type(one) is not Branch:
        return one
    halves = EMPTY + one.hash if left is None else one.hash + EMPTY
    return _branch((sha256(domains.STATE_NODE + halves).digest(), 0))


@dataclass(frozen=True, slots=True)
class Page:
    """Four levels of the tree.

    Attributes:
        subtrees: As in a heap: 1 is the page's own, n's halves are 2 n and 2 n + 1, and from 16 on
            stand the subtrees below the page. 0 is not used.
    """

    subtrees: tuple[Subtree, ...]

    @property
    def hash(self) -> bytes:
        """The hash of the page's subtree."""
        root = self.subtrees[1]
        return EMPTY if root is None else root.hash

    def replaced(self, below: Mapping[int, Subtree]) -> Page:
        """The page with other subtrees in some of its 16 slots."""
        subtrees = list(self.subtrees)
        for slot, subtree in below.items():
            subtrees[WIDTH + slot] = subtree
        touched = {WIDTH + slot >> 1 for slot in below}
        for _ in range(LEVELS):
            for node in touched:
                subtrees[node] = _joined(subtrees[2 * node], subtrees[2 * node + 1])
            touched = {node >> 1 for node in touched}
        return Page(tuple(subtrees))

    def encode(self) -> bytes:
        """The page as it is stored; what can be hashed again from the rest is left out."""
        leaves = branches = 0
        parts = [b""]
        for bit, subtree in zip(_BITS, self.subtrees[WIDTH:], strict=True):
            if type(subtree) is Branch:
                branches |= bit
                branch_hash, height = subtree
                parts += (height.to_bytes(8, "big"), branch_hash)
            elif type(subtree) is Leaf:
                leaves |= bit
                parts += subtree[1:]
        parts[0] = _SLOTS.pack(leaves, branches)
        return b"".join(parts)

    @classmethod
    def decode(cls, raw: bytes) -> Page:
        """Reads a stored page and hashes it again.

        Raises:
            LedgerError: MALFORMED, when it is no page.
        """
        try:
            return EMPTY_PAGE.replaced(_read_slots(raw))
        except struct.error:
            raise LedgerError(Code.MALFORMED, "a page of the state tree ends too early") from None


def _read_slots(raw: bytes) -> dict[int, Subtree]:
    leaves, branches = _SLOTS.unpack_from(raw)
    below: dict[int, Subtree] = {}
    at = _SLOTS.size
    for slot in range(WIDTH):
        if leaves >> slot & 1:
            below[slot] = make_leaf(*_LEAF.unpack_from(raw, at))
            at += _LEAF.size
        elif branches >> slot & 1:
            height, branch_hash = _BRANCH.unpack_from(raw, at)
            below[slot] = Branch(branch_hash, height)
            at += _BRANCH.size
    if leaves & branches or at != len(raw):
        raise LedgerError(Code.MALFORMED, "a page of the state tree has another size")
    return below


EMPTY_PAGE: Final = Page((None,) * (2 * WIDTH))
