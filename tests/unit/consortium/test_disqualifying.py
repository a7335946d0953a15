"""A witness key that is convicted of signing two histories is one no more; its member stays."""

import pytest

from tests.unit.consortium.governed import World, admit, join_of, remove
from tests.unit.consortium.liars import evidence_against
from tests.unit.execution.chain import signer
from tests.unit.ledger.refusals import refused
from twinledger.consensus import Configuration, NodeId
from twinledger.consortium.disqualifying import PREFIX, Conviction, convictions
from twinledger.consortium.governed import with_votes
from twinledger.consortium.members import Consortium
from twinledger.consortium.plan import Quorums
from twinledger.consortium.rules import Rules
from twinledger.consortium.witnesses import witness_set
from twinledger.ledger.errors import Code
from twinledger.ledger.governance_operations import (
    ChangeRules,
    ReplaceNode,
    SubmitEvidence,
    UpdateNode,
)
from twinledger.ledger.names import IdentityName
from twinledger.ledger.operations import AdmitIdentity, Role

NEW_KEY = signer("another").key.public_key


def convict(world: World, liar: str, by: str = "a", node_id: str = "") -> str:
    raw = evidence_against(liar, world.chain_id, node_id=node_id).encode()
    return world.act(by, SubmitEvidence(raw)).subject


def new_key(node_id: str, key: bytes = NEW_KEY) -> UpdateNode:
    return UpdateNode(NodeId(node_id), None, None, key, None, None, None)


def names(consortium: Consortium) -> list[str]:
    return [witness.name for witness in witness_set(consortium).witnesses]


def everybody_votes(world: World) -> None:
    """The configuration that records every node's vote, as the governor brings it about."""
    voters = tuple(sorted(node.node_id for _, node in world.consortium.nodes))
    after = with_votes(world.consortium, Configuration(voters))
    world.put(b"consortium", after.encode())


def test_a_key_that_signed_two_histories_counts_no_more_and_the_quorum_stays():
    world = World.of(4)
    assert convict(world, "d") == "d/d-1"
    after = world.consortium
    assert names(after) == ["a/a-1", "b/b-1", "c/c-1"]
    assert witness_set(after).quorum == 3
    assert after.set_number == 1
    assert [member.name for member in after.members] == ["a", "b", "c", "d"]
    assert all(node.voter for _, node in after.nodes)
    assert Consortium.decode(after.encode()) == after


def test_the_state_keeps_the_evidence_with_its_block_and_who_brought_it():
    world = World.of(4)
    evidence = evidence_against("d", world.chain_id)
    event = world.act("b", SubmitEvidence(evidence.encode()))
    assert (event.kind, event.subject, event.version) == ("WITNESS_DISQUALIFIED", "d/d-1", 0)
    assert list(convictions(world)) == [Conviction(evidence.encode(), world.height, "b/admin")]
    assert world.get(PREFIX + evidence.public_key.hex().encode()) is not None


def test_a_damaged_record_of_evidence_is_told():
    with refused(Code.DATA_DAMAGED):
        Conviction.decode(b"garbage")


def test_the_same_key_is_disqualified_once_whatever_else_convicts_it():
    world = World.of(4)
    convict(world, "d")
    kept = dict(world.leaves)
    another = evidence_against("d", world.chain_id, sizes=(6, 6))
    with refused(Code.WITNESS_DISQUALIFIED, "d/d-1"):
        world.act("b", SubmitEvidence(another.encode()))
    assert world.leaves == kept


def test_any_members_admin_or_operator_may_submit_and_nobody_else():
    world = World.of(4)
    raw = evidence_against("d", world.chain_id).encode()
    for role in (Role.OPERATOR, Role.DEVICE, Role.AUDITOR):
        name = IdentityName(f"b/{role.name.lower()}")
        world.act("b", AdmitIdentity(name, signer(name).key.public_key, role))
    for other in ("b/device", "b/auditor"):
        with refused(Code.ACCESS_DENIED):
            world.act(other, SubmitEvidence(raw))
    world.act("b/operator", SubmitEvidence(raw))


def test_the_liar_itself_may_submit_too():
    assert convict(World.of(4), "d", by="d") == "d/d-1"


@pytest.mark.parametrize("damage", range(6))
def test_what_does_not_convict_is_refused(damage: int):
    world = World.of(4)
    good = evidence_against("d", world.chain_id).encode()
    forged = [
        b"",
        good[:-1],
        good[:-40] + bytes(40),
        evidence_against("d", bytes(32)).encode(),
        evidence_against("d", world.chain_id, epoch=1).encode(),
        evidence_against("d", world.chain_id, named="c/c-1").encode(),
    ]
    kept = dict(world.leaves)
    with refused(Code.EVIDENCE_INVALID):
        world.act("a", SubmitEvidence(forged[damage]))
    assert world.leaves == kept


