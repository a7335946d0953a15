"""The rules that the members agreed on: whole numbers in the consortium's leaf.

A percentage says of how many members *more than that many percent* must approve: 50 is a majority,
66 two thirds, 99 everybody, since a consortium has at
most 99 members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rules:
    """How many must sign and approve, and for how long a proposal stands."""

    certificate_quorum: int = 0
    """Members that must cosign a head; 0 stands for the default of so many members."""
    admit_member_percent: int = 50
    """A proposal to admit a member passes when more than this share of the members approve."""
    remove_member_percent: int = 50
    """The same for removing one."""
    change_rules_percent: int = 66
    """The same for changing rules or limits."""
    change_protocol_percent: int = 66
    """The same for a protocol version and the height it begins at."""
    proposal_lifetime_us: int = 604_800_000_000
    """How long after its block time a proposal can be voted on."""


DEFAULT_RULES: Final = Rules()
MEMBERS_MAX: Final = 99
"""So that 'more than 99 percent' means everybody."""

RULE_RANGES: Final[dict[str, tuple[int, int]]] = {
    "certificate_quorum": (0, MEMBERS_MAX),
    "admit_member_percent": (50, 99),
    "remove_member_percent": (50, 99),
    "change_rules_percent": (50, 99),
    "change_protocol_percent": (50, 99),
    "proposal_lifetime_us": (1_000_000, 366 * 86_400_000_000),
}


def default_quorum(members: int) -> int:
    """Members that must cosign a head so that two quorums share one outside any f liars.

    floor((n + f) / 2) + 1 with f = floor((n - 1) / 3).
    """
    liars = (members - 1) // 3
    return (members + liars) // 2 + 1


def certificate_quorum(rules: Rules, members: int) -> int:
    """The members that must cosign a head under these rules."""
    return rules.certificate_quorum or default_quorum(members)


def passes(approvals: int, members: int, percent: int) -> bool:
    """Whether so many approvals are more than so many percent of the members."""
    return approvals * 100 > percent * members


def quorum_fault(rules: Rules, members: int) -> str:
    """Why the certificate quorum does not fit so many members; empty when it does."""
    quorum, least = rules.certificate_quorum, default_quorum(members)
    if not quorum or least <= quorum <= members:
        return ""
    return f"certificate_quorum {quorum} is not 0 and not from {least} to {members}"
