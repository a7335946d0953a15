"""A twin's own tree against its definition, and what is verified of it."""

from collections.abc import Mapping
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.execution.chain import Chain
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import create, relate, set_, update
from tests.unit.twins.naive import naive_leaves, naive_twin_root
from tests.unit.twins.pages import TwinPages
from twinledger.ledger.canonical import encode
from twinledger.ledger.errors import Code
from twinledger.ledger.names import TwinId
from twinledger.ledger.operations import Section
from twinledger.ledger.state_proof import End, verify_presence
from twinledger.ledger.state_tree_page import BRANCH_SIZE, EMPTY, EMPTY_PAGE, Branch, PageKey
from twinledger.twins import state_keys
from twinledger.twins.reading import load_twin
from twinledger.twins.records import twin_leaf
from twinledger.twins.tree import TwinLeaf, leaf_salt
from twinledger.twins.tree_proof import property_root, verify_leaf, verify_leaves, verify_no_leaf

PUMP = TwinId("pump")
keys = st.integers(0, 40).map(lambda n: b"reported/%d" % n)
contents = st.tuples(st.integers(0, 3).map(lambda n: bytes([n]) * 16), st.just(encode({})))
batches = st.lists(st.dictionaries(keys, st.none() | contents, max_size=12), min_size=1, max_size=8)

Leaves = dict[bytes, tuple[bytes, bytes]]


def apply(leaves: Leaves, changes: Mapping[bytes, tuple[bytes, bytes] | None]) -> None:
    for key, to in changes.items():
        if to is None:
            leaves.pop(key, None)
        else:
            leaves[key] = to


def reachable(tree: TwinPages, branch: Branch, prefix: bytes = b"") -> set[PageKey]:
    if branch.hash == EMPTY:
        return set()
    key = PageKey(branch.height, prefix, b"pump")
    found = {key}
    for slot, below in enumerate(tree.pages[key].subtrees[16:]):
        if len(below) == BRANCH_SIZE:
            branch = Branch(below[:32], int.from_bytes(below[32:], "big"))
            found |= reachable(tree, branch, prefix + b"%x" % slot)
    return found


@given(batches)
def test_every_update_leads_to_the_root_of_the_tree_built_anew(
    history: list[dict[bytes, tuple[bytes, bytes] | None]],
):
    tree, leaves = TwinPages(), Leaves()
    for changes in history:
        apply(leaves, changes)
        before = tree.root
        done = tree.change(changes)
        assert tree.root.hash == naive_twin_root(leaves)
        assert tree.root.hash == property_root([TwinLeaf(k, *to) for k, to in leaves.items()])
        assert set(tree.pages) == reachable(tree, tree.root), "nothing stale stays, nothing lacks"
        assert (done is None) == (tree.root == before)


def test_the_empty_tree_has_no_page_and_proves_that_nothing_is_there():
    tree = TwinPages()
    assert tree.change({b"reported/x": None}) is None
    verify_no_leaf(EMPTY, b"reported/x", tree.proof(b"reported/x"))
    tree.change({b"reported/x": (bytes(16), b"")})
    assert (tree.root.height, len(tree.pages)) == (2, 1)
    tree.change({b"reported/x": None})
    assert (tree.root, tree.pages) == (Branch(EMPTY, 3), {})
    verify_no_leaf(EMPTY, b"reported/x", tree.proof(b"reported/x"))


def test_an_update_reads_as_many_pages_as_the_logarithm_says():
    tree = TwinPages()
    tree.change({b"reported/%d" % n: (bytes(16), b"") for n in range(20_000)})
    tree.reads.clear()
    done = tree.change({b"reported/7": (b"s" * 16, b"")})
    assert done is not None
    assert len(tree.reads) == len(done.pages) == len(done.stale) <= 5


def test_another_page_in_the_place_of_one_is_found_and_named():
    tree = TwinPages()
    tree.change({b"reported/%d" % n: (bytes(16), b"") for n in range(100)})
    tree.pages[PageKey(1, b"", b"pump")] = EMPTY_PAGE
    with refused(Code.DATA_DAMAGED, "twin pump's page '' of height 1"):
        tree.proof(b"reported/7")


SHOWN = TwinPages()
MANY: Leaves = {b"reported/%d" % n: (bytes([n]) * 16, encode(n)) for n in range(200)}
SHOWN.change(MANY)
ROOT = SHOWN.root.hash
ALL = [TwinLeaf(key, *to) for key, to in MANY.items()]


@pytest.mark.parametrize("leaf", ALL[:20])
def test_a_leaf_is_proven_with_its_own_key_salt_and_record_alone(leaf: TwinLeaf):
    proof = SHOWN.proof(leaf.key)
    verify_leaf(ROOT, leaf, proof)
    wrong = [
        leaf._replace(key=b"desired/1"),
        leaf._replace(salt=b"s" * 16),
        leaf._replace(record=encode(4711)),
        # The same bytes, cut apart elsewhere.
        leaf._replace(salt=leaf.salt[:15], record=leaf.salt[15:] + leaf.record),
        leaf._replace(salt=leaf.salt + leaf.record, record=b""),
    ]
    for other in wrong:
        with refused(Code.PROOF_INVALID):
            verify_leaf(ROOT, other, proof)
    with refused(Code.PROOF_INVALID):
        verify_leaf(EMPTY, leaf, proof)
    with refused(Code.PROOF_INVALID):
        verify_no_leaf(ROOT, leaf.key, proof)


