"""After a start the state machine goes on from what is on the disk, and from nothing else."""

import pytest

from tests.unit.consortium.heads.test_certifying import FIVE, FOUR, exchange, with_change
from tests.unit.consortium.heads.world import ORIGIN, Branch, Honest, key_of, signed
from twinledger.consortium.heads.restoring import Kept, restore
from twinledger.consortium.heads.roots import OwnHeads
from twinledger.consortium.witnesses import certify
from twinledger.ledger.errors import Code, LedgerError


def certified(branch: Branch, size: int, numbers: range) -> bytes:
    head = branch.head(size)
    made = [signed(number, head).cosignature for number in numbers]
    return certify(FOUR if 0 in numbers else FIVE, head, made).raw


def restored(size: int, **kept: object) -> Honest:
    branch = Branch("a")
    branch.grow(size)
    own = OwnHeads(ORIGIN, branch.history, size)
    fields = {"signed": None, "first": FOUR} | kept
    return Honest(0, branch, restore(own, Kept(**fields)))  # type: ignore[arg-type]


def test_a_node_goes_on_signing_above_what_it_signed():
    node = restored(5, signed=Branch("a").head(3))
    assert [head.checkpoint.size for head in node.sign()] == [4, 5]


def test_a_node_whose_chain_must_be_replayed_signs_nothing_until_it_is():
    node = restored(2, signed=Branch("a").head(4))
    assert node.sign() == []
    assert node.sign(again=True) == []
    for _ in range(3):
        node.execute()
    assert [head.checkpoint.size for head in node.sign()] == [5]


def test_a_change_that_is_certified_is_behind():
    branch = Branch("a")
    node = restored(
        7,
        changes=((4, FIVE),),
        change_certificates={4: certified(branch, 4, range(3))},
        newest=certified(branch, 6, range(1, 5)),
    )
    assert node.certified_size == 6
    assert node.keeper.gathering.witnesses == FIVE
    assert node.keeper.gathering.barrier is None


def test_a_changes_own_head_may_have_been_signed_again_by_more_before_a_restart():
    branch = Branch("a")
    node = restored(
        5,
        changes=((4, FIVE),),
        change_certificates={4: certified(branch, 4, range(3))},
        newest=certified(branch, 4, range(4)),
    )
    assert node.certified_size == 4
    assert node.keeper.gathering.barrier is None


def test_a_crash_may_leave_a_newest_certificate_of_before_the_last_change():
    """One node less certifies after the change; its name stands in what it certified before."""
    branch = Branch("a")
    node = restored(
        5,
        first=FIVE,
        changes=((4, FOUR),),
        change_certificates={4: certified(branch, 4, range(1, 6))},
        newest=certified(branch, 3, range(1, 6)),
    )
    assert node.certified_size == 4
    assert node.keeper.gathering.witnesses == FOUR


def test_a_change_that_is_not_certified_is_still_a_barrier():
    branch = Branch("a")
    node = restored(7, changes=((4, FIVE),), newest=certified(branch, 3, range(3)))
    assert node.certified_size == 3
    assert node.keeper.gathering.barrier == 4
    assert [head.checkpoint.size for head in node.sign()] == [1, 2, 3, 4]
    others = with_change(range(1, 6))
    exchange([node, *others], {other.number: other.sign() for other in others})
    assert node.certified_size == 4


def test_a_block_executed_again_does_not_change_the_witnesses_again():
    branch = Branch("a")
    node = restored(
        3, changes=((4, FIVE),), change_certificates={4: certified(branch, 4, range(3))}
    )
    node.execute(FIVE)
    assert node.keeper.gathering.barrier is None
    assert not node.contrary


def test_a_block_executed_again_to_another_head_than_the_certified_one_is_told():
    node = restored(3, newest=certified(Branch("ab@3"), 4, range(3)))
    node.execute()
    assert [each.checkpoint for each in node.contrary] == [Branch("ab@3").head(4)]


def test_a_certificate_by_too_few_is_refused():
    branch = Branch("a")
    with pytest.raises(LedgerError) as raised:
        restored(
            7,
            changes=((4, FIVE),),
            change_certificates={4: certified(branch, 4, range(3))},
            newest=certified(branch, 6, range(3)),
        )
    assert raised.value.code is Code.CERTIFICATE_INVALID


def test_a_newest_certificate_that_is_no_note_is_refused():
    with pytest.raises(LedgerError) as raised:
        restored(5, newest=b"no note")
    assert raised.value.code is Code.CERTIFICATE_INVALID


def test_heads_seen_before_a_restart_convict_after_it():
    node = restored(9, seen={key_of(1).public_key: signed(1, Branch("a").head(8))})
    node.receive([signed(1, Branch("ab@5").head(7))], 1)
    node.check()
    assert len(node.evidence) == 1
