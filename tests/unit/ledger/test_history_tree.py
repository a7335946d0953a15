"""The history tree against the recursive definitions of RFC 9162, section 2.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.trees import MemoryHistory
from twinledger.ledger.errors import Code
from twinledger.ledger.history_proof import (
    MAX_HASHES,
    decode_way,
    encode_way,
    verify_consistency,
    verify_inclusion,
)
from twinledger.ledger.history_tree import consistency_proof, inclusion_proof, root
from twinledger.ledger.merkle import EMPTY_ROOT, tree_hash

LEAVES = [b"header %d" % n for n in range(70)]
TREE = MemoryHistory.of(LEAVES)
ROOTS = [tree_hash(LEAVES[:size]) for size in range(len(LEAVES) + 1)]
pairs = st.tuples(st.integers(1, 70), st.integers(1, 70)).map(sorted)


def split(size: int) -> int:
    found = 1
    while found * 2 < size:
        found *= 2
    return found


def defined_inclusion(index: int, leaves: list[bytes]) -> list[bytes]:
    """The RFC's PATH."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*defined_inclusion(index, leaves[:k]), tree_hash(leaves[k:])]
    return [*defined_inclusion(index - k, leaves[k:]), tree_hash(leaves[:k])]


def defined_consistency(first: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """The RFC's SUBPROOF."""
    if first == len(leaves):
        return [] if whole else [tree_hash(leaves)]
    k = split(len(leaves))
    if first <= k:
        return [*defined_consistency(first, leaves[:k], whole), tree_hash(leaves[k:])]
    return [*defined_consistency(first - k, leaves[k:], False), tree_hash(leaves[:k])]


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_every_size_keeps_the_root_that_the_rfc_defines(size: int):
    assert root(TREE, size) == ROOTS[size]


def test_the_tree_of_no_leaves_has_the_empty_root():
    assert root(MemoryHistory(), 0) == EMPTY_ROOT


@given(st.integers(1, 70), st.data())
def test_inclusion_is_proven_as_the_rfc_defines(size: int, data: st.DataObject):
    index = data.draw(st.integers(0, size - 1))
    way = inclusion_proof(TREE, index, size)
    assert list(way) == defined_inclusion(index, LEAVES[:size])
    verify_inclusion(ROOTS[size], size, index, LEAVES[index], way)


@given(pairs)
def test_consistency_is_proven_as_the_rfc_defines(sizes: list[int]):
    first, second = sizes
    way = consistency_proof(TREE, first, second)
    assert list(way) == defined_consistency(first, LEAVES[:second])
    verify_consistency(ROOTS[first], first, ROOTS[second], second, way)


@given(st.integers(1, 70), st.data())
def test_another_leaf_root_index_or_size_is_refused(size: int, data: st.DataObject):
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-1, 80))
    way = inclusion_proof(TREE, index, size)
    with refused(Code.PROOF_INVALID):
        verify_inclusion(ROOTS[size], size, index, b"another", way)
    with refused(Code.PROOF_INVALID):
        verify_inclusion(b"r" * 32, size, index, LEAVES[index], way)
    if other != index:
        with refused(Code.PROOF_INVALID):
            verify_inclusion(ROOTS[size], size, other, LEAVES[index], way)
    if other <= index:
        with refused(Code.PROOF_INVALID):
            verify_inclusion(ROOTS[size], other, index, LEAVES[index], way)


@given(pairs)
def test_another_root_or_an_older_tree_is_refused(sizes: list[int]):
    first, second = sizes
    way = consistency_proof(TREE, first, second)
    for old, new in ((b"r" * 32, ROOTS[second]), (ROOTS[first], b"r" * 32)):
        with refused(Code.PROOF_INVALID):
            verify_consistency(old, first, new, second, way)
    if first != second:
        with refused(Code.PROOF_INVALID):
            verify_consistency(ROOTS[second], second, ROOTS[first], first, way)
        with refused(Code.PROOF_INVALID):
            verify_consistency(ROOTS[first], second, ROOTS[second], second, way)


