"""The recovery file: its parts belong together, and one altered byte is noticed."""

import json
from dataclasses import replace

import pytest

from tests.unit.consortium.recovery.drafting import (
    CERTIFIED,
    CHAIN,
    FORK,
    consortium,
    fresh,
    recovery,
    signed,
    statement,
)
from tests.unit.ledger.refusals import refused
from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.recovery.judging import judge
from twinledger.consortium.recovery.statement import SignedStatement, StatedHead
from twinledger.ledger.errors import Code, LedgerError

FILE = recovery()


def altered(change):
    content = json.loads(FILE.body)
    change(content)
    return (json.dumps(content, indent=2) + "\n").encode()


def test_what_was_drafted_is_read_back():
    assert RecoveryFile.parse(FILE.raw) == FILE
    assert FILE.fork == FORK
    assert (FILE.epoch, FILE.chain_id) == (1, CHAIN)
    assert [each.member.name for each in FILE.members] == ["a", "b", "c", "d"]


def test_it_names_every_height_that_some_survivor_knows_of_above_the_fork():
    assert list(FILE.may_be_lost) == []
    further = recovery(
        statements=[
            statement("a", committed=119),
            statement("b", signed=StatedHead(122, b"x" * 32), certified=None),
        ]
    )
    assert list(further.may_be_lost) == [119, 120, 121]
    assert json.loads(further.body)["may_be_lost"] == {"first": 119, "last": 121}


def test_it_goes_on_from_the_newest_certified_head_and_from_no_older_one():
    newer = statement("b", certified=StatedHead(121, b"n" * 32))
    with refused(Code.RECOVERY_INVALID, "newest certified head"):
        recovery(statements=[statement("a"), newer])
    with refused(Code.RECOVERY_INVALID, "newest certified head"):
        recovery(statements=[statement("a", certified=None)])


@pytest.mark.parametrize("other", [{"chain_id": b"d" * 32}, {"epoch": 3}])
def test_statements_of_another_chain_or_epoch_are_refused(other):
    with refused(Code.RECOVERY_INVALID, "another chain or epoch"):
        recovery(statements=[statement("a"), statement("b", **other)])


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(format=2),
        lambda content: content.update(surplus=1),
        lambda content: content.pop("epoch"),
        lambda content: content.update(epoch=0),
        lambda content: content.update(may_be_lost={"first": 119, "last": 119}),
        lambda content: content["fork"].update(height=117),
        lambda content: content["fork"].update(proof="no base64"),
        lambda content: content["statements"].clear(),
        lambda content: content["statements"].append(content["statements"][0]),
        lambda content: content["members"].reverse(),
        lambda content: content["members"].append(content["members"][0]),
    ],
)
def test_what_is_not_of_the_form_is_refused(change):
    with refused(Code.RECOVERY_INVALID):
        RecoveryFile.parse(altered(change))


def test_a_part_that_is_no_signed_file_is_refused_by_its_own_name():
    with refused(Code.STATEMENT_INVALID):
        RecoveryFile.parse(altered(lambda content: content.update(statements=["{}\n"])))
    with refused(Code.JOIN_INVALID):
        RecoveryFile.parse(altered(lambda content: content.update(members=["{}\n"])))


def test_no_altered_byte_passes():
    whole, members = signed(FILE, "abc").raw, consortium()
    judge(RecoveryFile.parse(whole), members, CHAIN)
    for place in range(0, len(whole), 37):
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(LedgerError):
            judge(RecoveryFile.parse(changed), members, CHAIN)


def test_nobody_signs_twice():
    with refused(Code.RECOVERY_INVALID, "twice"):
        signed(FILE, "aa")


def test_a_statement_is_signed_by_its_node_or_by_its_members_admin():
    members = consortium()
    found = statement("a")
    found.check(members.member(found.statement.member))
    with refused(Code.STATEMENT_INVALID, "had no node"):
        found.check(members.member(statement("b").statement.member))
    with refused(Code.STATEMENT_INVALID, "had no node"):
        found.check(None)
    body = found.file.body.replace(b'"committed_height": 118', b'"committed_height": 110')
    raw = replace(found.file, body=body).encode()
    with refused(Code.STATEMENT_INVALID, "does not fit"):
        SignedStatement.parse(raw).check(members.member(found.statement.member))
    with refused(Code.STATEMENT_INVALID, "nobody has signed"):
        SignedStatement.parse(found.file.body)


def test_a_statement_that_was_signed_by_somebody_else_spoils_the_recovery():
    said = statement("b", node_id="b-9")
    file = signed(recovery(statements=[statement("a"), said]), "abc")
    with refused(Code.STATEMENT_INVALID, "b-9"):
        judge(file, consortium(), CHAIN)


def test_a_survivor_reaches_as_far_as_anything_it_knows_of():
    assert statement("a", committed=200).statement.reaches == 200
    assert statement("a", committed=5, certified=None).statement.reaches == CERTIFIED.size - 1
    assert statement("a", committed=0, signed=None, certified=None).statement.reaches == 0


def test_fresh_files_are_of_their_members():
    assert fresh("a").member.nodes[0].node_id == "a-e1"
