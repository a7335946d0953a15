"""Verifying what is shown of a twin's tree: one leaf, that there is none, or all that there are.

A verifier has the property root from the twin's own leaf, which a state proof shows. Whatever the
bytes, these functions raise PROOF_INVALID or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, NoReturn

from twinledger.ledger import state_proof
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.state_proof import MAX_DEPTH, StateProof
from twinledger.ledger.state_tree_page import EMPTY, leaf_hash, node_hash
from twinledger.twins.tree import SALT_SIZE, TwinLeaf, hash_record, path_of


def verify_leaf(root: bytes, leaf: TwinLeaf, proof: StateProof) -> None:
    """Checks that a twin's tree has this leaf.

    Raises:
        LedgerError: PROOF_INVALID.
    """
    state_proof.verify_leaf(root, path_of(leaf.key), _shown_hash(leaf), proof)


def verify_no_leaf(root: bytes, key: bytes, proof: StateProof) -> None:
    """Checks that a twin's tree has no leaf at a key.

    Raises:
        LedgerError: PROOF_INVALID.
    """
    state_proof.verify_no_leaf(root, path_of(key), proof)


def verify_leaves(root: bytes, leaves: Iterable[TwinLeaf]) -> None:
    """Checks that a twin's tree has these leaves and no other.

    Raises:
        LedgerError: PROOF_INVALID.
    """
    if property_root(leaves) != root:
        _refuse("the twin's leaves lead to another property root")


def property_root(leaves: Iterable[TwinLeaf]) -> bytes:
    """The root of the tree of these leaves and no other, in any order.

    It takes at most 256 hashes for each leaf, and memory for the leaves alone.

    Raises:
        LedgerError: PROOF_INVALID, when a key comes twice or a salt has another size.
    """
    standing = sorted([(path_of(leaf.key), _shown_hash(leaf)) for leaf in leaves])
    if not standing:
        return EMPTY
    waiting: list[_Left] = []
    for (path, value_hash), (following, _) in pairwise(standing):
        parting = MAX_DEPTH - (_number(path) ^ _number(following)).bit_length()
        if parting == MAX_DEPTH:
            _refuse("a leaf of the twin is shown twice")
        found = _joined(waiting, _leaf(path, value_hash), parting + 1)
        waiting.append(_Left(found, parting))
    return _joined(waiting, _leaf(*standing[-1]), 0).hash


class _Grown(NamedTuple):
    """A subtree: its hash, its depth, one of its paths, and whether it is a leaf alone."""

    hash: bytes
    depth: int
    path: bytes
    is_leaf: bool


class _Left(NamedTuple):
    """A left half that waits for its right one; both hang at the depth where their paths part."""

    half: _Grown
    parting: int


def _leaf(path: bytes, value_hash: bytes) -> _Grown:
    return _Grown(leaf_hash(path, value_hash), MAX_DEPTH, path, True)


def _joined(waiting: list[_Left], found: _Grown, depth: int) -> _Grown:
    """What is found, joined with every left half that hangs at a depth or deeper, and raised."""
    while waiting and waiting[-1].parting >= depth:
        left, parting = waiting.pop()
        right = _raised(found, parting + 1)
        found = _Grown(node_hash(left.hash, right.hash), parting, found.path, False)
    return _raised(found, depth)


def _raised(found: _Grown, depth: int) -> _Grown:
    """The same leaves as a subtree further up, where nothing stands beside them."""
    if found.is_leaf:
        return found
    raised, turns = found.hash, _number(found.path)
    for place in range(found.depth - 1, depth - 1, -1):
        right = turns >> (MAX_DEPTH - 1 - place) & 1
        raised = node_hash(EMPTY, raised) if right else node_hash(raised, EMPTY)
    return _Grown(raised, depth, found.path, False)


def _number(path: bytes) -> int:
    return int.from_bytes(path, "big")


def _shown_hash(leaf: TwinLeaf) -> bytes:
    # Of another size, salt and record could be cut apart elsewhere and still have the same hash.
    if len(leaf.salt) != SALT_SIZE:
        _refuse("the salt of a twin's leaf has 16 bytes")
    return hash_record(leaf.salt, leaf.record)


def _refuse(why: str) -> NoReturn:
    raise LedgerError(Code.PROOF_INVALID, why)
