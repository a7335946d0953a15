"""Operations as JSON: every kind there and back, and every mistake named."""

from typing import Any

import pytest

from twinledger.client import (
    Code,
    LedgerError,
    Operation,
    Role,
    Section,
    Timestamp,
    access_operations,
    operations,
)
from twinledger.client import governance_operations as governance
from twinledger.client.operation_json import operation_from_json, operation_to_json
from twinledger.ledger.access import Effect, Permission
from twinledger.ledger.governance_operations import (
    AdmitMember,
    ChangeProtocol,
    ChangeRules,
    RemoveMember,
)
from twinledger.ledger.names import MemberName

EVERY_KIND = [
    operations.create_twin(
        "pump-7",
        operations.changes_of(reported={"flow": 13.0, "n": 13}, desired={"flow": 15.0}),
        model="dtmi:x:Pump;1",
        observed_at=-5,
    ),
    operations.create_twin("pump-8"),
    operations.update_twin(
        "pump-7",
        [
            operations.set_property("raw", b"\x00\xff"),
            operations.delete_property("old", Section.DESIRED),
            operations.increment_property("starts", 1),
            operations.increment_property("hours", 0.5),
            operations.set_property("at", Timestamp(7)),
            operations.set_property("odd", {"$x": [None, True]}),
        ],
        expected_version=0,
        observed_at=1_000,
    ),
    operations.relate("pump-7", "feeds", "tank-1", expected_version=2),
    operations.unrelate("pump-7", "feeds", "tank-1", observed_at=0),
    operations.retire_twin("pump-7", successor="pump-8", expected_version=3),
    access_operations.put_rule(
        "pump-7",
        access_operations.rule(
            "member:maker",
            [Permission.READ | Permission.WRITE, Permission.ADMINISTER],
            path="reported/motor",
            effect=Effect.REVOKE,
            expires_at=5,
        ),
        expected_version=3,
    ),
    access_operations.delete_rule("pump-7", "everyone", path="desired", effect=Effect.REVOKE),
    access_operations.put_sign_off(
        "pump-7",
        access_operations.sign_off(
            2, ["member:maker", "identity:utility/admin"], [Permission.TRANSFER], expires_at=9
        ),
    ),
    access_operations.delete_sign_off("pump-7", path="reported", expected_version=1),
    access_operations.transfer_twin("pump-7", "maker", expected_version=2),
    operations.admit_identity("utility/gw", bytes(32), Role.DEVICE),
    operations.admit_identity("utility/gw", bytes(32), Role.DEVICE, valid_from=5, valid_until=9),
    operations.revoke_identity("utility/gw"),
    governance.rotate_key("utility/gw", bytes(32)),
    governance.propose(bytes(32), AdmitMember(b"join file")),
    governance.propose(bytes(32), RemoveMember(MemberName("maker"))),
    governance.propose(bytes(32), ChangeRules((("admit_member_percent", 60),), (("x", -1),))),
    governance.propose(bytes(32), ChangeProtocol(2, 99)),
    governance.vote(7, bytes(32), approve=True),
    governance.withdraw(7),
    governance.update_node("a-1", peer_address="h:1", add_certificate=(b"der", 5)),
    governance.replace_node("a-1", b"join file"),
    governance.bring_node(b"join file"),
    governance.submit_evidence(b"evidence"),
]


@pytest.mark.parametrize("operation", EVERY_KIND, ids=lambda each: each.WhichOneof("kind"))
def test_an_operation_comes_back_from_json_as_it_was(operation: Operation) -> None:
    assert operation_from_json(operation_to_json(operation)) == operation


def test_every_kind_of_the_contract_is_covered() -> None:
    kinds = {field.name for field in Operation.DESCRIPTOR.oneofs_by_name["kind"].fields}
    assert {operation.WhichOneof("kind") for operation in EVERY_KIND} == kinds


def test_the_short_forms_stand_for_changes() -> None:
    content = {
        "operation": "update",
        "twin": "pump-7",
        "set": {"flow": 13.0},
        "delete": ["note"],
        "increment": {"starts": 1},
        "desired": {"flow": 15.0},
        "changes": [{"path": "last", "set": None}],
    }
    changes = operations.changes_of(
        reported={"flow": 13.0}, desired={"flow": 15.0}, delete=["note"], increment={"starts": 1}
    )
    changes.append(operations.set_property("last", None))
    assert operation_from_json(content) == operations.update_twin("pump-7", changes)


UPDATE: dict[str, Any] = {"operation": "update", "twin": "pump-7"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("text", Code.BAD_REQUEST),
        (["list"], Code.BAD_REQUEST),
        ({}, Code.UNKNOWN_OPERATION),
        ({"operation": "explode"}, Code.UNKNOWN_OPERATION),
        ({"operation": ["create"]}, Code.UNKNOWN_OPERATION),
        ({"operation": "create"}, Code.BAD_REQUEST),
        ({"operation": "create", "twin": 7}, Code.BAD_REQUEST),
        ({"operation": "create", "twin": "a", "colour": "red"}, Code.BAD_REQUEST),
        ({"operation": "create", "twin": "\ud800"}, Code.BAD_REQUEST),
        ({**UPDATE, "expected_version": True}, Code.BAD_REQUEST),
        ({**UPDATE, "expected_version": -1}, Code.BAD_REQUEST),
        ({**UPDATE, "expected_version": 2**64}, Code.BAD_REQUEST),
        ({**UPDATE, "observed_at_us": 1.5}, Code.BAD_REQUEST),
        ({**UPDATE, "delete": [1]}, Code.BAD_REQUEST),
        ({**UPDATE, "changes": [{"set": 1}]}, Code.BAD_CHANGE),
        ({**UPDATE, "changes": [{"path": "a", "set": 1, "delete": True}]}, Code.BAD_CHANGE),
        ({**UPDATE, "changes": [{"path": "a", "delete": False}]}, Code.BAD_CHANGE),
        ({**UPDATE, "changes": [{"path": "a", "section": "side", "set": 1}]}, Code.BAD_CHANGE),
        ({**UPDATE, "changes": ["a"]}, Code.BAD_CHANGE),
        ({**UPDATE, "set": {"a": {"$bytes": 1}}}, Code.BAD_VALUE),
        ({**UPDATE, "set": {"a": 2**63}}, Code.BAD_VALUE),
        (
            {"operation": "admit", "identity": "a/b", "public_key": "zz", "role": "device"},
            Code.BAD_KEY,
        ),
        (
            {"operation": "admit", "identity": "a/b", "public_key": "", "role": "king"},
            Code.BAD_ROLE,
        ),
    ],
)
def test_a_mistake_has_a_code(content: Any, code: Code) -> None:
    with pytest.raises(LedgerError) as raised:
        operation_from_json(content)
    assert raised.value.code is code
