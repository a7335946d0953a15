"""A twin's own tree: its leaves are its properties and relationships, its root stands in its leaf.

``docs/formats``, "A twin's tree", defines it. It is hashed, stored and proven as the state tree is,
but a leaf's value is hashed with a salt, so that who is shown one leaf cannot guess the others.
``tree_proof`` verifies what is shown of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from twinledger.ledger import domains
from twinledger.ledger.state_proof import StateProof
from twinledger.ledger.state_prover import prove_path
from twinledger.ledger.state_tree import Change, PageReader, TreeUpdate, update_leaves
from twinledger.ledger.state_tree_page import EMPTY, NO_LEAVES, Branch, make_leaf

SALT_SIZE: Final = 16
RELATIONSHIPS: Final = b"relationship/"
"""What the keys of relationships begin with, in a twin's tree and in the state alike."""


class TwinLeaf(NamedTuple):
    """A leaf of a twin's tree, as it is disclosed.

    Attributes:
        key: ``reported/PATH``, ``desired/PATH`` or ``relationship/NAME/TARGET``.
        salt: 16 bytes.
        record: The canonical map that the leaf hashes: a property's or a relationship's.
    """

    key: bytes
    salt: bytes
    record: bytes


def leaf_salt(transaction_salt: bytes, operation_index: int, key: bytes) -> bytes:
    """The salt of the leaf that an operation writes; it tells nothing of the transaction's salt."""
    content = transaction_salt + operation_index.to_bytes(4, "big") + key
    return domains.domain_hash(domains.TWIN_SALT, content)[:SALT_SIZE]


def path_of(key: bytes) -> bytes:
    """The 256 turns that lead from the root of a twin's tree to a key."""
    return sha256(domains.TWIN_PATH + key).digest()


def hash_record(salt: bytes, record: bytes) -> bytes:
    """What a leaf tells of its record."""
    return sha256(domains.TWIN_VALUE + salt + record).digest()


def update_tree(
    reader: PageReader,
    twin_id: str,
    parent: Branch,
    height: int,
    changes: Mapping[bytes, TwinLeaf | None],
) -> TreeUpdate | None:
    """Changes leaves of a twin's tree.

    Args:
        reader: Gives the pages of the twin's tree.
        twin_id: Whose tree it is.
        parent: The tree's root, and the block that last changed it; an empty tree has no pages.
        height: The block's; greater than the parent's.
        changes: Keys with their new leaves; None deletes, absent keys too.

    Returns:
        None when the tree is the one it was.

    Raises:
        LedgerError: DATA_DAMAGED, when a page is not what the page above it says.
    """
    tree = twin_id.encode()
    leaves: list[Change] = [_change(key, leaf) for key, leaf in changes.items()]
    before = None if parent.hash == EMPTY else parent
    done = update_leaves(reader, before, height, leaves, tree)
    if done.root == parent.hash:
        return None
    if done.root == EMPTY:
        return TreeUpdate(EMPTY, {}, done.stale)
    return done


def _change(key: bytes, leaf: TwinLeaf | None) -> Change:
    path = path_of(key)
    return path, NO_LEAVES if leaf is None else make_leaf(path, hash_record(leaf.salt, leaf.record))


def prove_leaf(reader: PageReader, twin_id: str, root: Branch, key: bytes) -> StateProof:
    """The way of a key through a twin's tree: of its leaf, or of where the leaf would be.

    Raises:
        LedgerError: DATA_DAMAGED, when a page is not what the page above it says.
    """
    return prove_path(reader, root, path_of(key), twin_id.encode())
