"""Compressed sparse Merkle trees, each updated once for a block: the state's, and every twin's own.

``docs/formats``, "State tree", says what is hashed. The tree of a set of keys and values is the
same whatever came before, so it knows nothing of heights; but its pages are stored by the height of
the block that wrote them, so that the trees of many heights share what did not change. The root's
page is written by every block, changed or not: the page of height h is where the tree of h begins.
A twin's tree is stored in the same way (``twins.tree``), but only by the blocks that change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.state_tree_page import (
    BRANCH_SIZE,
    EMPTY_PAGE,
    INNER_SIZE,
    NO_LEAVES,
    WIDTH,
    Branch,
    Page,
    PageKey,
    Subtree,
    hash_value,
    leaf_path,
    make_leaf,
    path_of,
)

_DIGITS: Final = tuple([b"%x" % slot for slot in range(WIDTH)])


class PageReader(Protocol):
    """Reads what updates have written."""

    def tree_page(self, key: PageKey) -> Page:
        """A page that an update wrote and none after it, as far as is kept, made stale."""
        ...


@dataclass(frozen=True, slots=True)
class TreeUpdate:
    """What an update leads to.

    Attributes:
        root: The hash of the new tree.
        pages: The pages to store.
        stale: The pages of the tree before that are not part of the new one.
    """

    root: bytes
    pages: Mapping[PageKey, Page]
    stale: tuple[PageKey, ...]


Change: TypeAlias = tuple[bytes, Subtree]
"""A path, and the leaf that is to stand there, or no leaves."""


def update(
    reader: PageReader,
    parent: Branch | None,
    height: int,
    changes: Mapping[bytes, bytes | None],
) -> TreeUpdate:
    """Changes many leaves at once; hashes and pages they have in common are made once.

    Args:
        reader: Gives the pages of the parent's tree.
        parent: Root and height of the tree that is changed; None when there is none yet.
        height: The block's; greater than the parent's.
        changes: Keys of the state with their new values; None deletes, absent keys too.

    Raises:
        LedgerError: DATA_DAMAGED, when a page is not what the page above it says.
    """
    leaves: list[Change] = [(path, leaf) for path, leaf in map(_change, changes.items())]
    return update_leaves(reader, parent, height, leaves)


def _change(item: tuple[bytes, bytes | None]) -> Change:
    key, value = item
    path = path_of(key)
    return path, NO_LEAVES if value is None else make_leaf(path, hash_value(value))


def update_leaves(
    reader: PageReader,
    parent: Branch | None,
    height: int,
    changes: list[Change],
    tree: bytes = b"",
) -> TreeUpdate:
    """The same by paths, each at most once, with their new leaves or none, in any tree."""
    work = _Update(reader, height, tree)
    before = EMPTY_PAGE
    if parent is not None:
        key = PageKey(parent.height, b"", tree)
        before = load_page(reader, key, parent.hash)
        work.stale.append(key)
    page = work.changed(before, changes, b"")
    work.pages[PageKey(height, b"", tree)] = page
    return TreeUpdate(page.hash, work.pages, tuple(work.stale))


def load_page(reader: PageReader, key: PageKey, expected: bytes) -> Page:
    """The page under a key, having checked that it has the hash that is expected.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    page = reader.tree_page(key)
    if page.hash != expected:
        raise LedgerError(Code.DATA_DAMAGED, f"{key.shown} is another")
    return page


def slot_of(path: bytes, digit: int) -> int:
    """Where a path goes on below a page: its hexadecimal digit of that place."""
    return path[digit >> 1] & 15 if digit & 1 else path[digit >> 1] >> 4


def prefix_of(path: bytes, digits: int) -> bytes:
    """Which page of so many digits a path leads through."""
    return path.hex()[:digits].encode()


class _Update:
    """Collects the pages of one update; at most 64 lie above one another."""

    __slots__ = ("_height", "_reader", "_tree", "pages", "stale")

    def __init__(self, reader: PageReader, height: int, tree: bytes) -> None:
        self.pages: dict[PageKey, Page] = {}
        self.stale: list[PageKey] = []
        self._reader = reader
        self._height = height
        self._tree = tree

    def changed(self, page: Page, changes: list[Change], prefix: bytes) -> Page:
        """The page of a prefix after changes below it; stores the pages that lie below."""
        digits = len(prefix)
        if len(changes) == 1:  # as in most pages of most updates
            groups = {slot_of(changes[0][0], digits): changes}
        else:
            groups = {}
            for change in changes:
                groups.setdefault(slot_of(change[0], digits), []).append(change)
        below = {}
        for slot, group in groups.items():
            before = page.subtrees[WIDTH + slot]
            below[slot] = self._subtree(before, group, prefix + _DIGITS[slot])
        return page.replaced(below)

    def _subtree(self, before: Subtree, changes: list[Change], prefix: bytes) -> Subtree:
        if len(before) == BRANCH_SIZE:
            return self._branch(before, changes, prefix)
        if before:
            standing = leaf_path(before)
            if not any(path == standing for path, _ in changes):
                changes.append((standing, before))
        if len(changes) == 1:
            return changes[0][1]
        return self._stored(self.changed(EMPTY_PAGE, changes, prefix), prefix)

    def _branch(self, before: Subtree, changes: list[Change], prefix: bytes) -> Subtree:
        key = PageKey(int.from_bytes(before[32:], "big"), prefix, self._tree)
        expected = before[:32]
        page = self.changed(load_page(self._reader, key, expected), changes, prefix)
        if page.hash == expected:
            return before
        self.stale.append(key)
        return self._stored(page, prefix)

    def _stored(self, page: Page, prefix: bytes) -> Subtree:
        root = page.subtrees[1]
        if len(root) != INNER_SIZE:
            return root  # it has one leaf or none and stands in the page above
        self.pages[PageKey(self._height, prefix, self._tree)] = page
        return root + self._height.to_bytes(8, "big")