CASES = [(0, 1), (0, 70), (69, 70), (63, 64), (64, 70), (36, 37)]


@pytest.mark.parametrize(("index", "size"), CASES)
def test_every_flipped_bit_of_an_inclusion_proof_is_refused(index: int, size: int):
    raw = encode_way(inclusion_proof(TREE, index, size))
    verify_inclusion(ROOTS[size], size, index, LEAVES[index], decode_way(raw))
    for wrong in [*flipped(raw), raw[:-32], raw + bytes(32), raw + raw]:
        if wrong != raw:
            with refused(Code.PROOF_INVALID):
                verify_inclusion(ROOTS[size], size, index, LEAVES[index], decode_way(wrong))


@pytest.mark.parametrize(("first", "second"), [(1, 2), (1, 70), (69, 70), (64, 70), (70, 70)])
def test_every_flipped_bit_of_a_consistency_proof_is_refused(first: int, second: int):
    raw = encode_way(consistency_proof(TREE, first, second))
    verify_consistency(ROOTS[first], first, ROOTS[second], second, decode_way(raw))
    for wrong in [*flipped(raw), raw[:-32], raw + bytes(32), raw + bytes(64)]:
        if wrong != raw:
            with refused(Code.PROOF_INVALID):
                verify_consistency(ROOTS[first], first, ROOTS[second], second, decode_way(wrong))


def flipped(raw: bytes) -> list[bytes]:
    number, size = int.from_bytes(raw, "big"), len(raw)
    return [(number ^ 1 << bit).to_bytes(size, "big") for bit in range(8 * size)]


@given(
    st.integers(-5, 2**70), st.integers(-5, 2**70), st.lists(st.binary(max_size=40), max_size=80)
)
def test_any_numbers_and_hashes_are_refused_by_name(one: int, other: int, way: list[bytes]):
    with refused(Code.PROOF_INVALID):
        verify_inclusion(b"r" * 32, one, other, b"leaf", way)
    with refused(Code.PROOF_INVALID):
        verify_consistency(b"r" * 32, one, b"s" * 32, other, way)


@pytest.mark.parametrize("size", [1, 31, 33, 32 * MAX_HASHES + 32])
def test_bytes_that_are_no_hashes_are_refused(size: int):
    with refused(Code.PROOF_INVALID):
        decode_way(bytes(size))


def test_a_block_adds_two_hashes_on_the_average_and_a_logarithm_at_most():
    tree = MemoryHistory()
    added = [len(tree.append(b"%d" % n)) for n in range(1_024)]
    assert sum(added) == 2 * 1_024 - 1
    assert max(added) == 11


@pytest.mark.parametrize("size", [1_000, 1_023, 1_024])
def test_any_proof_reads_at_most_twice_the_levels(size: int):
    tree = MemoryHistory.of(b"%d" % n for n in range(size))
    for index in range(size):
        tree.reads = 0
        inclusion_proof(tree, index, size)
        assert tree.reads <= 20
        tree.reads = 0
        consistency_proof(tree, index + 1, size)
        assert tree.reads <= 20


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_a_leaf_that_is_not_there_is_not_proven(index: int, size: int):
    with refused(Code.INTERNAL):
        inclusion_proof(TREE, index, size)


@pytest.mark.parametrize(("first", "second"), [(0, 5), (6, 5), (-1, 5)])
def test_a_tree_that_is_no_part_is_not_proven(first: int, second: int):
    with refused(Code.INTERNAL):
        consistency_proof(TREE, first, second)


def test_a_way_that_ends_below_the_root_of_the_size_is_refused():
    """Else the root of a part would pass for that of a larger tree."""
    with refused(Code.PROOF_INVALID):
        verify_inclusion(ROOTS[2], 70, 0, LEAVES[0], inclusion_proof(TREE, 0, 2))
    with refused(Code.PROOF_INVALID):
        verify_consistency(ROOTS[1], 1, ROOTS[2], 70, consistency_proof(TREE, 1, 2))
