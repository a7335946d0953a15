"""A genesis file before it is signed: begun empty, filled with one join file after another."""

from __future__ import annotations

from twinledger.consortium.genesis import Genesis, build, draft_body
from twinledger.consortium.genesis_reader import read_draft
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.rules import DEFAULT_RULES, Rules
from twinledger.consortium.signed_file import SignedFile
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import DEFAULT_LIMITS, Limits


def begin(
    name: str, time_us: int, limits: Limits = DEFAULT_LIMITS, rules: Rules = DEFAULT_RULES
) -> bytes:
    """A genesis file without members.

    Raises:
        LedgerError: GENESIS_INVALID for a name, a limit or a rule that cannot be.
    """
    raw = draft_body(name, time_us, (), limits, rules)
    read_draft(raw)
    return raw


def add(raw: bytes, join: JoinFile) -> bytes:
    """The file with one member more, its members in the order of names.

    Raises:
        LedgerError: GENESIS_SEALED after the first signature; GENESIS_INVALID, GENESIS_DOUBLED.
    """
    file = SignedFile.parse(raw, Code.GENESIS_INVALID)
    if file.lines:
        raise LedgerError(Code.GENESIS_SEALED, ", ".join(line.name for line in file.lines))
    time_us, consortium = read_draft(file.body)
    members = sorted((*consortium.members, join.member), key=lambda member: member.name)
    raw = build(consortium.name, time_us, members, consortium.limits, consortium.rules)
    return Genesis.parse(raw).raw
