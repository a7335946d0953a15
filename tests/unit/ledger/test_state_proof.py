"""Proofs of presence and absence: right ones are taken, all others are refused by name."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.trees import MemoryPages
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.state_proof import (
    MAX_SIZE,
    End,
    StateProof,
    verify_absence,
    verify_presence,
)
from twinledger.ledger.state_prover import prove, prove_path
from twinledger.ledger.state_tree_page import (
    EMPTY,
    hash_value,
    leaf_hash,
    make_leaf,
    node_hash,
    path_of,
)

keys = st.integers(0, 60).map(lambda n: b"key/%d" % n)
states = st.dictionaries(keys, st.binary(max_size=3))


def tree_of(state: dict[bytes, bytes]) -> MemoryPages:
    tree = MemoryPages()
    tree.change(state)
    return tree


def proven(tree: MemoryPages, key: bytes) -> StateProof:
    proof = prove(tree, tree.root, key)
    assert StateProof.decode(proof.encode()) == proof
    return proof


@given(states, st.lists(keys, min_size=1))
def test_every_key_is_proven_present_or_absent_and_never_the_other(
    state: dict[bytes, bytes], asked: list[bytes]
):
    tree = tree_of(state)
    root = tree.root.hash
    for key in asked:
        proof = proven(tree, key)
        if key in state:
            verify_presence(root, key, state[key], proof)
            with refused(Code.PROOF_INVALID):
                verify_absence(root, key, proof)
        else:
            verify_absence(root, key, proof)
            with refused(Code.PROOF_INVALID):
                verify_presence(root, key, b"", proof)


@given(states.filter(bool), st.data())
def test_a_proof_holds_for_its_own_root_key_and_value_alone(
    state: dict[bytes, bytes], data: st.DataObject
):
    key, other = data.draw(st.sampled_from(sorted(state))), data.draw(keys)
    assume(other != key)
    tree = tree_of(state)
    root, value, proof = tree.root.hash, state[key], proven(tree, key)
    with refused(Code.PROOF_INVALID):
        verify_presence(root, key, value + b"!", proof)
    with refused(Code.PROOF_INVALID):
        verify_presence(root, other, value, proof)
    later = tree.change({other: b"changed"}).root
    with refused(Code.PROOF_INVALID):
        verify_presence(later, key, value, proof)


THOUSAND = {b"%d" % n: b"v%d" % n for n in range(1_000)}
TREE = tree_of(THOUSAND)
ROOT = TREE.root.hash


def absent(end: End) -> bytes:
    """A key whose absence is proven by what stands at the end of its way."""
    for n in range(1_000, 9_000):
        if proven(TREE, b"%d" % n).end is end:
            return b"%d" % n
    raise AssertionError(end)


@pytest.mark.parametrize("end", End)
def test_every_flipped_bit_is_refused(end: End):
    key = b"7" if end is End.LEAF else absent(end)
    raw = proven(TREE, key).encode()
    check(key, StateProof.decode(raw))
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        with refused(Code.PROOF_INVALID):
            check(key, StateProof.decode(bytes(flipped)))


def check(key: bytes, proof: StateProof) -> None:
    if key in THOUSAND:
        verify_presence(ROOT, key, THOUSAND[key], proof)
    else:
        verify_absence(ROOT, key, proof)


@pytest.mark.parametrize("end", End)
def test_every_shorter_and_longer_proof_is_refused(end: End):
    raw = proven(TREE, b"7" if end is End.LEAF else absent(end)).encode()
    for wrong in [*(raw[:size] for size in range(len(raw))), raw + b"\0", raw + raw]:
        with refused(Code.PROOF_INVALID):
            StateProof.decode(wrong)


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda tail: b"\1\3\0\1\x80" + tail))
def test_any_bytes_are_refused_by_name(raw: bytes):
    with refused(Code.PROOF_INVALID):
        verify_absence(ROOT, b"key", StateProof.decode(raw))


def test_sizes_and_depths_are_bounded():
    deepest = StateProof(End.LEAF, (b"s" * 32,) * 256)
    assert StateProof.decode(deepest.encode()) == deepest
    absent_key = StateProof(End.OTHER_LEAF, (b"s" * 32,) * 256, (b"p" * 32, b"v" * 32))
    assert len(absent_key.encode()) == MAX_SIZE
    for raw in (StateProof(End.LEAF, (b"s" * 32,) * 257).encode(), bytes(MAX_SIZE + 1)):
        with refused(Code.PROOF_INVALID):
            StateProof.decode(raw)


def test_a_leaf_in_another_place_proves_no_absence():
    """Else any leaf of the tree would prove that any key is missing."""
    shown = proven(TREE, b"7")
    path, value_hash = path_of(b"7"), hash_value(THOUSAND[b"7"])
    forged = StateProof(End.OTHER_LEAF, shown.siblings, (path, value_hash))
    for key in (b"7", b"8", b"missing"):
        with refused(Code.PROOF_INVALID, "key's way"):
            verify_absence(ROOT, key, forged)


def test_a_way_that_goes_on_below_a_single_leaf_is_refused():
    path = path_of(b"a")
    below = leaf_hash(path, hash_value(b"1"))
    sides = (EMPTY, below) if path[0] >> 7 else (below, EMPTY)
    with refused(Code.PROOF_INVALID):
        verify_presence(node_hash(*sides), b"a", b"1", StateProof(End.LEAF, (EMPTY,)))


def test_a_proof_that_mixes_two_kinds_is_refused():
    other = (path_of(b"7"), bytes(32))
    for end in (End.LEAF, End.EMPTY):
        with refused(Code.PROOF_INVALID):
            StateProof.decode(StateProof(end, (), other).encode())
    with refused(Code.PROOF_INVALID):
        verify_presence(EMPTY, b"a", b"1", StateProof(End.LEAF, (), other))
    with refused(Code.PROOF_INVALID):
        verify_absence(EMPTY, b"a", StateProof(End.EMPTY, (), other))
    with refused(Code.PROOF_INVALID):
        verify_absence(EMPTY, b"a", StateProof(End.OTHER_LEAF, ()))


def test_the_empty_tree_proves_that_nothing_is_there():
    verify_absence(EMPTY, b"a", proven(tree_of({}), b"a"))


def test_leaves_that_part_at_the_last_bit_are_proven():
    tree = MemoryPages()
    paths = [bytes(32), bytes(31) + b"\1"]
    tree.change_leaves([(path, make_leaf(path, hash_value(path))) for path in paths])
    proof = prove_path(tree, tree.root, paths[1])
    assert (proof.end, len(proof.siblings)) == (End.LEAF, 256)
    assert proof.siblings[:255] == (EMPTY,) * 255


def test_a_lost_page_is_no_invalid_proof():
    tree = tree_of(THOUSAND)
    key = next(key for key in tree.pages if key.prefix == b"7")
    tree.pages[key] = tree.pages[key].replaced({0: b""})
    with pytest.raises(LedgerError) as raised:
        [prove(tree, tree.root, key) for key in THOUSAND]
    assert raised.value.code is Code.DATA_DAMAGED
