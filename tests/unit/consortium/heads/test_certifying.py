"""From executed heights to certificates: what is signed, what is checked, and what waits."""

import sys
from collections.abc import Callable

import pytest

from tests.unit.consortium.heads.world import (
    ORIGIN,
    Branch,
    Honest,
    name_of,
    signed,
    witnesses,
)
from twinledger.consortium.heads import Purpose
from twinledger.consortium.heads.claims import MAX_CLAIMS
from twinledger.consortium.heads.roots import OwnHeads
from twinledger.consortium.heads.signing import MAX_BATCH, Signing
from twinledger.consortium.witnesses import check_certificate
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.cosignature import Cosignature
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import SignedHead
from twinledger.ledger.history_tree import root

FOUR = witnesses(0, 1, 2, 3)


@pytest.fixture
def nodes() -> list[Honest]:
    return [Honest.start(number, "a", FOUR) for number in range(4)]


def exchange(nodes: list[Honest], said: dict[int, list[SignedHead]]) -> None:
    for number, heads in said.items():
        for node in nodes:
            if node.number != number:
                node.receive(heads, number)
    for node in nodes:
        node.check()


def test_own_heads_are_those_of_the_history_tree():
    branch = Branch("a")
    branch.grow(1)
    own = OwnHeads(ORIGIN, branch.history, 1)
    for size in range(2, 140):
        branch.grow(size)
        head = own.add(b"a %d" % (size - 1))
        assert head.root == root(branch.history, size) == own.head(size).root
        assert OwnHeads(ORIGIN, branch.history, size).head(size) == head


def test_every_executed_height_is_signed_once_in_order(nodes):
    node = nodes[0]
    for _ in range(5):
        node.execute()
    assert [head.checkpoint.size for head in node.sign()] == [1, 2, 3, 4, 5, 6]
    assert node.sign() == []
    node.execute()
    assert [head.checkpoint.size for head in node.sign()] == [7]


def test_nothing_is_signed_before_it_is_durable(nodes):
    node = nodes[0]
    node.execute()
    node.execute()
    assert [head.size for head in node.keeper.signing.batch(2, None)] == [1, 2]


def test_far_behind_only_the_newest_is_signed(nodes):
    node = nodes[0]
    for _ in range(MAX_BATCH + 1):
        node.execute()
    assert [head.checkpoint.size for head in node.sign()] == [MAX_BATCH + 2]


def test_the_newest_is_signed_again_and_nothing_else(nodes):
    node = nodes[0]
    node.execute()
    node.sign()
    assert [head.checkpoint.size for head in node.sign(2000, again=True)] == [2]


def test_a_key_that_signed_another_head_of_a_size_signs_no_more():
    branch = Branch("a")
    branch.grow(3)
    own = OwnHeads(ORIGIN, branch.history, 3)
    with pytest.raises(LedgerError) as raised:
        Signing(own, Branch("b").head(3))
    assert raised.value.code is Code.DIVERGED
    signing = Signing(own, Branch("b").head(5))
    assert signing.batch(10, None) == ()
    for height in (3, 4):
        branch.grow(height + 1)
        own.add(b"a %d" % height)
    with pytest.raises(LedgerError):
        signing.check_own()


def test_a_quorum_certifies_the_newest_head_and_checks_no_lower_one(nodes):
    for node in nodes:
        for _ in range(9):
            node.execute()
    for number in range(3):
        nodes[0].receive(nodes[number].sign(), number)
    check = nodes[0].keeper.next_check()
    assert check is not None
    assert check.purpose is Purpose.CERTIFY
    assert {claim.signed.checkpoint.size for claim in check.claims} == {10}
    found = nodes[0].keeper.checked(check, check.run())
    assert found.certificate is not None
    assert check_certificate(found.certificate.raw, FOUR, ORIGIN).checkpoint.size == 10
    assert nodes[0].keeper.next_check() is None


def test_fewer_than_a_quorum_certify_nothing(nodes):
    said = {node.number: node.sign() for node in nodes[:2]}
    exchange(nodes, said)
    assert [node.certified_size for node in nodes] == [0] * 4


def test_an_invalid_cosignature_does_not_count_and_spoils_nothing(nodes):
    good = {number: nodes[number].sign() for number in (0, 1, 3)}
    forged = SignedHead(good[0][0].checkpoint, Cosignature(name_of(2), 1000, bytes(64)))
    exchange(nodes[:1], {1: good[1], 2: [forged]})
    assert nodes[0].certified_size == 0
    exchange(nodes[:1], {3: good[3]})
    assert nodes[0].certified_size == 1


