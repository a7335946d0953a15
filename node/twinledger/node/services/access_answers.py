"""Answers GetAccess and ExplainAccess: a twin's policy, and the rule that decides."""

from typing import Any, Final, cast

from twinledger.consortium.identities import IdentityRecord, find_identity
from twinledger.consortium.members import load_consortium
from twinledger.ledger import names
from twinledger.ledger.access import WHOLE_TWIN, Permission, Rule, SignOff, read_path
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.services.sight import Sight
from twinledger.twins.access import Access, Ground
from twinledger.v1 import access_pb2
from twinledger.v1 import twin_service_pb2 as pb

_GROUNDS: Final = {
    Ground.OWNER_ADMIN: pb.GROUND_OWNER_ADMIN,
    Ground.READS_ALL: pb.GROUND_READS_ALL,
    Ground.RULE: pb.GROUND_RULE,
    Ground.DEFAULT: pb.GROUND_DEFAULT,
    Ground.CLOSED: pb.GROUND_CLOSED,
}


def policy_of(sight: Sight, request: pb.GetAccessRequest) -> pb.GetAccessResponse:
    """Return as much of a twin's policy as the caller may see."""
    twin = sight.load(names.twin_id(request.twin_id))
    policy = sight.access(twin).policy
    rules = [
        rule
        for rule in policy.rules
        if sight.sees_rule(twin.twin_id, rule.path, [rule.subject.text])
    ]
    sign_offs = [
        each
        for each in policy.sign_offs
        if sight.sees_rule(twin.twin_id, each.path, [party.text for party in each.parties])
    ]
    return pb.GetAccessResponse(
        owner=twin.owner,
        rules=[rule_message(rule) for rule in rules],
        sign_offs=[sign_off_message(each) for each in sign_offs],
        partial=len(rules) + len(sign_offs) < len(policy),
        height=sight.state.applied_height or 0,
    )


def explained(sight: Sight, request: pb.ExplainAccessRequest) -> pb.ExplainAccessResponse:
    """Return what an identity may do at a path, and the rule that decides each.

    Raises:
        LedgerError: TWIN_NOT_FOUND, BAD_POLICY_PATH, IDENTITY_NOT_FOUND or ACCESS_DENIED.
    """
    twin = sight.load(names.twin_id(request.twin_id))
    path = read_path(request.path, load_consortium(sight.state).limits)
    access = sight.access(twin)
    who = _asked_about(sight, access, request.identity)
    return pb.ExplainAccessResponse(
        decisions=[_decision(access, who, permission, path) for permission in Permission],
        height=sight.state.applied_height or 0,
    )


def _asked_about(sight: Sight, access: Access, identity: str) -> IdentityRecord:
    if identity in ("", sight.who.identity):
        return sight.who
    may_ask = access.decide(sight.who, Permission.ADMINISTER, WHOLE_TWIN).allowed
    if not (sight.whole or may_ask):
        raise LedgerError(Code.ACCESS_DENIED, "it is for who administers the twin")
    record = find_identity(sight.state, names.identity(identity))
    if record is None:
        raise LedgerError(Code.IDENTITY_NOT_FOUND, identity)
    return record


def _decision(
    access: Access, who: IdentityRecord, permission: Permission, path: str
) -> pb.AccessDecision:
    decision = access.decide(who, permission, path)
    message = pb.AccessDecision(
        permission=_number(permission),
        allowed=decision.allowed and not who.revoked,
        ground=_GROUNDS[decision.ground],
        sign_offs=[sign_off_message(each) for each in access.sign_offs(permission, path)],
    )
    if decision.rule is not None:
        message.rule.CopyFrom(rule_message(decision.rule))
    return message


def rule_message(rule: Rule) -> access_pb2.AccessRule:
    """Render a rule."""
    return access_pb2.AccessRule(
        path=rule.path,
        subject=rule.subject.text,
        effect=cast("Any", int(rule.effect)),
        permissions=_numbers(rule.permissions),
        expires_at_us=rule.expires_at_us,
    )


def sign_off_message(sign_off: SignOff) -> access_pb2.SignOff:
    """Render a sign-off."""
    return access_pb2.SignOff(
        path=sign_off.path,
        permissions=_numbers(sign_off.permissions),
        required=sign_off.required,
        parties=[party.text for party in sign_off.parties],
        expires_at_us=sign_off.expires_at_us,
    )


def _numbers(permissions: Permission) -> Any:
    return [_number(permission) for permission in permissions]


def _number(permission: Permission) -> Any:
    return access_pb2.Permission.Value(f"PERMISSION_{permission.name}")