def test_what_is_not_there_is_proven_absent_by_either_end():
    ends = set()
    for n in range(200, 400):
        proof = SHOWN.proof(key := b"reported/%d" % n)
        verify_no_leaf(ROOT, key, proof)
        ends.add(proof.end)
        with refused(Code.PROOF_INVALID):
            verify_leaf(ROOT, TwinLeaf(key, bytes(16), b""), proof)
    assert ends == {End.EMPTY, End.OTHER_LEAF}


def test_all_leaves_and_no_others_lead_to_the_root():
    verify_leaves(ROOT, ALL)
    verify_leaves(ROOT, reversed(ALL))
    verify_leaves(EMPTY, [])
    wrong: list[list[TwinLeaf]] = [
        ALL[1:],
        [*ALL, TwinLeaf(b"reported/more", bytes(16), b"")],
        [*ALL[1:], ALL[0]._replace(record=b"other")],
        [],
    ]
    for leaves in wrong:
        with refused(Code.PROOF_INVALID, "another property root"):
            verify_leaves(ROOT, leaves)


def test_a_leaf_that_is_shown_twice_or_has_another_salt_is_refused():
    with refused(Code.PROOF_INVALID, "shown twice"):
        property_root([*ALL, ALL[3]])
    with refused(Code.PROOF_INVALID, "shown twice"):
        property_root([ALL[0], ALL[0]._replace(record=b"other")])
    for salt in (b"", bytes(15), bytes(17)):
        with refused(Code.PROOF_INVALID, "16 bytes"):
            property_root([ALL[0]._replace(salt=salt)])


def test_a_twins_leaf_is_no_leaf_of_the_state():
    """Else a twin could show a property as if it were an identity."""
    tree = TwinPages()
    tree.change({b"reported/x": (bytes(16), b"value")})
    with refused(Code.PROOF_INVALID):
        verify_presence(
            tree.root.hash, b"reported/x", bytes(16) + b"value", tree.proof(b"reported/x")
        )


def test_the_salt_is_the_hash_of_the_page():
    told = sha256(b"twinledger/v1/twin-salt\0" + b"t" * 16 + b"\0\0\1\2" + b"reported/x")
    assert leaf_salt(b"t" * 16, 258, b"reported/x") == told.digest()[:16]
    salts = {
        leaf_salt(salt, index, key)
        for salt in (bytes(16), b"t" * 16)
        for index in (0, 1)
        for key in (b"reported/x", b"desired/x", b"reported/x/y")
    }
    assert len(salts) == 12


def test_execution_salts_each_leaf_by_its_transaction_and_its_operation():
    chain = Chain()
    chain.submit(create("tank"), create("pump", set_("x", 1), set_("y", 1)))  # salt 1
    chain.submit(create("valve"), relate("pump", "feeds", "tank"), update("pump", set_("y", 2)))
    first, second = (n.to_bytes(16, "big") for n in (1, 2))
    wanted = {
        b"reported/x": leaf_salt(first, 1, b"reported/x"),
        b"reported/y": leaf_salt(second, 2, b"reported/y"),
        b"relationship/feeds/tank": leaf_salt(second, 1, b"relationship/feeds/tank"),
    }
    leaves = naive_leaves(chain.state.leaves, "pump")
    assert {key: salt for key, (salt, _) in leaves.items()} == wanted
    assert load_twin(chain.state, PUMP).property_root == naive_twin_root(leaves)


def test_the_same_value_written_again_is_another_leaf():
    chain = Chain()
    chain.submit(create("pump", set_("x", 1)))
    before = load_twin(chain.state, PUMP).property_root
    chain.submit(update("pump", set_("x", 1)))
    assert load_twin(chain.state, PUMP).property_root != before


def test_records_of_the_state_and_leaves_of_the_trees_name_each_other():
    place = state_keys.LeafPlace(PUMP, b"desired/a/b/c")
    record = state_keys.property_key(PUMP, Section.DESIRED, "a/b/c")
    assert state_keys.leaf_place(record) == place
    assert state_keys.leaf_record_key(place) == record
    place = state_keys.LeafPlace(PUMP, b"relationship/feeds/tank")
    assert state_keys.leaf_place(b"relationship/pump/feeds/tank") == place
    assert state_keys.leaf_record_key(place) == b"relationship/pump/feeds/tank"
    for key in (b"twin/pump", b"identity/utility/admin", b"consortium"):
        assert state_keys.leaf_place(key) is None
        assert not state_keys.is_twin_leaf(key)
    for key in (b"", b"reported", b"history/x", b"relationship"):
        assert state_keys.leaf_record_key(state_keys.LeafPlace(PUMP, key)) is None


@pytest.mark.parametrize("cut", [0, 5, 20, 60, -30])
def test_a_record_that_cannot_be_read_is_damage(cut: int):
    chain = Chain()
    chain.submit(create("pump", set_("x", 1)))
    raw = chain.state.leaves[b"property/pump/reported/x"]
    with refused(Code.DATA_DAMAGED):
        twin_leaf(b"reported/x", raw[:cut])
    with refused(Code.DATA_DAMAGED):
        twin_leaf(b"relationship/x/y", raw)
