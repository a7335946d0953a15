"""Policies and what they decide, as JSON and in plain words."""

from collections.abc import Sequence
from typing import Any, Final

import click

from twinledger.cli.output import print_table, time_text
from twinledger.client import (
    AccessDecision,
    AccessRule,
    Effect,
    Explanation,
    Ground,
    Permission,
    SignOff,
    TwinPolicy,
)
from twinledger.client.access_json import rule_to_json, sign_off_to_json

_GROUNDS: Final = {
    Ground.OWNER_ADMIN: "the owner's admins always administer and read its twins",
    Ground.READS_ALL: "admins and auditors of every member read everything",
    Ground.CLOSED: "no rule grants it",
}


def policy_json(policy: TwinPolicy) -> dict[str, Any]:
    """A policy; rules and sign-offs as `tx submit` takes them."""
    return {
        "owner": policy.owner,
        "rules": [rule_to_json(rule.to_message()) for rule in policy.rules],
        "sign_offs": [sign_off_to_json(each.to_message()) for each in policy.sign_offs],
        "partial": policy.partial,
        "height": policy.height,
    }


def explanation_json(found: Explanation) -> dict[str, Any]:
    """What may be done, and what decides it."""
    return {
        "decisions": [
            {
                "permission": permission_text(each.permission),
                "allowed": each.allowed,
                "ground": each.ground.value,
                "rule": rule_to_json(each.rule.to_message()) if each.rule else None,
                "sign_offs": [sign_off_to_json(one.to_message()) for one in each.sign_offs],
                "because": reason(each),
            }
            for each in found.decisions
        ],
        "height": found.height,
    }


def print_policy(twin_id: str, policy: TwinPolicy) -> None:
    """A policy, a rule or a sign-off a line."""
    click.echo(f"{twin_id}, owned by {policy.owner}, at height {policy.height}")
    for rule in policy.rules:
        click.echo(f"  {rule_text(rule)}")
    for sign_off in policy.sign_offs:
        click.echo(f"  {sign_off_text(sign_off)}")
    if policy.partial:
        click.echo("  and more, which you may not see")
    elif not (policy.rules or policy.sign_offs):
        click.echo("  nothing beside the default rules")


def print_explanation(found: Explanation) -> None:
    """A line for each permission: the answer, and the rule that gives it."""
    rows = [
        (permission_text(each.permission), "yes" if each.allowed else "no", reason(each))
        for each in found.decisions
    ]
    print_table(("MAY", "ANSWER", "BECAUSE"), rows)


def reason(decision: AccessDecision) -> str:
    """Why, in a sentence: the ground or the deciding rule, and the signatures it takes besides."""
    if decision.rule is None:
        said = _GROUNDS[decision.ground]
    else:
        kind = "default rule" if decision.ground is Ground.DEFAULT else "rule of the policy"
        said = f"{kind}: {rule_text(decision.rule)}"
    if decision.allowed:
        said += "".join(f"; but {sign_off_text(each)}" for each in decision.sign_offs)
    return said


def rule_text(rule: AccessRule) -> str:
    """A rule in words."""
    may = "may" if rule.effect is Effect.GRANT else "may not"
    permissions = permission_text(rule.permissions)
    return f"{rule.subject} {may} {permissions} {_where(rule.path)}{_until(rule.expires_at_us)}"


def sign_off_text(sign_off: SignOff) -> str:
    """A sign-off in words."""
    signers = _listed(sign_off.parties, "and")
    acts = permission_text(sign_off.permissions)
    where = _where(sign_off.path) + _until(sign_off.expires_at_us)
    return f"{sign_off.required} of {signers} must sign to {acts} {where}"


def permission_text(permissions: Permission) -> str:
    """Permissions in small letters."""
    return _listed([str(each.name).lower() for each in permissions], "and")


def _where(path: str) -> str:
    return f"at and below {path}" if path else "the whole twin"


def _until(time_us: int | None) -> str:
    return f" until {time_text(time_us)}" if time_us is not None else ""


def _listed(words: Sequence[str], link: str) -> str:
    *most, last = words
    return f"{', '.join(most)} {link} {last}" if most else last
