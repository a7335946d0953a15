"""The state tree against its definition, rebuilt from scratch."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.trees import MemoryPages, naive_root, naive_state_root
from twinledger.ledger.errors import Code
from twinledger.ledger.state_tree import update
from twinledger.ledger.state_tree_page import (
    BRANCH_SIZE,
    EMPTY_PAGE,
    Branch,
    Page,
    PageKey,
    hash_value,
    leaf_hash,
    make_leaf,
    path_of,
)

keys = st.integers(0, 40).map(lambda n: b"key/%d" % n)
values = st.integers(0, 3).map(lambda n: b"%d" % n)
batches = st.lists(st.dictionaries(keys, st.none() | values, max_size=12), min_size=1, max_size=8)

# Paths that part late, as those of keys never do: every depth of the tree has its day.
late = st.tuples(st.sampled_from([0, 1, 3, 4, 5, 8, 127, 200, 254, 255]), st.booleans()).map(
    lambda pair: ((1 << 255 - pair[0]) - int(pair[1])).to_bytes(32, "big")
)
late_batches = st.lists(
    st.dictionaries(late, st.none() | values.map(hash_value), max_size=8), min_size=1, max_size=6
)


def apply(state: dict[bytes, bytes], changes: dict[bytes, bytes | None]) -> None:
    for key, value in changes.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


@given(batches)
def test_every_update_leads_to_the_root_of_the_tree_built_anew(
    history: list[dict[bytes, bytes | None]],
):
    tree, state = MemoryPages(), dict[bytes, bytes]()
    for changes in history:
        apply(state, changes)
        assert tree.change(changes).root == naive_state_root(state)


@given(late_batches)
def test_paths_that_part_at_any_depth_have_the_root_of_the_tree_built_anew(
    history: list[dict[bytes, bytes | None]],
):
    tree, leaves = MemoryPages(), dict[bytes, bytes]()
    for changes in history:
        apply(leaves, changes)
        made = [
            (path, b"" if value_hash is None else make_leaf(path, value_hash))
            for path, value_hash in changes.items()
        ]
        assert tree.change_leaves(made).root == naive_root(leaves)


@given(batches)
def test_what_is_neither_stale_nor_replaced_is_the_tree(history: list[dict[bytes, bytes | None]]):
    tree, live = MemoryPages(), set[PageKey]()
    for changes in history:
        done = tree.change(changes)
        assert set(done.stale) <= live, "nothing is stale twice, or before it was there"
        assert len(set(done.stale)) == len(done.stale)
        live = live - set(done.stale) | set(done.pages)
        assert live == reachable(tree, tree.root, b"")


def reachable(tree: MemoryPages, branch: Branch, prefix: bytes) -> set[PageKey]:
    key = PageKey(branch.height, prefix)
    found = {key}
    for slot, below in enumerate(tree.pages[key].subtrees[16:]):
        if len(below) == BRANCH_SIZE:
            found |= reachable(
                tree, Branch(below[:32], int.from_bytes(below[32:], "big")), prefix + b"%x" % slot
            )
    return found


@given(st.dictionaries(keys, values, min_size=1), st.randoms(use_true_random=False))
def test_the_order_and_the_number_of_updates_do_not_matter(
    state: dict[bytes, bytes], source: random.Random
):
    order = list(state.items())
    source.shuffle(order)
    one, many = MemoryPages(), MemoryPages()
    one.change(state)
    for key, value in order:
        many.change({key: value})
    assert one.root.hash == many.root.hash


@given(st.dictionaries(keys, values), st.dictionaries(keys, values))
def test_deleting_what_was_added_restores_the_root(
    state: dict[bytes, bytes], more: dict[bytes, bytes]
):
    tree = MemoryPages()
    before = tree.change(state).root
    tree.change(more)
    assert tree.change({key: state.get(key) for key in more}).root == before


def test_the_empty_tree_the_single_leaf_and_two():
    tree = MemoryPages()
    assert tree.change({}).root == bytes(32)
    assert tree.change({b"a": b"1"}).root == leaf_hash(path_of(b"a"), hash_value(b"1"))
    assert tree.change({b"b": b"2"}).root == naive_state_root({b"a": b"1", b"b": b"2"})
    assert tree.change({b"a": None, b"b": None, b"never": None}).root == bytes(32)
    assert [key.prefix for key in tree.pages] == [b""] * 4


def test_an_update_without_effect_writes_the_roots_page_alone():
    tree = MemoryPages()
    before = tree.change({b"%d" % n: b"" for n in range(500)}).root
    done = tree.change({b"7": b"", b"gone": None})
    assert done.root == before
    assert list(done.pages) == [PageKey(1, b"")]
    assert done.stale == (PageKey(0, b""),)


def test_an_update_reads_each_page_once_and_as_many_as_the_logarithm_says():
    tree = MemoryPages()
    tree.change({b"%d" % n: b"" for n in range(20_000)})
    tree.reads.clear()
    done = tree.change({b"7": b"new"})
    assert len(tree.reads) == len(done.pages) == len(done.stale) <= 5
    tree.reads.clear()
    tree.change({b"%d" % n: b"newer" for n in range(300)})
    assert len(tree.reads) == len(set(tree.reads)) < 300 * 3


def test_an_update_changes_no_page_that_is_stored():
    tree = MemoryPages()
    tree.change({b"%d" % n: b"" for n in range(100)})
    before = {key: page.encode() for key, page in tree.pages.items()}
    update(tree, tree.root, 1, {b"7": b"new", b"8": None})
    assert {key: page.encode() for key, page in tree.pages.items()} == before


def test_another_page_in_the_place_of_one_is_found():
    tree = MemoryPages()
    tree.change({b"%d" % n: b"" for n in range(100)})
    key = next(key for key in tree.pages if key.prefix)
    tree.pages[key] = EMPTY_PAGE
    with refused(Code.DATA_DAMAGED, f"'{key.prefix.decode()}' of height 0"):
        tree.change({b"%d" % n: b"new" for n in range(100)})


@given(st.dictionaries(keys, values))
def test_a_page_comes_back_from_its_bytes(state: dict[bytes, bytes]):
    tree = MemoryPages()
    for page in tree.change(state).pages.values():
        raw = page.encode()
        assert [Page.decode(raw).encode(), Page.decode(raw).hash] == [raw, page.hash]


@pytest.mark.parametrize("cut", [0, 3, 15, 16, 35, -1, None])
def test_what_is_no_page_is_malformed(cut: int | None):
    raw = EMPTY_PAGE.replaced(
        {0: make_leaf(path_of(b"a"), bytes(32)), 9: Branch(bytes(32), 7).pack()}
    )
    with refused(Code.MALFORMED):
        Page.decode(raw.encode()[:cut] if cut is not None else raw.encode() + b"\0")


def test_a_slot_has_one_of_three_sizes():
    page = EMPTY_PAGE.replaced({0: make_leaf(path_of(b"a"), bytes(32))}).encode()
    for size in (1, 39, 64, 255):
        with refused(Code.MALFORMED):
            Page.decode(page[:15] + bytes([size]) + page[16:])
