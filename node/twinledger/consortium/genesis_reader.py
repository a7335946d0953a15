"""Reading a genesis file's body strictly: every fault is named with the place where it stands."""

from __future__ import annotations

import re
from typing import Any, Final

from twinledger.consortium.distinct import common_fault
from twinledger.consortium.member_json import read_member
from twinledger.consortium.members import Consortium, Member
from twinledger.consortium.rules import MEMBERS_MAX, RULE_RANGES, Rules, quorum_fault
from twinledger.consortium.strict_json import StrictJson
from twinledger.ledger.canonical import INT_MAX
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import RANGES, Limits, limits_fault

FORMAT: Final = 1
GENESIS_JSON: Final = StrictJson(Code.GENESIS_INVALID)
_NAME: Final = re.compile(r"[ -~]{1,128}")
_FIELDS: Final = ("format", "name", "time_us", "limits", "members")


def read_genesis(body: bytes) -> tuple[int, Consortium]:
    """Reads a genesis file's time and its consortium.

    Raises:
        LedgerError: GENESIS_INVALID, or GENESIS_DOUBLED for what two members must not share.
    """
    time_us, consortium = read_draft(body)
    GENESIS_JSON.items(list(consortium.members), "members")
    if fault := quorum_fault(consortium.rules, len(consortium.members)):
        raise GENESIS_JSON.refusal(f"rules.{fault}")
    return time_us, consortium


def read_draft(body: bytes) -> tuple[int, Consortium]:
    """Reads a genesis file to which members are still added; there may be none yet.

    Raises:
        LedgerError: GENESIS_INVALID, GENESIS_DOUBLED.
    """
    json = GENESIS_JSON
    top = json.fields(json.load(body), "the file", _FIELDS, ("rules",))
    if json.whole(top["format"], "format", 0, INT_MAX) != FORMAT:
        raise json.refusal(f"format {top['format']} is unknown, this version reads {FORMAT}")
    time_us = json.whole(top["time_us"], "time_us", 0, INT_MAX)
    name = json.text(top["name"], "name", _NAME, "1 to 128 printable ASCII characters")
    limits = _limits(top["limits"])
    if not body.endswith(b"\n"):
        raise json.refusal("what is signed does not end in a newline")
    rules = Rules(**json.numbers(top.get("rules", {}), "rules", RULE_RANGES))
    return time_us, Consortium(name, _members(top["members"]), limits, rules=rules)


def _limits(value: Any) -> Limits:
    limits = Limits(**GENESIS_JSON.numbers(value, "limits", RANGES))
    if fault := limits_fault(limits):
        raise GENESIS_JSON.refusal(f"limits.{fault}")
    return limits


def _members(value: Any) -> tuple[Member, ...]:
    if not isinstance(value, list):
        raise GENESIS_JSON.refusal("members is not a list")
    if len(value) > MEMBERS_MAX:
        raise GENESIS_JSON.refusal(f"there are more than {MEMBERS_MAX} members")
    members = [read_member(GENESIS_JSON, item, f"members[{i}]") for i, item in enumerate(value)]
    if fault := common_fault(members):
        raise LedgerError(Code.GENESIS_DOUBLED, fault)
    return tuple(sorted(members, key=lambda member: member.name))
