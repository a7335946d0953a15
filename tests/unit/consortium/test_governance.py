"""Proposals and votes: one member one vote, effect in the block of the deciding vote."""

import pytest

from tests.unit.consortium.governed import HOUR_US, World, admit, join_of, join_with, remove
from tests.unit.execution.chain import member, signer
from tests.unit.ledger.refusals import refused
from twinledger.consortium.identities import IdentityRecord, find_identity
from twinledger.consortium.members import Admin, Member
from twinledger.consortium.plan import Quorums, plan
from twinledger.consortium.proposals import Proposal, Status, proposal_key
from twinledger.consortium.protocol import (
    GENESIS_PROTOCOL,
    load_protocol,
    refuse_unknown_protocol,
)
from twinledger.consortium.rules import DEFAULT_RULES, Rules
from twinledger.ledger.errors import Code
from twinledger.ledger.governance_operations import (
    AdmitMember,
    ChangeProtocol,
    ChangeRules,
    Propose,
    Vote,
    Withdraw,
)
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.operations import AdmitIdentity, Role

STRICTER = ChangeRules((("remove_member_percent", 75),))


def test_a_proposal_takes_effect_in_the_block_of_the_deciding_vote():
    world = World.of(4)
    assert world.propose("a", admit("new")).kind == "PROPOSED"
    assert world.vote("b", 1).kind == "VOTED"
    assert world.names == ["a", "b", "c", "d"]
    assert world.vote("c", 1).kind == "PROPOSAL_PASSED"
    assert world.names == ["a", "b", "c", "d", "new"]
    assert world.proposal(1).status is Status.PASSED
    assert world.proposal(1).decided_height == world.height
    assert find_identity(world, IdentityName("new/admin")) == IdentityRecord(
        IdentityName("new/admin"), signer("new/admin").key.public_key, Role.ADMIN
    )


def test_a_newcomer_votes_at_once_and_its_node_counts_when_it_is_promoted():
    world = World.of(3)
    world.pass_(admit("new"))
    (node,) = world.consortium.members[-1].nodes
    assert not node.voter
    assert world.consortium.set_number == 0
    world.propose("new", STRICTER)


def test_a_removed_member_signs_nothing_more_and_leaves_nothing_that_comes_back():
    world = World.of(4)
    device = AdmitIdentity(IdentityName("d/device"), signer("x").key.public_key, Role.DEVICE)
    world.act("d", device)
    world.pass_(remove("d"))
    assert world.names == ["a", "b", "c"]
    assert world.consortium.set_number == 1
    for name in ("d/admin", "d/device"):
        record = find_identity(world, IdentityName(name))
        assert record is not None
        assert record.revoked
    with refused(Code.NOT_A_VOTER):
        world.propose("d", STRICTER)
    with refused(Code.NODE_ID_USED, "d-1"):
        world.propose("a", AdmitMember(join_of("e", 5000, "d-1")))
    with refused(Code.IDENTITY_EXISTS, "d/admin"):
        world.propose("a", AdmitMember(join_of("d", 5000, "d-2")))


def test_a_proposal_that_cannot_pass_any_more_is_rejected():
    world = World.of(4)
    world.propose("a", STRICTER)
    assert world.vote("b", 1, approve=False).kind == "VOTED"
    assert world.vote("c", 1, approve=False).kind == "PROPOSAL_REJECTED"
    assert world.consortium.rules == DEFAULT_RULES
    with refused(Code.PROPOSAL_CLOSED, "rejected"):
        world.vote("d", 1)


def test_a_single_member_decides_alone():
    world = World.of(1)
    assert world.propose("a", STRICTER).kind == "PROPOSAL_PASSED"
    assert world.consortium.rules.remove_member_percent == 75


@pytest.mark.parametrize(
    ("members", "percent", "needed"),
    [(3, 50, 2), (4, 50, 3), (3, 66, 2), (6, 66, 4), (7, 66, 5), (4, 75, 4), (10, 99, 10)],
)
def test_more_than_the_share_of_the_rules_must_approve(members: int, percent: int, needed: int):
    world = World.of(members, Rules(admit_member_percent=percent))
    world.propose("a", admit("new"))
    kinds = [world.vote(name, 1).kind for name in world.names[1:needed]]
    assert kinds == ["VOTED"] * (needed - 2) + ["PROPOSAL_PASSED"]