def test_a_key_that_is_no_witness_is_not_accused():
    world = World.of(4)
    with refused(Code.WITNESS_UNKNOWN, signer("x-1 witness").key.public_key.hex()):
        convict(world, "x")
    world.act("d", new_key("d-1"))
    with refused(Code.WITNESS_UNKNOWN):
        convict(world, "d")
    world.pass_(admit("new"))
    with refused(Code.WITNESS_UNKNOWN):
        convict(world, "new")


def test_its_member_registers_another_key_alone_and_has_its_voice_again():
    world = World.of(4)
    convict(world, "d")
    world.act("d", new_key("d-1"))
    assert names(world.consortium) == ["a/a-1", "b/b-1", "c/c-1", "d/d-1"]
    assert witness_set(world.consortium).by_name["d/d-1"].public_key == NEW_KEY
    assert world.consortium.set_number == 2
    with refused(Code.KEY_USED):
        world.act("d", new_key("d-1", signer("d-1 witness").key.public_key))
    with refused(Code.WITNESS_UNKNOWN):
        convict(world, "d")


def test_other_changes_of_its_record_leave_the_key_disqualified():
    world = World.of(4)
    convict(world, "d")
    world.act("d", UpdateNode(NodeId("d-1"), "h:1", None, None, NEW_KEY, None, None))
    everybody_votes(world)
    assert names(world.consortium) == ["a/a-1", "b/b-1", "c/c-1"]
    assert world.consortium.set_number == 1


def test_a_new_node_in_the_place_of_a_disqualified_one_begins_clean():
    world = World.of(4)
    convict(world, "d")
    world.act("d", ReplaceNode(NodeId("d-1"), join_of("d", 5000, "d-2")))
    everybody_votes(world)
    assert names(world.consortium) == ["a/a-1", "b/b-1", "c/c-1", "d/d-2"]


@pytest.mark.parametrize(("members", "most"), [(1, 0), (2, 0), (3, 1), (4, 1), (6, 2), (7, 2)])
def test_no_more_keys_are_disqualified_than_leave_a_quorum(members: int, most: int):
    # The set before a block certifies it: with fewer keys than the quorum, no block could ever be
    # certified again, not even the one that brings in another key.
    world = World.of(members)
    for liar in "abcdefghij"[:most]:
        convict(world, liar)
    with refused(Code.QUORUM_IMPOSSIBLE, f"only {members - most - 1} members' nodes would cosign"):
        convict(world, "abcdefghij"[most])
    assert len(witness_set(world.consortium).witnesses) >= witness_set(world.consortium).quorum


def test_once_another_key_stands_in_the_next_liar_is_disqualified():
    world = World.of(4)
    convict(world, "d")
    with refused(Code.QUORUM_IMPOSSIBLE):
        convict(world, "c")
    world.act("d", new_key("d-1"))
    assert convict(world, "c") == "c/c-1"


def test_a_quorum_of_everybody_must_be_lowered_first():
    world = World.of(4, Rules(certificate_quorum=4))
    with refused(Code.QUORUM_IMPOSSIBLE):
        convict(world, "d")
    world.pass_(ChangeRules((("certificate_quorum", 0),)))
    assert convict(world, "d") == "d/d-1"


def test_no_decision_leaves_fewer_keys_than_the_quorum_afterwards():
    world = World.of(6)
    convict(world, "e")
    convict(world, "f")
    # Of five members four must sign, and three honest keys would be left.
    with refused(Code.QUORUM_IMPOSSIBLE):
        world.propose("b", remove("a"))
    with refused(Code.QUORUM_IMPOSSIBLE):
        world.act("a", ReplaceNode(NodeId("a-1"), join_of("a", 5000, "a-2")))
    with refused(Code.QUORUM_IMPOSSIBLE):
        world.propose("a", ChangeRules((("certificate_quorum", 5),)))
    world.pass_(remove("f"))
    assert witness_set(world.consortium).quorum == len(names(world.consortium)) == 4


def test_a_plan_knows_whose_failure_would_stop_certifying():
    world = World.of(4)
    convict(world, "d")
    quorums = Quorums.of(world.consortium)
    everybody = set(quorums.nodes)
    assert quorums.stop_ordering(everybody) == ()
    assert quorums.stop_certifying(everybody) == ("a-1", "b-1", "c-1")