def test_nobody_can_take_the_place_of_another(nodes):
    good = {number: nodes[number].sign() for number in (0, 1)}
    forged = SignedHead(good[0][0].checkpoint, Cosignature(name_of(1), 9999, bytes(64)))
    exchange(nodes[:1], {1: good[1], 2: [forged]})
    exchange(nodes[:1], {2: nodes[2].sign()})
    assert nodes[0].certified_size == 1


def test_a_head_that_is_not_executed_yet_waits(nodes):
    for node in nodes[1:]:
        node.execute()
    exchange(nodes[:1], {node.number: node.sign() for node in nodes[1:]})
    assert nodes[0].certified_size == 1
    nodes[0].execute()
    nodes[0].check()
    assert nodes[0].certified_size == 2


def test_the_newest_head_signed_again_by_a_quorum_renews_the_certificate(nodes):
    exchange(nodes, {node.number: node.sign(1000) for node in nodes})
    exchange(nodes, {node.number: node.sign(1010, again=True) for node in nodes})
    newest = nodes[0].certificates[-1]
    assert newest.checkpoint.size == 1
    fresh = [made for made in newest.cosignatures if made.timestamp_s == 1010]
    assert len(fresh) >= FOUR.quorum


def claimed(sizes: range) -> list[SignedHead]:
    """Heads of sizes that nobody executed, by one witness, not signed: none is checked here."""
    unsigned = Cosignature(name_of(1), 1000, bytes(64))
    return [SignedHead(Checkpoint(ORIGIN, size, bytes(32)), unsigned) for size in sizes]


def test_claims_of_one_witness_are_bounded_to_the_largest(nodes):
    last = 2 * MAX_CLAIMS + 50
    nodes[0].receive(claimed(range(1, last + 1)), 1)
    ((_, kept),) = nodes[0].keeper.gathering._claims.by_witness()
    sizes = sorted(size for size, _ in kept)
    assert MAX_CLAIMS <= len(sizes) <= 2 * MAX_CLAIMS
    assert sizes == list(range(last - len(sizes) + 1, last + 1))


def test_what_a_claim_costs_does_not_grow_with_the_claims_that_are_kept(nodes):
    """A node that catches up hears thousands of heads above its own; counted in calls."""
    few, many = claimed(range(1, 101)), claimed(range(101, 8 * MAX_CLAIMS + 101))
    calls_for_few = calls_in(lambda: nodes[0].receive(few, 1))
    calls_for_many = calls_in(lambda: nodes[0].receive(many, 1))
    assert calls_for_many / len(many) < 2 * calls_for_few / len(few)


def calls_in(work: Callable[[], None]) -> int:
    """How many times a Python function is entered or a generator is asked."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


FIVE = witnesses(1, 2, 3, 4, 5)


def with_change(numbers: range, before: int = 2, after: int = 3) -> list[Honest]:
    """Nodes that executed blocks before, the change to witnesses 1 to 5, and blocks after it."""
    nodes = [Honest.start(number, "a", FOUR) for number in numbers]
    for node in nodes:
        for _ in range(before):
            node.execute()
        node.execute(FIVE)
        for _ in range(after):
            node.execute()
    return nodes


def test_a_change_is_certified_by_the_witnesses_before_and_then_the_new_ones_go_on():
    nodes = with_change(range(6))
    exchange(nodes, {node.number: node.sign() for node in nodes})
    assert [node.certified_size for node in nodes] == [4] * 6
    assert all(
        check_certificate(node.certificates[-1].raw, FOUR, ORIGIN).checkpoint.size == 4
        for node in nodes
    )
    exchange(nodes, {node.number: node.sign() for node in nodes})
    assert [node.certified_size for node in nodes] == [7] * 6
    assert check_certificate(nodes[0].certificates[-1].raw, FIVE, ORIGIN).checkpoint.size == 7


def test_nothing_beyond_an_uncertified_change_is_signed():
    (node,) = with_change(range(1))
    assert [head.checkpoint.size for head in node.sign()] == [1, 2, 3, 4]
    assert node.sign() == []
    assert [head.checkpoint.size for head in node.sign(2000, again=True)] == [4]


def test_larger_heads_of_a_quorum_do_not_jump_over_a_change():
    nodes = with_change(range(1))
    branch = Branch("a")
    exchange(nodes, {number: [signed(number, branch.head(7))] for number in range(1, 6)})
    assert nodes[0].certified_size == 0
    exchange(nodes, {number: [signed(number, branch.head(4))] for number in range(1, 4)})
    assert nodes[0].certified_size == 7


def test_two_changes_in_a_row_are_certified_one_after_the_other():
    nodes = [Honest.start(number, "a", FOUR) for number in range(6)]
    for node in nodes:
        node.execute(FIVE)
        node.execute(FOUR)
        node.execute()
    for expected in (2, 3, 4):
        exchange(nodes, {node.number: node.sign() for node in nodes})
        assert [node.certified_size for node in nodes] == [expected] * 6