def test_only_admins_of_members_vote():
    world = World.of(3)
    operator = AdmitIdentity(IdentityName("b/op"), signer("b/op").key.public_key, Role.OPERATOR)
    world.act("b", operator)
    world.propose("a", STRICTER)
    with refused(Code.NOT_A_VOTER):
        world.vote("b/op", 1)
    with refused(Code.NOT_A_VOTER):
        world.propose("b/op", STRICTER)
    with refused(Code.NOT_A_VOTER):
        world.act("b/op", Withdraw(1))


def test_a_member_votes_once_whoever_of_it_signs():
    world = World.of(4)
    world.act("a", AdmitIdentity(IdentityName("a/two"), signer("a/two").key.public_key, Role.ADMIN))
    world.propose("a", STRICTER)
    for identity in ("a", "a/two"):
        with refused(Code.VOTED_TWICE, "a"):
            world.vote(identity, 1)
    world.vote("b", 1)
    with refused(Code.VOTED_TWICE, "b"):
        world.vote("b", 1, approve=False)


def test_a_vote_that_comes_late_is_refused():
    world = World.of(3, Rules(proposal_lifetime_us=HOUR_US))
    world.propose("a", STRICTER)
    world.time_us += HOUR_US
    world.vote("b", 1, approve=False)
    world.time_us += 1
    with refused(Code.PROPOSAL_EXPIRED):
        world.vote("c", 1)


def test_a_vote_that_is_meant_for_another_plan_is_refused():
    world = World.of(4)
    world.propose("a", STRICTER)
    world.propose("a", admit("new"))
    with refused(Code.PLAN_CHANGED):
        world.act("b", Vote(2, world.proposal(1).plan, approve=True))


def test_a_proposal_falls_when_its_ground_moves():
    world = World.of(4)
    stale = world.ground
    world.propose("a", remove("d"))
    world.pass_(STRICTER)
    with refused(Code.GROUND_MOVED):
        world.vote("b", 1)
    with refused(Code.GROUND_MOVED):
        world.act("a", Propose(stale, remove("d")))


def test_a_member_cannot_move_the_ground_alone():
    world = World.of(4)
    world.propose("a", remove("d"))
    world.act("d", AdmitIdentity(IdentityName("d/two"), signer("d/two").key.public_key, Role.ADMIN))
    world.vote("b", 1)
    world.vote("c", 1)
    assert world.names == ["a", "b", "c"]


def test_only_who_proposed_withdraws_and_only_once():
    world = World.of(4)
    world.propose("a", STRICTER)
    with refused(Code.NOT_THE_PROPOSER, "a/admin"):
        world.act("b", Withdraw(1))
    assert world.act("a", Withdraw(1)).kind == "PROPOSAL_WITHDRAWN"
    for late in (lambda: world.act("a", Withdraw(1)), lambda: world.vote("b", 1)):
        with refused(Code.PROPOSAL_CLOSED, "withdrawn"):
            late()
    with refused(Code.PROPOSAL_NOT_FOUND, "2"):
        world.act("a", Withdraw(2))


def test_a_change_that_would_leave_no_quorum_is_refused():
    with refused(Code.QUORUM_IMPOSSIBLE):
        World.of(1).propose("a", remove("a"))
    world = World.of(4, Rules(certificate_quorum=4))
    with refused(Code.QUORUM_IMPOSSIBLE, "certificate_quorum 4"):
        world.propose("a", remove("d"))
    for quorum in (1, 2, 5, 99):
        with refused(Code.QUORUM_IMPOSSIBLE, f"certificate_quorum {quorum}"):
            world.propose("a", ChangeRules((("certificate_quorum", quorum),)))
    world = World.of(1)
    world.pass_(admit("b"))
    with refused(Code.QUORUM_IMPOSSIBLE, "only 0 members' nodes"):
        world.propose("a", remove("a"))


def test_a_quorum_counts_only_nodes_that_cosign():
    world = World.of(3)
    world.pass_(admit("new"))
    with refused(Code.QUORUM_IMPOSSIBLE, "only 3 members' nodes"):
        world.propose("a", ChangeRules((("certificate_quorum", 4),)))


def test_another_certificate_quorum_is_another_witness_set():
    world = World.of(3)
    world.pass_(ChangeRules((("certificate_quorum", 3),)))
    assert world.consortium.set_number == 1
    world.pass_(STRICTER)
    assert world.consortium.set_number == 1


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ((("fun", 1),), Code.BAD_PROPOSAL),
        ((("max_operations", 7),), Code.BAD_PROPOSAL),
        ((("remove_member_percent", 49),), Code.BAD_PROPOSAL),
        ((("remove_member_percent", 50),), Code.NO_CHANGE),
    ],
)
def test_rules_that_cannot_be_or_are_so_already_are_refused(
    rules: tuple[tuple[str, int], ...], code: Code
):
    with refused(code):
        World.of(3).propose("a", ChangeRules(rules))


