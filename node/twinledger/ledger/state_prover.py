"""Making proofs from the stored pages of the state tree, or of a twin's."""

from __future__ import annotations

from twinledger.ledger.state_proof import End, StateProof
from twinledger.ledger.state_tree import PageReader, load_page, prefix_of, slot_of
from twinledger.ledger.state_tree_page import (
    BRANCH_SIZE,
    EMPTY,
    INNER_SIZE,
    LEVELS,
    NO_LEAVES,
    WIDTH,
    Branch,
    Page,
    PageKey,
    Subtree,
    leaf_path,
    path_of,
)


def prove(reader: PageReader, root: Branch, key: bytes) -> StateProof:
    """The way of a key: of its leaf, or of where the leaf would be.

    Args:
        reader: Gives the pages of the tree.
        root: The tree's root hash and height.
        key: The key of the state.

    Raises:
        LedgerError: DATA_DAMAGED, when a page is not what the page above it says.
    """
    return prove_path(reader, root, path_of(key))


def prove_path(reader: PageReader, root: Branch, path: bytes, tree: bytes = b"") -> StateProof:
    """The same by path, in any tree."""
    siblings: list[bytes] = []
    # A twin's empty tree has no page.
    found = NO_LEAVES if root.hash == EMPTY else root.pack()
    digits = 0
    while len(found) == BRANCH_SIZE:
        key = PageKey(int.from_bytes(found[32:], "big"), prefix_of(path, digits), tree)
        page = load_page(reader, key, found[:32])
        found = _descend(page, slot_of(path, digits), siblings)
        digits += 1
    return _ended(found, path, tuple(siblings))


def _descend(page: Page, slot: int, siblings: list[bytes]) -> Subtree:
    """The subtree below the page that a slot leads to, or what ends the way inside the page."""
    for level in range(LEVELS):
        found = page.subtrees[(WIDTH + slot) >> (LEVELS - level)]
        if len(found) != INNER_SIZE:
            return found
        beside = page.subtrees[(WIDTH + slot) >> (LEVELS - level - 1) ^ 1]
        siblings.append(beside[:32] or EMPTY)
    return page.subtrees[WIDTH + slot]


def _ended(found: Subtree, path: bytes, siblings: tuple[bytes, ...]) -> StateProof:
    if not found:
        return StateProof(End.EMPTY, siblings)
    if leaf_path(found) == path:
        return StateProof(End.LEAF, siblings)
    return StateProof(End.OTHER_LEAF, siblings, (leaf_path(found), found[64:]))
