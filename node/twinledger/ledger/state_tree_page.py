"""What the state tree, and each twin's own, is made of: leaves, branches, and stored pages.

The tree is binary and hashed as such: ``docs/formats``, "State tree" defines it without a word of
pages. A page only holds four levels of it together, because a database reads and writes one record
of 16 subtrees far faster than 15 records of two.

A subtree is plain bytes that begin with its hash. A node keeps a hundred thousand of them in
memory, and as objects of a class the garbage collector would walk over them again and again:

====================  =====================================================================
bytes                 subtree
====================  =====================================================================
0                     without leaves
32 hash, 32, 32       with one leaf: its path and its value hash; whatever the subtree's depth
32 hash, 8            with more, below a page: the height of the block that wrote its page
32 hash               with more, inside a page
====================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
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

Subtree: TypeAlias = bytes
NO_LEAVES: Final[Subtree] = b""
LEAF_SIZE: Final = 96
BRANCH_SIZE: Final = 40
INNER_SIZE: Final = 32

_NODE: Final = domains.STATE_NODE
_ABOVE: Final = tuple(
    [tuple([WIDTH + slot >> up for up in range(1, LEVELS + 1)]) for slot in range(WIDTH)]
)


class Branch(NamedTuple):
    """A subtree of two leaves or more, or the root: its hash, and which block wrote its page."""

    hash: bytes
    height: int

    def pack(self) -> Subtree:
        """The branch as it stands in the page above."""
        return self.hash + self.height.to_bytes(8, "big")


class PageKey(NamedTuple):
    """Where a page is stored: which block wrote it, its path, and of which tree it is.

    Pages are named by height and not by content, so that a page that comes back is another page
    and the older one can be pruned without asking who else needs it.

    Attributes:
        height: The block's.
        prefix: The path to the page, in hexadecimal digits.
        tree: The id of the twin whose own tree it is; empty for the state tree.
    """

    height: int
    prefix: bytes
    tree: bytes = b""

    @property
    def shown(self) -> str:
        """The page as a person is told of it."""
        tree = f"twin {self.tree.decode()}" if self.tree else "the state tree"
        return f"{tree}'s page '{self.prefix.decode()}' of height {self.height}"


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


def make_leaf(path: bytes, value_hash: bytes) -> Subtree:
    """The subtree of one leaf."""
    return leaf_hash(path, value_hash) + path + value_hash


def leaf_path(leaf: Subtree) -> bytes:
    """The path of a subtree's one leaf."""
    return leaf[32:64]


def _alone(left: Subtree, right: Subtree) -> Subtree:
    """The subtree of two halves of which one is empty; a leaf that is alone in it stands for it."""
    one = left or right
    if not one or len(one) == LEAF_SIZE:
        return one
    return node_hash(left[:32] or EMPTY, right[:32] or EMPTY)


def _nodes_above(slots: Collection[int]) -> Iterable[int]:
    """The places of a page that lie above slots, halves before what they are halves of."""
    if len(slots) == 1:
        return _ABOVE[next(iter(slots))]
    return sorted({node for slot in slots for node in _ABOVE[slot]}, reverse=True)


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
        return self.subtrees[1][:32] or EMPTY

    def replaced(self, below: Mapping[int, Subtree]) -> Page:
        """The page with other subtrees in some of its 16 slots."""
        subtrees = list(self.subtrees)
        for slot, subtree in below.items():
            subtrees[WIDTH + slot] = subtree
        for node in _nodes_above(below):
            left, right = subtrees[2 * node], subtrees[2 * node + 1]
            if left and right:
                subtrees[node] = sha256(_NODE + left[:32] + right[:32]).digest()
            else:
                subtrees[node] = _alone(left, right)
        return Page(tuple(subtrees))

    def renamed(self, height: Callable[[int], int]) -> Page:
        """The page with other heights for the pages below it; no hash depends on them."""
        below = {
            slot: Branch(subtree[:32], height(int.from_bytes(subtree[32:], "big"))).pack()
            for slot, subtree in enumerate(self.subtrees[WIDTH:])
            if len(subtree) == BRANCH_SIZE
        }
        return self.replaced(below) if below else self

    def encode(self) -> bytes:
        """The page as it is stored: 16 sizes, and what cannot be hashed again from the rest."""
        below = self.subtrees[WIDTH:]
        kept = [subtree[32:] if len(subtree) == LEAF_SIZE else subtree for subtree in below]
        return bytes(map(len, below)) + b"".join(kept)

    @classmethod
    def decode(cls, raw: bytes) -> Page:
        """Reads a stored page and hashes it again.

        Raises:
            LedgerError: MALFORMED, when it is no page.
        """
        sizes = raw[:WIDTH]
        kept = 64 * sizes.count(LEAF_SIZE) + BRANCH_SIZE * sizes.count(BRANCH_SIZE)
        known = sizes.count(LEAF_SIZE) + sizes.count(BRANCH_SIZE) + sizes.count(0)
        if known != WIDTH or len(raw) != WIDTH + kept:
            raise LedgerError(Code.MALFORMED, "a page of the state tree has another size")
        return EMPTY_PAGE.replaced(_read_slots(raw))


def _read_slots(raw: bytes) -> dict[int, Subtree]:
    below: dict[int, Subtree] = {}
    at = WIDTH
    for slot in range(WIDTH):
        if raw[slot] == LEAF_SIZE:
            below[slot] = make_leaf(raw[at : at + 32], raw[at + 32 : at + 64])
            at += 64
        elif raw[slot] == BRANCH_SIZE:
            below[slot] = raw[at : at + BRANCH_SIZE]
            at += BRANCH_SIZE
    return below


EMPTY_PAGE: Final = Page((NO_LEAVES,) * (2 * WIDTH))
