"""Worlds with liars: what stands, who is named, and who never is."""

import pytest

from tests.unit.consortium.heads.world import Branch, Honest, World, name_of, signed, witnesses

FOUR = witnesses(0, 1, 2, 3)


def liars_of(members: int) -> int:
    return (members - 1) // 3


@pytest.mark.parametrize("members", [4, 5, 6, 7])
@pytest.mark.parametrize("seed", range(6))
def test_up_to_f_liars_certify_no_two_histories(members: int, seed: int) -> None:
    liars = liars_of(members)
    honest = members - liars
    sides = ["ab@5"] * (honest // 2) + ["a"] * (honest - honest // 2)
    world = World(seed, [*[None] * liars, *sides], fork=5, heights=40)
    world.run(30)
    assert not world.conflicts
    assert world.accused <= {name_of(liar) for liar in world.liars}


@pytest.mark.parametrize("members", [4, 5, 6, 7])
@pytest.mark.parametrize("seed", range(4))
def test_without_a_fork_honest_nodes_certify_and_nobody_is_named(members: int, seed: int) -> None:
    world = World(seed, ["a"] * members, fork=40, heights=40)
    world.run(60)
    assert all(node.certified_size == 40 for node in world.honest)
    assert not world.accused
    assert not any(node.suspects for node in world.honest)


@pytest.mark.parametrize("members", [4, 5, 6, 7])
@pytest.mark.parametrize("seed", range(6))
def test_when_a_fork_is_forced_the_evidence_names_exactly_the_double_signers(
    members: int, seed: int
) -> None:
    liars = members - 2
    world = World(seed, [*[None] * liars, "a", "ab@5"], fork=5, heights=60)
    world.run(60)
    assert world.conflicts
    assert liars > liars_of(members)
    assert world.double_signers
    assert world.accused == {name_of(liar) for liar in world.double_signers}


def test_a_misled_follower_is_suspected_but_never_named():
    world = World(1, ["a", "a", "a", "ab@5"], fork=5, heights=40)
    world.run(40)
    assert name_of(3) in world.honest[0].suspects
    assert not world.accused
    assert world.honest[3].contrary


def test_two_heads_of_one_size_are_evidence():
    node = Honest.start(0, "a", FOUR, size=9)
    node.receive([signed(1, Branch("a").head(7)), signed(1, Branch("ab@5").head(7))], 1)
    node.check()
    assert [evidence.witness for evidence in node.evidence] == [name_of(1)]


def test_a_larger_head_here_and_a_smaller_one_elsewhere_are_evidence():
    node = Honest.start(0, "a", FOUR, size=9)
    node.receive([signed(1, Branch("ab@5").head(7))], 1)
    node.check()
    assert node.suspects == [name_of(1)]
    assert not node.evidence
    node.receive([signed(1, Branch("a").head(9))], 2)
    node.check()
    assert [evidence.witness for evidence in node.evidence] == [name_of(1)]


def test_any_later_word_of_a_suspect_on_ones_own_branch_convicts_it():
    """Though it is below the certified head, where it makes no certificate any more."""
    node = Honest.start(0, "a", FOUR, size=9)
    for number in (0, 2, 3):
        node.receive([signed(number, Branch("a").head(9))], number)
    node.receive([signed(1, Branch("ab@5").head(6))], 1)
    node.check()
    assert node.suspects == [name_of(1)]
    assert node.certified_size == 9
    node.receive([signed(1, Branch("a").head(8))], 1)
    node.check()
    assert [evidence.witness for evidence in node.evidence] == [name_of(1)]


def test_a_smaller_head_here_and_a_larger_one_elsewhere_need_the_others_path():
    node, other = Honest.start(0, "a", FOUR, size=9), Honest.start(2, "ab@5", FOUR, size=9)
    node.receive([signed(1, Branch("a").head(6)), signed(1, Branch("ab@5").head(8))], 1)
    node.check()
    assert not node.evidence
    (question,) = node.keeper.suspicions.questions()
    wrong = Branch("ac@5").consistency(6, 8)
    assert node.keeper.answered(question, *wrong) is None
    node.ask([other])
    assert [evidence.witness for evidence in node.evidence] == [name_of(1)]
    assert not node.keeper.suspicions.questions()


def test_a_witness_that_was_misled_after_its_last_head_here_is_not_named():
    node, other = Honest.start(0, "a", FOUR, size=9), Honest.start(2, "ab@5", FOUR, size=9)
    node.receive([signed(1, Branch("a").head(5)), signed(1, Branch("ab@5").head(8))], 1)
    node.check()
    node.ask([other])
    assert not node.evidence
    assert not node.keeper.suspicions.questions()


def test_heads_that_were_passed_on_meet_the_ones_held_here():
    node = Honest.start(0, "a", FOUR, size=9)
    node.receive([signed(1, Branch("a").head(8))], 1)
    node.keeper.idle()
    node.check()
    node.receive([signed(1, Branch("ab@5").head(7))], 3)
    node.check()
    assert [evidence.witness for evidence in node.evidence] == [name_of(1)]


def test_what_is_passed_on_with_a_false_signature_is_nothing():
    node = Honest.start(0, "a", FOUR, size=9)
    lie = signed(2, Branch("ab@5").head(7))
    node.receive([type(lie)(lie.checkpoint, signed(1, Branch("a").head(7)).cosignature)], 3)
    node.check()
    assert not node.suspects
    assert not node.evidence


def test_a_certificate_of_another_head_than_ones_own_is_told():
    node = Honest.start(0, "ab@5", FOUR, size=9)
    for number in (1, 2, 3):
        node.receive([signed(number, Branch("a").head(9))], number)
    node.check()
    assert [certificate.checkpoint for certificate in node.contrary] == [Branch("a").head(9)]
    assert node.certified_size == 0
