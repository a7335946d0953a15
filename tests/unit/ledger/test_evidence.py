"""Evidence names who signed two histories, whatever the sizes, and nobody else."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger.heads import NOW_S, ORIGIN, branch, head_of, signed_head, witness_key
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.trees import MemoryHistory
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import Code
from twinledger.ledger.evidence import (
    MAX_BYTES,
    Evidence,
    SignedHead,
    check_evidence,
    find_evidence,
)

LIAR = "maker/maker-1"
KEY = witness_key(LIAR).public_key
LENGTH = 24
ONE = MemoryHistory.of(branch(9, b"one", LENGTH))
TWO = MemoryHistory.of(branch(9, b"two", LENGTH))
sizes = st.integers(1, LENGTH)


def found(smaller: int, larger: int, tree: MemoryHistory = TWO) -> Evidence | None:
    one, other = head_of(ONE, smaller), head_of(TWO, larger)
    return find_evidence(tree, KEY, signed_head(LIAR, one), signed_head(LIAR, other))


def evidence(smaller: int, larger: int) -> Evidence:
    made = found(smaller, larger)
    assert made is not None
    return made


@pytest.mark.parametrize("larger", range(10, LENGTH + 1))
@pytest.mark.parametrize("smaller", [10, 11, 15, 16, 17, 23, 24])
def test_two_heads_on_two_branches_convict_whatever_their_sizes(smaller: int, larger: int):
    made = found(smaller, larger, TWO if smaller <= larger else ONE)
    assert made is not None
    raw = made.encode()
    assert len(raw) <= MAX_BYTES
    assert check_evidence(raw, KEY, ORIGIN) == made
    assert made.witness == LIAR


@given(st.integers(1, 9), sizes)
def test_heads_below_the_fork_convict_nobody(smaller: int, larger: int):
    assert found(smaller, larger, TWO if smaller <= larger else ONE) is None


def test_the_order_in_which_the_heads_are_given_does_not_matter():
    one, other = signed_head(LIAR, head_of(ONE, 12)), signed_head(LIAR, head_of(TWO, 12))
    assert find_evidence(ONE, KEY, one, other) == find_evidence(ONE, KEY, other, one) is not None


def test_a_tree_that_is_not_the_larger_heads_finds_nothing():
    assert found(10, 20, ONE) is None


def test_the_same_head_signed_again_later_is_no_evidence():
    head = head_of(ONE, 12)
    again = signed_head(LIAR, head, NOW_S + 60)
    assert find_evidence(ONE, KEY, signed_head(LIAR, head), again) is None
    forged = Evidence(KEY, signed_head(LIAR, head), again, head.root, ())
    with refused(Code.EVIDENCE_INVALID, "the same"):
        check_evidence(forged.encode(), KEY, ORIGIN)


GOOD = evidence(10, 20)
SAME_SIZE = evidence(12, 12)


def forged_from(made: Evidence) -> list[Evidence]:
    """One fault in each."""
    other = signed_head("utility/utility-1", made.larger.checkpoint)
    within = Checkpoint(ORIGIN, made.smaller.checkpoint.size, made.root_within)
    consistent = signed_head(LIAR, within)
    unsigned = replace(made.smaller.cosignature, signature=bytes(64))
    return [
        replace(made, public_key=bytes(32)),
        replace(made, larger=other),
        replace(made, smaller=SignedHead(made.smaller.checkpoint, unsigned)),
        replace(made, smaller=consistent),
        replace(made, smaller=made.larger, larger=made.smaller),
        replace(made, root_within=bytes(32)),
        replace(made, root_within=b""),
        replace(made, root_within=made.smaller.checkpoint.root),
        replace(made, way=(*made.way, bytes(32))),
        replace(made, way=(bytes(32),) * 64),
    ]


@pytest.mark.parametrize("made", [*forged_from(GOOD), *forged_from(SAME_SIZE)])
def test_forged_evidence_is_refused(made: Evidence):
    with refused(Code.EVIDENCE_INVALID):
        check_evidence(made.encode(), KEY, ORIGIN)


def test_evidence_about_another_ledger_or_key_is_refused():
    with refused(Code.EVIDENCE_INVALID, "another ledger"):
        check_evidence(GOOD.encode(), KEY, ORIGIN + "/epoch-1")
    with refused(Code.EVIDENCE_INVALID, "another key"):
        check_evidence(GOOD.encode(), witness_key("x").public_key, ORIGIN)


@given(st.binary(max_size=40), st.integers(0, 1500), st.integers(0, 40))
def test_hostile_bytes_are_refused_by_name(noise: bytes, at: int, cut: int):
    raw = GOOD.encode()
    hostile = raw[:at] + noise + raw[at + cut :]
    if hostile != raw:
        with refused(Code.EVIDENCE_INVALID):
            check_evidence(hostile, KEY, ORIGIN)


def test_evidence_that_is_too_long_is_not_even_read():
    with refused(Code.EVIDENCE_INVALID, "4096"):
        check_evidence(bytes(MAX_BYTES + 1), KEY, ORIGIN)


@given(st.data())
def test_liars_are_named_and_a_node_that_only_extended_its_branch_never_is(data: st.DataObject):
    """Two branches that fork anywhere; each witness signs heads of the branches that it follows.

    An honest follower may have been misled onto either branch. All pairs of heads of each key
    are tried with the tree of either branch: exactly the keys that signed both branches above the
    fork, at whatever sizes, are convicted.
    """
    fork = data.draw(st.integers(0, 12), "fork")
    trees = [MemoryHistory.of(branch(fork, name, 16)) for name in (b"one", b"two")]
    heads = data.draw(
        st.dictionaries(
            st.sampled_from(["a/1", "b/1", "c/1", "d/1"]),
            st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(1, 16)), max_size=6),
        ),
        "heads that each witness signed: branch and size",
    )
    for name, signed in heads.items():
        public_key = witness_key(name).public_key
        told = [signed_head(name, head_of(trees[where], size)) for where, size in signed]
        proofs = [
            made.encode()
            for one, other in combinations(told, 2)
            for tree in trees
            if (made := find_evidence(tree, public_key, one, other))
        ]
        lied = {where for where, size in signed if size > fork} == {0, 1}
        assert bool(proofs) == lied
        for raw in proofs:
            assert check_evidence(raw, public_key, ORIGIN).witness == name


@given(st.lists(sizes, min_size=2, max_size=2), st.data())
def test_nothing_made_of_honest_heads_convicts(pair: list[int], data: st.DataObject):
    """Whatever root and path an accuser invents, from the hashes of the very tree or of another."""
    first, second = sorted(pair)
    smaller, larger = (signed_head(LIAR, head_of(ONE, size)) for size in (first, second))
    known = [*ONE.hashes.values(), *TWO.hashes.values(), head_of(ONE, first).root]
    hashes = st.sampled_from(known)
    way = tuple(data.draw(st.lists(hashes, max_size=6)))
    made = Evidence(KEY, smaller, larger, data.draw(hashes), way)
    with refused(Code.EVIDENCE_INVALID):
        check_evidence(made.encode(), KEY, ORIGIN)
