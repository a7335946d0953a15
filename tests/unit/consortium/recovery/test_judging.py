"""Who may recover: a certificate quorum of the members, with nodes that never were before."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.consortium.governed import World, remove
from tests.unit.consortium.recovery.drafting import (
    CHAIN,
    consortium,
    fresh,
    recovery,
    signed,
    statement,
)
from tests.unit.execution.chain import signer
from tests.unit.ledger.refusals import refused
from twinledger.consensus import Configuration, NodeId
from twinledger.consortium.governed import (
    CONFIGURATION_KEY,
    agreed_nodes,
    load_configuration,
    next_step,
)
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.members import Admin
from twinledger.consortium.recovery.conflict import double_signers
from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.recovery.judging import judge, judge_content, missing
from twinledger.consortium.recovery.opening import (
    configuration_of,
    load_recovery,
    open_epoch,
    recovery_key,
)
from twinledger.consortium.rules import Rules, default_quorum
from twinledger.consortium.witnesses import witness_set
from twinledger.ledger.canonical import encode
from twinledger.ledger.catalogue import CATALOGUE
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.governance_operations import BringNode
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.operations import RotateKey

FILE = recovery()
PARENT = (FILE.fork.height, FILE.fork.header_hash)
FOUR = consortium()


def test_a_quorum_of_members_opens_the_next_epoch_with_fresh_nodes_that_vote():
    after = judge(signed(FILE, "abc"), FOUR, CHAIN)
    assert (after.epoch, after.set_number) == (1, 1)
    assert [node.node_id for _, node in after.nodes] == ["a-e1", "b-e1", "c-e1", "d-e1"]
    assert all(node.voter for _, node in after.nodes)
    assert [member.admins for member in after.members] == [m.admins for m in FOUR.members]


def test_with_fewer_signatures_it_is_refused_and_told_to_be_a_new_genesis():
    with refused(Code.RECOVERY_QUORUM, "2 members signed, 3 must"):
        judge(signed(FILE, "ab"), FOUR, CHAIN)
    assert "genesis create" in CATALOGUE[Code.RECOVERY_QUORUM].next_step
    assert missing(signed(FILE, "ab"), FOUR) == 1
    judge_content(signed(FILE, "ab"), FOUR, CHAIN)


def test_with_more_signatures_it_is_refused_so_that_everybody_applies_the_same_bytes():
    with refused(Code.RECOVERY_SEALED, "4 members signed"):
        judge(signed(FILE, "abcd"), FOUR, CHAIN)


def test_two_admins_of_one_member_are_one_voice():
    (first, *others) = FOUR.members
    second = Admin("second", signer("a/second").key.public_key)
    two = replace(FOUR, members=(replace(first, admins=(*first.admins, second)), *others))
    file = signed(FILE, ["a", "b", "a/second"])
    with refused(Code.RECOVERY_SIGNER, "two admins of a"):
        judge(file, two, CHAIN)


def test_nobody_signs_who_is_no_admin_of_a_certifying_member():
    with refused(Code.RECOVERY_SIGNER, "x/admin"):
        judge(signed(FILE, "abx"), FOUR, CHAIN)
    (first, *others) = FOUR.members
    silent = replace(first, nodes=tuple(replace(node, voter=False) for node in first.nodes))
    with refused(Code.RECOVERY_SIGNER, "a/admin"):
        judge(signed(FILE, "abc"), replace(FOUR, members=(silent, *others)), CHAIN)


def test_another_chain_and_another_epoch_are_refused():
    file = signed(FILE, "abc")
    with refused(Code.WRONG_CHAIN):
        judge(file, FOUR, b"d" * 32)
    with refused(Code.RECOVERY_INVALID, "opens epoch 1"):
        judge(file, replace(FOUR, epoch=1), CHAIN)


def test_no_node_id_key_or_certificate_comes_back():
    again = fresh("a", node_id="a-1")
    file = signed(recovery(brought=[again, *(fresh(name) for name in "bcd")]), "abc")
    with refused(Code.NODE_ID_USED, "a-1"):
        judge(file, FOUR, CHAIN)
    (of_a,) = fresh("a").member.nodes
    (first, *others) = FOUR.members
    for part in ("witness_key", "log_key"):
        kept = replace(first.nodes[0], **{part: getattr(of_a, part)})
        of_b = recovery(statements=[statement("b")])
        with refused(Code.KEY_USED):
            judge(signed(of_b, "abc"), _with_node(kept, others), CHAIN)
    kept = replace(first.nodes[0], certificates=of_a.certificates)
    with refused(Code.RECOVERY_INVALID, "certificate"):
        judge(signed(FILE, "abc"), _with_node(kept, others), CHAIN)


def _with_node(node, others):
    return replace(FOUR, members=(replace(FOUR.members[0], nodes=(node,)), *others))


def test_a_node_of_a_stranger_and_one_at_anothers_address_are_refused():
    file = signed(recovery(brought=[fresh(name) for name in "abcde"]), "abc")
    with refused(Code.RECOVERY_INVALID, "join file of e"):
        judge(file, FOUR, CHAIN)
    nodes = [fresh("a", port=4000), fresh("b", port=4000), fresh("c")]
    with refused(Code.MEMBER_CONFLICT, "address"):
        judge(signed(recovery(brought=nodes), "abc"), FOUR, CHAIN)


def test_so_many_members_bring_a_node_that_what_they_certify_binds_a_quorum():
    judge(signed(recovery("abc"), "abd"), FOUR, CHAIN)
    with refused(Code.RECOVERY_QUORUM, "2 members bring a node"):
        judge(signed(recovery("ab"), "abc"), FOUR, CHAIN)
    everybody = replace(FOUR, rules=Rules(certificate_quorum=4))
    with refused(Code.RECOVERY_QUORUM, "3 members bring a node"):
        judge(signed(recovery("abc"), "abcd"), everybody, CHAIN)


def test_a_member_that_brings_none_stays_a_member_without_a_node():
    after = judge(signed(recovery("abc"), "abc"), FOUR, CHAIN)
    gone = after.member(MemberName("d"))
    assert gone is not None
    assert gone.nodes == ()
    assert gone.admins
    assert witness_set(after).quorum == 2


# What it makes of the state, and of a member that brought no node.


def opened(world: World, file: RecoveryFile) -> RecoveryFile:
    target = configuration_of(load_configuration(world), file)
    return open_epoch(world, target, PARENT, CHAIN)


def test_the_state_has_the_file_the_new_consortium_and_who_orders_and_buries_what_was():
    world, file = World.of(4), signed(FILE, "abc")
    opened(world, file)
    assert world.consortium == judge(file, FOUR, CHAIN)
    assert load_recovery(world, 1) == file
    assert load_recovery(world, 0) is None
    ordering = load_configuration(world)
    assert ordering.voters == ("a-e1", "b-e1", "c-e1", "d-e1")
    assert ordering.removed == ("a-1", "b-1", "c-1", "d-1")
    assert ordering.record == b""
    assert world.get(b"dead-node/a-1") is not None
    assert world.get(b"dead-key/" + FOUR.nodes[0][1].witness_key.hex().encode()) is not None
    assert recovery_key(1) == b"recovery/0000000001"


def without_d() -> World:
    """A consortium after a recovery that the members a, b and c brought nodes to."""
    world = World.of(4)
    opened(world, signed(recovery("abc"), "abc"))
    return world


def brought(name: str, node_id: str = "", port: int = 0) -> BringNode:
    return BringNode(fresh(name, node_id=node_id or f"{name}-2", port=port).raw)


def test_a_member_that_brought_no_node_gets_one_later_by_its_admin_alone():
    world = without_d()
    before = world.consortium
    event = world.act("d", brought("d"))
    assert (event.kind, event.subject) == ("NODE_REPLACED", "d-2")
    (node,) = world.consortium.members[3].nodes
    assert (node.node_id, node.voter) == ("d-2", False)
    assert witness_set(world.consortium) == witness_set(before)
    assert world.consortium.set_number == before.set_number
    # What it means for who orders: it learns first.
    step = next_step(agreed_nodes(world.consortium), load_configuration(world), ())
    assert step == (("a-e1", "b-e1", "c-e1"), ("d-2",))
    with refused(Code.SEAT_TAKEN, "d has d-2"):
        world.act("d", brought("d", "d-3", 3500))


def test_only_an_admin_of_a_member_without_a_node_gives_it_one():
    world = without_d()
    with refused(Code.ACCESS_DENIED, "only an admin of d"):
        world.act("a", brought("d"))
    with refused(Code.SEAT_TAKEN, "a has a-e1"):
        world.act("a", brought("a"))
    with refused(Code.MEMBER_NOT_FOUND, "stranger"):
        world.act("a", brought("stranger", port=3500))
    world.act("d", RotateKey(IdentityName("d/admin"), signer("d/later").key.public_key))
    with refused(Code.JOIN_INVALID, "not of d"):
        world.act("d", brought("d"))
    assert world.consortium.members[3].nodes == ()


def test_a_node_that_is_brought_later_was_never_there_before():
    world = without_d()
    for dead in ("d-1", "a-1"):
        with refused(Code.NODE_ID_USED, dead):
            world.act("d", brought("d", dead))
    with refused(Code.MEMBER_CONFLICT, "node id"):
        world.act("d", brought("d", "a-e1", 3500))
    with refused(Code.MEMBER_CONFLICT, "address"):
        world.act("d", brought("d", port=3100))
    for part in ("witness_key", "log_key"):
        keyed = brought("d")
        (node,) = JoinFile.parse(keyed.join_file).member.nodes
        dead_key = f"dead-key/{getattr(node, part).hex()}".encode()
        world.put(dead_key, encode(5))
        with refused(Code.KEY_USED):
            world.act("d", keyed)
        world.delete(dead_key)
    world.act("d", brought("d"))


def test_an_epoch_opens_only_upon_its_fork():
    world, file = World.of(4), signed(FILE, "abc")
    target = configuration_of(load_configuration(world), file)
    before = dict(world.leaves)
    for parent in ((119, PARENT[1]), (118, b"o" * 32)):
        with refused(Code.RECOVERY_OTHER_HISTORY):
            open_epoch(world, target, parent, CHAIN)
    assert world.leaves == before


def test_a_node_that_was_dead_before_stays_dead():
    world = World.of(5)
    world.pass_(remove("e"))
    four = world.consortium
    file = signed(recovery(brought=[fresh("a", node_id="e-1"), *map(fresh, "bcd")]), "abc")
    judge(file, four, CHAIN)
    with refused(Code.RECOVERY_INVALID, "removed"):
        opened(world, file)  # it still stands in the configuration
    world.put(b"dead-node/a-e1", encode(5))
    with refused(Code.NODE_ID_USED, "a-e1"):
        opened(world, signed(FILE, "abc"))


def test_others_cannot_order_than_the_file_names():
    world, file = World.of(4), signed(FILE, "abc")
    target = configuration_of(load_configuration(world), file)
    for other in (
        replace(target, voters=target.voters[:3]),
        replace(target, learners=(NodeId("z"),)),
    ):
        with refused(Code.RECOVERY_INVALID, "others would order"):
            open_epoch(world, other, PARENT, CHAIN)


def test_a_second_recovery_opens_the_epoch_after():
    world = World.of(4)
    opened(world, signed(FILE, "abc"))
    later = recovery(
        epoch=2,
        statements=[statement("a", node_id="a-e1", epoch=1)],
        fork=FILE.fork,
    )
    opened(world, signed(later, "bcd"))
    assert world.consortium.epoch == 2
    assert Configuration.decode(load_configuration(world).encode()).removed[:2] == ("a-1", "a-e1")
    assert CONFIGURATION_KEY in world.leaves


# Two groups.


def complete(count: int, names: str, certified: bytes) -> RecoveryFile:
    nodes = [fresh(name) for name in "abcdefg"[:count]]
    return signed(recovery(brought=nodes, statements=[statement(certified.decode())]), names)


@given(st.integers(3, 7), st.data())
def test_two_disjoint_groups_cannot_both_recover(count: int, data: st.DataObject):
    names = "abcdefg"[:count]
    one = set(data.draw(st.lists(st.sampled_from(names), unique=True)))
    quorum = default_quorum(count)
    other = set(names) - one
    assert not (len(one) >= quorum and len(other) >= quorum)


@pytest.mark.parametrize("count", range(3, 8))
def test_of_two_complete_recoveries_of_one_epoch_a_member_signed_both_and_is_named(count: int):
    names, before = "abcdefg"[:count], consortium(count)
    quorum = default_quorum(count)
    first = complete(count, names[:quorum], b"a")
    for group in combinations(names, quorum):
        second = complete(count, "".join(group), b"b")
        assert double_signers((first, before), (second, before)) == tuple(
            sorted(set(names[:quorum]) & set(group))
        )
        assert double_signers((first, before), (second, before)) != ()


def test_a_group_and_the_rest_story():
    """Maker and plant hold one side of a cut, regulator and utility the other."""
    left, right = signed(recovery(), "ab"), signed(recovery(statements=[statement("c")]), "cd")
    for file in (left, right):
        with refused(Code.RECOVERY_QUORUM):
            judge(file, FOUR, CHAIN)
    # One of the other side is talked into signing: now the left may, and the right may not,
    # until it signs there too; then its own two signatures convict it.
    left, right = signed(left, "c"), signed(right, "a")
    judge(left, FOUR, CHAIN)
    judge(right, FOUR, CHAIN)
    assert double_signers((left, FOUR), (right, FOUR)) == ("a", "c")


def test_one_recovery_is_no_conflict_with_itself_nor_with_one_of_another_epoch():
    file = signed(FILE, "abc")
    with refused(Code.RECOVERY_INVALID, "one recovery"):
        double_signers((file, FOUR), (signed(FILE, "abd"), FOUR))
    later = signed(recovery(epoch=2), "abc")
    with refused(Code.RECOVERY_INVALID, "two epochs"):
        double_signers((file, FOUR), (later, replace(FOUR, epoch=1)))


def test_a_forged_signature_names_nobody():
    forged = replace(signed(FILE, "abc"), body=FILE.body + b" ")
    with pytest.raises(LedgerError):
        double_signers((signed(recovery(statements=[statement("b")]), "abc"), FOUR), (forged, FOUR))
