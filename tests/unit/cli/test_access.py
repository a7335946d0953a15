"""The verbs of `access`: what they send, and how they put a decision into words."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fake_node import FakeNode
from twinledger.cli.access_rendering import reason
from twinledger.client import (
    AccessDecision,
    AccessRule,
    Effect,
    Ground,
    Identity,
    Operation,
    Permission,
    SignOff,
)
from twinledger.client import access_operations as build
from twinledger.ledger.transaction import operation_messages
from twinledger.v1 import transaction_pb2

READ, WRITE, TRANSFER = Permission.READ, Permission.WRITE, Permission.TRANSFER


def sent(node: FakeNode) -> tuple[Operation, list[str]]:
    """The operation of the last transaction, and who signed it."""
    body = transaction_pb2.SignedTransaction.FromString(node.received[-1]).body
    authors = transaction_pb2.TransactionBody.FromString(body).authors
    (operation,) = operation_messages(body)
    return operation, [author.identity for author in authors]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("grant", "pump-7", "member:maker", "read", "write", "--path", "reported/motor"),
            build.put_rule(
                "pump-7", build.rule("member:maker", [READ, WRITE], path="reported/motor")
            ),
        ),
        (
            ("grant", "pump-7", "everyone", "read", "--until", "1970-01-01T00:00:01Z"),
            build.put_rule("pump-7", build.rule("everyone", [READ], expires_at=1_000_000)),
        ),
        (
            ("revoke", "pump-7", "everyone:device", "write", "--expected-version", "3"),
            build.put_rule(
                "pump-7",
                build.rule("everyone:device", [WRITE], effect=Effect.REVOKE),
                expected_version=3,
            ),
        ),
        (
            ("drop", "pump-7", "member:maker", "--effect", "revoke", "--path", "desired"),
            build.delete_rule("pump-7", "member:maker", path="desired", effect=Effect.REVOKE),
        ),
        (
            ("sign-off", "pump-7", "2", "member:a", "identity:b/c", "--for", "transfer"),
            build.put_sign_off(
                "pump-7", build.sign_off(2, ["member:a", "identity:b/c"], [TRANSFER])
            ),
        ),
        (
            ("lift", "pump-7", "--path", "reported"),
            build.delete_sign_off("pump-7", path="reported"),
        ),
        (("transfer", "pump-7", "maker"), build.transfer_twin("pump-7", "maker")),
    ],
)
def test_a_verb_sends_its_operation(
    talk: Run, node: FakeNode, arguments: tuple[str, ...], expected: Operation
) -> None:
    done = talk("access", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    assert sent(node) == (expected, ["utility/gateway"])
    assert json.loads(done.stdout)["outcome"] == "COMMITTED"


def test_others_sign_with_their_own_key_files(talk: Run, node: FakeNode, tmp_path: Path) -> None:
    Identity.generate("maker/admin").save(tmp_path / "maker.key")
    done = talk("access", "transfer", "pump-7", "maker", "--also-sign", tmp_path / "maker.key")
    assert done.exit_code == 0, done.stderr
    assert sent(node)[1] == ["utility/gateway", "maker/admin"]
    assert "pump-7, version 1" in done.stdout


def test_a_permission_that_is_none_is_refused(talk: Run) -> None:
    assert talk("access", "grant", "pump-7", "everyone", "see").exit_code == 2


def test_a_refusal_is_told_with_its_code(talk: Run, node: FakeNode) -> None:
    node.ledger.outcomes.append("SIGN_OFF_MISSING")
    done = talk("access", "lift", "pump-7", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stderr)["code"] == "SIGN_OFF_MISSING"


def test_the_policy_is_shown_in_words_and_as_json(talk: Run) -> None:
    said = talk("access", "list", "pump-7").stdout.splitlines()
    assert said == [
        "pump-7, owned by utility, at height 7",
        "  member:maker may read at and below reported/motor until 1970-01-01T00:00:02.000+00:00",
        "  1 of member:maker must sign to transfer the whole twin",
    ]
    told = json.loads(talk("access", "list", "pump-7", "--json").stdout)
    assert told["rules"] == [
        {
            "path": "reported/motor",
            "subject": "member:maker",
            "effect": "grant",
            "permissions": ["read"],
            "expires_at_us": 2_000_000,
        }
    ]
    assert told["sign_offs"][0]["parties"] == ["member:maker"]
    assert told["partial"] is False


def test_an_explanation_names_what_was_asked_and_what_decides(talk: Run, node: FakeNode) -> None:
    arguments = ("access", "explain", "maker/admin", "pump-7", "reported/motor")
    said = talk(*arguments).stdout
    assert node.reads[-1].identity == "maker/admin"
    assert node.reads[-1].path == "reported/motor"
    assert "write  no      no rule grants it" in said
    (decision,) = json.loads(talk(*arguments, "--json").stdout)["decisions"]
    assert (decision["permission"], decision["allowed"]) == ("write", False)
    assert (decision["ground"], decision["rule"]) == ("closed", None)


RULE = AccessRule("reported", "member:maker", Effect.GRANT, READ | WRITE, None)
REVOKING = AccessRule("", "everyone", Effect.REVOKE, WRITE, None)
SIGN_OFF = SignOff("reported", WRITE, 2, ("member:maker", "member:utility"), None)


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (
            AccessDecision(READ, True, Ground.OWNER_ADMIN, None, ()),
            "the owner's admins always administer and read its twins",
        ),
        (
            AccessDecision(READ, True, Ground.READS_ALL, None, ()),
            "admins and auditors of every member read everything",
        ),
        (
            AccessDecision(WRITE, True, Ground.RULE, RULE, (SIGN_OFF,)),
            (
                "rule of the policy: member:maker may read and write at and below reported; but"
                " 2 of member:maker and member:utility must sign to write at and below reported"
            ),
        ),
        (
            # What may not be done takes no signatures.
            AccessDecision(WRITE, False, Ground.RULE, REVOKING, (SIGN_OFF,)),
            "rule of the policy: everyone may not write the whole twin",
        ),
        (
            AccessDecision(READ, True, Ground.DEFAULT, RULE, ()),
            "default rule: member:maker may read and write at and below reported",
        ),
    ],
)
def test_the_deciding_rule_is_told_in_plain_words(decision: AccessDecision, said: str) -> None:
    assert reason(decision) == said
