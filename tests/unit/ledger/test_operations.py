"""Operations as they are read from the wire, with every check that needs no state."""

import math
from types import SimpleNamespace
from typing import cast

import pytest

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import (
    admit,
    create,
    delete,
    increment,
    put_rule,
    put_sign_off,
    relate,
    retire,
    revoke,
    set_,
    transfer,
    unrelate,
    update,
)
from twinledger.client.governance_operations import (
    propose,
    replace_node,
    rotate_key,
    update_node,
    vote,
    withdraw,
)
from twinledger.client.operations import admit_identity
from twinledger.ledger.access import Effect, Permission
from twinledger.ledger.access_operations import PutAccessRule
from twinledger.ledger.errors import Code
from twinledger.ledger.governance_operations import AdmitMember, ChangeRules, RemoveMember
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.names import IdentityName, MemberName, PropertyPath, RelationshipName, TwinId
from twinledger.ledger.operations import (
    AdmitIdentity,
    Change,
    ChangeKind,
    CreateTwin,
    Operation,
    Relate,
    RetireTwin,
    RevokeIdentity,
    Role,
    Section,
    Unrelate,
    UpdateTwin,
    read_operation,
)
from twinledger.v1 import access_pb2, governance_pb2
from twinledger.v1 import operation_pb2 as wire
from twinledger.v1.value_pb2 import Value

KEY = SigningKey.load(bytes(32)).public_key
PUMP, TANK = TwinId("pump-7"), TwinId("tank-1")
FEEDS = RelationshipName("feeds")
LEVEL = PropertyPath("level")


def change(kind: ChangeKind, value: int | None, section: Section = Section.REPORTED) -> Change:
    return Change(LEVEL, section, kind, value)


GOOD: dict[str, tuple[wire.Operation, Operation]] = {
    "create": (
        create("pump-7", set_("level", 1), model="dtmi:x;1"),
        CreateTwin(PUMP, "dtmi:x;1", (change(ChangeKind.SET, 1),), None),
    ),
    "create nothing more": (create("pump-7"), CreateTwin(PUMP, "", (), None)),
    "update": (
        update("pump-7", set_("level", 1), delete("level"), increment("level", 2)),
        UpdateTwin(
            PUMP,
            None,
            None,
            (
                change(ChangeKind.SET, 1),
                change(ChangeKind.DELETE, None),
                change(ChangeKind.INCREMENT, 2),
            ),
        ),
    ),
    "update with both clocks": (
        update("pump-7", set_("level", None, wire.SECTION_DESIRED), expected=0, observed=-5),
        UpdateTwin(PUMP, 0, -5, (change(ChangeKind.SET, None, Section.DESIRED),)),
    ),
    "reported": (
        update("pump-7", set_("level", 1, wire.SECTION_REPORTED)),
        UpdateTwin(PUMP, None, None, (change(ChangeKind.SET, 1),)),
    ),
    "relate": (relate("pump-7", "feeds", "tank-1"), Relate(PUMP, FEEDS, TANK, None, None)),
    "unrelate": (
        unrelate("pump-7", "feeds", "tank-1", expected=3),
        Unrelate(PUMP, FEEDS, TANK, 3, None),
    ),
    "retire": (retire("pump-7"), RetireTwin(PUMP, None, None, None)),
    "retire for another": (retire("pump-7", "tank-1", 2), RetireTwin(PUMP, TANK, 2, None)),
    "admit": (
        admit("utility/gateway", KEY, Role.DEVICE),
        AdmitIdentity(IdentityName("utility/gateway"), KEY, Role.DEVICE),
    ),
    "revoke": (revoke("utility/gateway"), RevokeIdentity(IdentityName("utility/gateway"))),
}


@pytest.mark.parametrize(("message", "operation"), GOOD.values(), ids=GOOD)
def test_a_good_operation_is_read(message: wire.Operation, operation: Operation):
    assert read_operation(message, DEFAULT_LIMITS) == operation


def with_role(role: int) -> wire.Operation:
    message = admit("utility/gateway", KEY, Role.DEVICE)
    message.admit_identity.role = role  # type: ignore[assignment]
    return message


def with_section(section: int) -> wire.Operation:
    message = update("pump-7", set_("level", 1))
    message.update_twin.changes[0].section = section  # type: ignore[assignment]
    return message


READ = Permission.READ
NO_EFFECT = cast("Effect", SimpleNamespace(value=0))


def rule_at(path: str) -> wire.Operation:
    return put_rule("a", "everyone", READ, path=path)


def signed_by(required: int, *parties: str) -> wire.Operation:
    return put_sign_off("a", required, parties, Permission.WRITE)


