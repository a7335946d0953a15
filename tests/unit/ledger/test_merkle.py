"""Merkle tree hashes against the recursive definition of RFC 9162, section 2.1.1."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.ledger.merkle import EMPTY_ROOT, leaf_hash, node_hash, tree_hash


def defined(leaves: list[bytes]) -> bytes:
    """The RFC's own words."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + defined(leaves[:split]) + defined(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(40))
def test_every_size_has_the_root_that_the_rfc_defines(size: int):
    leaves = [bytes([n]) * n for n in range(size)]
    assert tree_hash(leaves) == defined(leaves)


@given(st.lists(st.binary(max_size=5), max_size=70))
def test_any_leaves_have_the_root_that_the_rfc_defines(leaves: list[bytes]):
    assert tree_hash(iter(leaves)) == defined(leaves)


def test_the_roots_of_certificate_transparency_are_ours():
    # The test tree that Certificate Transparency implementations share.
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    leaves.append("606162636465666768696a6b6c6d6e6f")
    roots = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    for size, root in roots.items():
        assert tree_hash([bytes.fromhex(leaf) for leaf in leaves[:size]]).hex() == root


def test_the_empty_tree_is_the_hash_of_nothing():
    assert tree_hash([]) == EMPTY_ROOT == sha256().digest()


def test_a_leaf_never_passes_for_a_node():
    left, right = leaf_hash(b"l"), leaf_hash(b"r")
    assert leaf_hash(left + right) != node_hash(left, right)
