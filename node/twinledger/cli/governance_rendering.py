"""Plans and proposals for people and for programs."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Final

import click

from twinledger.cli.output import print_fields, print_table, time_text
from twinledger.client import Receipt
from twinledger.consensus import NodeId
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.members import Consortium
from twinledger.consortium.plan import Plan, Quorums, change_value
from twinledger.consortium.proposals import Proposal, Status
from twinledger.consortium.protocol import KNOWN_VERSIONS
from twinledger.ledger.governance_operations import (
    AdmitMember,
    Change,
    ChangeProtocol,
    ChangeRules,
)

_HOUR_US: Final = 3_600_000_000
_SAID: Final = {
    "PROPOSED": "Proposal {} is made, with your approval. Others vote: consortium vote {}",
    "VOTED": "The vote on proposal {} is counted; it is still open.",
    "PROPOSAL_PASSED": "Proposal {} has passed and taken effect.",
    "PROPOSAL_REJECTED": "Proposal {} is rejected: it cannot pass any more.",
    "PROPOSAL_WITHDRAWN": "Proposal {} is withdrawn.",
}


def receipt_text(receipt: Receipt) -> str:
    """What became of a proposal or a vote, in a sentence."""
    (event,) = receipt.events
    return f"{_SAID[event.kind].format(event.subject, event.subject)} (block {receipt.height})"


def change_json(change: Change) -> dict[str, Any]:
    """A change; of a join file the member's name and node."""
    if isinstance(change, AdmitMember):
        member = JoinFile.parse(change.join_file).member
        (node,) = member.nodes
        return {"kind": "admit_member", "member": member.name, "node": node.node_id}
    return dict(change_value(change))


def plan_json(planned: Plan, answering: Collection[NodeId]) -> dict[str, Any]:
    """A plan: before and after, who is needed, and what would stop."""
    return {
        "plan": planned.hash.hex(),
        "ground": planned.ground.hex(),
        "change": change_json(planned.change),
        "approvals_needed": _approvals(planned),
        "before": _side_json(planned.before, answering),
        "after": _side_json(planned.after, answering),
        "warnings": plan_warnings(planned.change),
    }


def _approvals(planned: Plan) -> int:
    return planned.percent * len(planned.before.members) // 100 + 1


def _side_json(consortium: Consortium, answering: Collection[NodeId]) -> dict[str, Any]:
    quorums = Quorums.of(consortium)
    return {
        "members": [member.name for member in consortium.members],
        "nodes": list(quorums.nodes),
        "not_answering": [node for node in quorums.nodes if node not in answering],
        "ordering_quorum": quorums.ordering,
        "certificate_quorum": quorums.certifying,
        "single_failures_that_stop_ordering": list(quorums.stop_ordering(answering)),
        "single_failures_that_stop_certifying": list(quorums.stop_certifying(answering)),
        "rules": asdict(consortium.rules),
        "limits": asdict(consortium.limits),
    }


def print_plan(planned: Plan, answering: Collection[NodeId]) -> None:
    """A plan as a table of before and after."""
    before, after = _side_json(planned.before, answering), _side_json(planned.after, answering)
    print_fields(
        [
            *((name, _value_text(value)) for name, value in change_json(planned.change).items()),
            ("plan", planned.hash.hex()),
            ("approvals needed", f"{_approvals(planned)} of {len(planned.before.members)} members"),
        ]
    )
    for warning in plan_warnings(planned.change):
        click.echo(f"Warning: {warning}")
    click.echo()
    rows = [
        (name.replace("_", " "), _text(before[name]), _text(after[name]))
        for name in before
        if name not in {"rules", "limits"}
    ]
    numbers = [
        (name, str(value), str(after[part][name]))
        for part in ("rules", "limits")
        for name, value in before[part].items()
        if value != after[part][name]
    ]
    print_table(("", "BEFORE", "AFTER"), [*rows, *numbers])


def _text(value: Any) -> str:
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """A proposal as the ledger has it."""
    return {
        "number": proposal.number,
        "status": proposal.status.value,
        "change": change_json(proposal.change),
        "plan": proposal.plan.hex(),
        "proposer": proposal.proposer,
        "height": proposal.height,
        "expires_at_us": proposal.expires_at_us,
        "votes": {str(member): vote for member, vote in proposal.votes.items()},
        "decided_height": proposal.decided_height or None,
    }


def plan_warnings(change: Change) -> list[str]:
    """What may stop the consortium though the quorums bear it."""
    match change:
        case ChangeProtocol(version, height) if version not in KNOWN_VERSIONS:
            stops = f"every node that runs it stops before height {height}"
            return [f"This program does not know version {version}: {stops}. Upgrade first."]
        case ChangeRules(rules) if dict(rules).get("proposal_lifetime_us", _HOUR_US) < _HOUR_US:
            return ["Members get less than an hour to vote, also on a change that takes this back."]
        case _:
            return []


def _value_text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={number}" for name, number in value.items()) or "-"
    return str(value)


def _standing(proposal: Proposal, ground: bytes, time_us: int) -> str:
    if proposal.status is Status.OPEN and time_us > proposal.expires_at_us:
        return "expired"
    if proposal.status is Status.OPEN and proposal.ground != ground:
        return "ground moved"
    return str(proposal.status)


def print_proposals(found: list[Proposal], ground: bytes, time_us: int) -> None:
    """Proposals, one a line; of open ones whether votes on them can still count.

    Args:
        found: The proposals.
        ground: What a plan rests on now.
        time_us: The time now, microseconds since 1970; blocks are hardly behind it.
    """
    print_table(
        ("NUMBER", "STATUS", "CHANGE", "PROPOSER", "APPROVE", "REJECT", "UNTIL"),
        [
            (
                each.number,
                _standing(each, ground, time_us),
                " ".join(
                    text
                    for text in map(_value_text, change_json(each.change).values())
                    if text != "-"
                ),
                each.proposer,
                ", ".join(member for member, vote in each.votes.items() if vote),
                ", ".join(member for member, vote in each.votes.items() if not vote) or "-",
                time_text(each.expires_at_us),
            )
            for each in found
        ],
    )