BAD: dict[str, tuple[wire.Operation, Code]] = {
    "no kind": (wire.Operation(), Code.UNKNOWN_OPERATION),
    "a proposal of nothing": (
        wire.Operation(propose=governance_pb2.Propose(ground=bytes(32))),
        Code.BAD_PROPOSAL,
    ),
    "a short ground": (propose(bytes(31), RemoveMember(MemberName("a"))), Code.BAD_PROPOSAL),
    "a vote on no plan": (vote(1, b"", approve=True), Code.BAD_PROPOSAL),
    "a proposal's number beyond the state's": (withdraw(2**63), Code.BAD_PROPOSAL),
    "an empty join file": (propose(bytes(32), AdmitMember(b"")), Code.BAD_PROPOSAL),
    "a large join file": (propose(bytes(32), AdmitMember(bytes(16_385))), Code.BAD_PROPOSAL),
    "a bad member": (propose(bytes(32), RemoveMember(MemberName("a/b"))), Code.BAD_PROPOSAL),
    "no rule": (propose(bytes(32), ChangeRules(())), Code.BAD_PROPOSAL),
    "a rule twice": (propose(bytes(32), ChangeRules((("a", 1), ("a", 2)))), Code.BAD_PROPOSAL),
    "a replacement by nothing": (replace_node("a-1", b""), Code.BAD_PROPOSAL),
    "a replacement of nothing by nothing": (replace_node("", b""), Code.BAD_PROPOSAL),
    "a replacement of a bad id": (replace_node("a 1", b"join file"), Code.BAD_NODE),
    "a bad node id": (update_node("a 1"), Code.BAD_NODE),
    "a bad address": (update_node("a-1", peer_address="h"), Code.BAD_NODE),
    "a bad port": (update_node("a-1", client_address="h:0"), Code.BAD_NODE),
    "a bad witness key": (update_node("a-1", witness_key=b"\xff" * 32), Code.BAD_KEY),
    "an empty log key": (update_node("a-1", log_key=b""), Code.BAD_KEY),
    "a short hash": (update_node("a-1", remove_certificate=bytes(31)), Code.BAD_NODE),
    "a validity before 1970": (update_node("a-1", add_certificate=(b"x", -1)), Code.BAD_NODE),
    "a bad new key": (rotate_key("a/b", bytes(31)), Code.BAD_KEY),
    "an admin for a while": (
        admit_identity("a/b", KEY, Role.ADMIN, valid_until=5),
        Code.BAD_VALIDITY,
    ),
    "a validity that ends first": (
        admit_identity("a/b", KEY, Role.DEVICE, 5, 5),
        Code.BAD_VALIDITY,
    ),
    "a validity below zero": (admit_identity("a/b", KEY, Role.DEVICE, -1), Code.BAD_VALIDITY),
    "a bad id": (create("a/b"), Code.BAD_TWIN_ID),
    "a bad model": (create("a", model="\n"), Code.BAD_MODEL),
    "a deletion at birth": (create("a", delete("level")), Code.BAD_CHANGE),
    "an increment at birth": (create("a", increment("level", 1)), Code.BAD_CHANGE),
    "an update of nothing": (update("a"), Code.BAD_CHANGE),
    "an update of a bad id": (update("", set_("level", 1)), Code.BAD_TWIN_ID),
    "a bad path": (update("a", set_("a//b", 1)), Code.BAD_PATH),
    "a deep path": (update("a", set_("a/b/c/d/e/f/g/h/i", 1)), Code.PATH_TOO_DEEP),
    "an unknown section": (with_section(3), Code.BAD_CHANGE),
    "a change of no kind": (update("a", wire.PropertyChange(path="x")), Code.BAD_CHANGE),
    "delete false": (update("a", wire.PropertyChange(path="x", delete=False)), Code.BAD_CHANGE),
    "a value of no kind": (
        update("a", wire.PropertyChange(path="x", set=Value())),
        Code.BAD_VALUE,
    ),
    "not a number": (update("a", set_("x", math.nan)), Code.NOT_FINITE),
    "an infinite amount": (update("a", increment("x", math.inf)), Code.NOT_FINITE),
    "a deep value": (update("a", set_("x", [[[[[[[[[]]]]]]]]])), Code.VALUE_TOO_DEEP),
    "a text as amount": (update("a", increment("x", "1")), Code.WRONG_TYPE),
    "a bool as amount": (update("a", increment("x", True)), Code.WRONG_TYPE),
    "a bad name": (relate("a", "is-part-of", "b"), Code.BAD_RELATIONSHIP),
    "a bad source": (relate("", "feeds", "b"), Code.BAD_TWIN_ID),
    "a bad target": (unrelate("a", "feeds", "b c"), Code.BAD_TWIN_ID),
    "a bad successor": (retire("a", "b c"), Code.BAD_TWIN_ID),
    "succeeding oneself": (retire("a", "a"), Code.BAD_TWIN_ID),
    "a bad identity": (admit("gateway", KEY, Role.DEVICE), Code.BAD_IDENTITY),
    "a short key": (admit("utility/gateway", KEY[:31], Role.DEVICE), Code.BAD_KEY),
    "a key off the curve": (admit("utility/gateway", b"\xff" * 32, Role.DEVICE), Code.BAD_KEY),
    "no role": (with_role(0), Code.BAD_ROLE),
    "an unknown role": (with_role(5), Code.BAD_ROLE),
    "revoking nobody": (revoke(""), Code.BAD_IDENTITY),
    "a subject that is no word": (put_rule("a", "nobody", READ), Code.BAD_SUBJECT),
    "a subject without a name": (put_rule("a", "member:", READ), Code.BAD_SUBJECT),
    "a subject of no role": (put_rule("a", "member:maker:owner", READ), Code.BAD_SUBJECT),
    "a subject of half a name": (put_rule("a", "identity:maker", READ), Code.BAD_SUBJECT),
    "a rule at a slash": (rule_at("/"), Code.BAD_POLICY_PATH),
    "a rule in no section": (rule_at("flow"), Code.BAD_POLICY_PATH),
    "a rule at half a path": (rule_at("reported/"), Code.BAD_POLICY_PATH),
    "a rule at half a relationship": (rule_at("relationship/"), Code.BAD_POLICY_PATH),
    "a rule below a relationship": (rule_at("relationship/x/y/z"), Code.BAD_POLICY_PATH),
    "a rule too deep": (rule_at("reported/a/b/c/d/e/f/g/h/i"), Code.BAD_POLICY_PATH),
    "a rule of no effect": (put_rule("a", "everyone", READ, effect=NO_EFFECT), Code.BAD_RULE),
    "a rule of no permission": (put_rule("a", "everyone"), Code.BAD_RULE),
    "a permission twice": (put_rule("a", "everyone", READ, READ), Code.BAD_RULE),
    "an unknown permission": (put_rule("a", "everyone", Permission(32)), Code.BAD_RULE),
    "writing a relationship": (
        put_rule("a", "everyone", Permission.WRITE, path="relationship"),
        Code.BAD_RULE,
    ),
    "relating a property": (
        put_rule("a", "everyone", Permission.RELATE, path="reported"),
        Code.BAD_RULE,
    ),
    "handing over a part": (
        put_rule("a", "everyone", Permission.TRANSFER, path="reported"),
        Code.BAD_RULE,
    ),
    "a sign-off by everyone": (signed_by(1, "everyone"), Code.BAD_SIGN_OFF),
    "a sign-off of reading": (put_sign_off("a", 1, ["member:maker"], READ), Code.BAD_SIGN_OFF),
    "a sign-off by none": (signed_by(0, "member:maker"), Code.BAD_SIGN_OFF),
    "a sign-off by more than there are": (signed_by(2, "member:maker"), Code.BAD_SIGN_OFF),
    "a party twice": (signed_by(2, "member:maker", "member:maker"), Code.BAD_SIGN_OFF),
    "more parties than authors": (
        signed_by(1, *(f"member:m{number}" for number in range(9))),
        Code.BAD_SIGN_OFF,
    ),
    "an owner of a bad name": (transfer("a", "b/c"), Code.BAD_MEMBER),
}


@pytest.mark.parametrize(
    "path",
    ["", "reported", "reported/a/b", "desired/x", "relationship", "relationship/x/y:1"],
)
def test_a_rule_may_stand_at_every_part_of_a_twin(path: str):
    operation = read_operation(rule_at(path), DEFAULT_LIMITS)
    assert isinstance(operation, PutAccessRule)
    assert operation.rule.path == path


def test_permissions_have_the_numbers_of_the_wire():
    for permission in Permission:
        number = access_pb2.Permission.Value(f"PERMISSION_{permission.name}")
        assert permission == 1 << (number - 1)
    assert len(access_pb2.Permission.keys()) == len(Permission) + 1


@pytest.mark.parametrize(("message", "code"), BAD.values(), ids=BAD)
def test_a_bad_operation_is_refused_with_its_code(message: wire.Operation, code: Code):
    with refused(code):
        read_operation(message, DEFAULT_LIMITS)


def test_roles_have_the_numbers_of_the_wire():
    for role in Role:
        assert wire.Role.Value(f"ROLE_{role.name}") == role.value
    assert len(wire.Role.keys()) == len(Role) + 1