def test_limits_change_as_rules_do():
    world = World.of(3)
    world.pass_(ChangeRules((), (("max_operations", 7),)))
    assert world.consortium.limits.max_operations == 7
    for limits in ((("max_operations", 0),), (("fun", 1),), (("max_block_bytes", 2_048),)):
        with refused(Code.BAD_PROPOSAL):
            world.propose("a", ChangeRules((), limits))


def test_a_newcomer_shares_nothing_with_anybody():
    world = World.of(3)
    with refused(Code.MEMBER_CONFLICT, "member 'b'"):
        world.propose("a", admit("b"))
    with refused(Code.MEMBER_CONFLICT, "address"):
        world.propose("a", admit("new", 1000))
    with refused(Code.MEMBER_CONFLICT, "node id"):
        world.propose("a", AdmitMember(join_of("new", 5000, "b-1")))
    with refused(Code.JOIN_INVALID):
        world.propose("a", AdmitMember(join_of("new", 5000).replace(b"5000", b"5005")))
    with refused(Code.MEMBER_NOT_FOUND, "nobody"):
        world.propose("a", remove("nobody"))


def test_what_became_taken_since_the_proposal_is_refused_with_the_deciding_vote():
    world = World.of(3)
    thief = Member(
        MemberName("new"),
        (Admin("chief", signer("new/chief").key.public_key),),
        member("new", 5000).nodes,
    )
    world.propose("a", AdmitMember(join_with(thief)))
    key = signer("new/chief").key.public_key
    world.act("c", AdmitIdentity(IdentityName("c/spy"), key, Role.ADMIN))
    with refused(Code.MEMBER_CONFLICT, "the key"):
        world.vote("b", 1)
    assert world.proposal(1).votes == {"a": True}


def test_admins_of_two_members_cannot_share_a_key():
    world = World.of(2)
    key = signer("a/admin").key.public_key
    with refused(Code.MEMBER_CONFLICT, "the key"):
        world.act("b", AdmitIdentity(IdentityName("b/two"), key, Role.ADMIN))


def test_a_protocol_version_begins_at_its_height_and_stops_who_does_not_know_it():
    world = World.of(1)
    world.pass_(ChangeProtocol(2, 10))
    protocol = load_protocol(world)
    assert (protocol.at(9), protocol.at(10)) == (1, 2)
    refuse_unknown_protocol(world, 9)
    refuse_unknown_protocol(world, 10, knows={1, 2})
    with refused(Code.PROTOCOL_UNKNOWN, "version 2"):
        refuse_unknown_protocol(world, 10)


def test_a_protocol_version_is_later_in_every_way():
    world = World.of(1)
    world.height = 20
    for change in (ChangeProtocol(1, 100), ChangeProtocol(2, 21)):
        with refused(Code.PROTOCOL_NOT_LATER):
            world.propose("a", change)
    world.pass_(ChangeProtocol(2, 100))
    with refused(Code.PROTOCOL_NOT_LATER, "version 2 begins"):
        world.propose("a", ChangeProtocol(3, 200))


def test_a_proposal_comes_back_from_its_leaf():
    world = World.of(3)
    for change in (STRICTER, admit("new"), remove("b"), ChangeProtocol(2, 99)):
        world.propose("a", change)
    for number in (1, 2, 3, 4):
        raw = world.leaves[proposal_key(number)]
        assert Proposal.decode(number, raw).encode() == raw
    assert world.proposal(1).change == STRICTER
    with refused(Code.DATA_DAMAGED):
        Proposal.decode(1, world.leaves[b"consortium"])


def test_a_plan_tells_who_is_needed_before_and_after():
    planned = plan(World.of(4).consortium, GENESIS_PROTOCOL, admit("new"), 1)
    before, after = Quorums.of(planned.before), Quorums.of(planned.after)
    assert (len(before.nodes), before.ordering, before.certifying) == (4, 3, 3)
    assert (len(after.nodes), after.ordering, after.certifying) == (5, 3, 4)
    everybody = set(after.nodes)
    assert after.stop_ordering(everybody) == ()
    assert after.stop_certifying(everybody - {"a-1"}) == ("b-1", "c-1", "d-1", "new-1")
    assert after.stop_ordering(set()) == after.nodes
