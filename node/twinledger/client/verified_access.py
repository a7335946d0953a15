"""Policies from proven state, and decisions from them by the function that nodes decide with.

A proof shows a whole policy. To who may not see every rule of it a node proves none: then, and only
to an identity that is proven not to read everything, the node's own answer is what there is.
"""

import time
from typing import TYPE_CHECKING

from twinledger.client.access_records import (
    AccessDecision,
    AccessRule,
    Explanation,
    Ground,
    SignOff,
    TwinPolicy,
)
from twinledger.client.session import Session
from twinledger.consortium import identities, members
from twinledger.ledger import names
from twinledger.ledger.access import Permission, Rule, read_path
from twinledger.ledger.access import SignOff as LedgerSignOff
from twinledger.ledger.errors import Code, LedgerError
from twinledger.twins.access import READ_ALL, Access
from twinledger.twins.policy import NO_POLICY, Policy, policy_key
from twinledger.twins.records import Twin
from twinledger.twins.state_keys import twin_key

if TYPE_CHECKING:
    from twinledger.client.verified_reads import VerifiedReads


async def policy(
    session: Session, reads: "VerifiedReads", twin_id: str, timeout_seconds: float | None
) -> TwinPolicy | None:
    """A twin's policy, whole; None when this identity may not see all of it.

    Raises:
        LedgerError: TWIN_NOT_FOUND.
    """
    found = await _access(session, reads, twin_id, timeout_seconds)
    if found is None:
        return None
    access, height, _ = found
    rules = tuple(_rule(each) for each in access.policy.rules)
    sign_offs = tuple(_sign_off(each) for each in access.policy.sign_offs)
    return TwinPolicy(access.owner, rules, sign_offs, False, height)


async def explanation(
    session: Session,
    reads: "VerifiedReads",
    twin_id: str,
    path: str,
    identity: str,
    timeout_seconds: float | None,
) -> Explanation | None:
    """What an identity may do at a path; None when this one may not see the whole policy.

    Raises:
        LedgerError: TWIN_NOT_FOUND, BAD_POLICY_PATH, IDENTITY_NOT_FOUND.
    """
    asked = names.identity(identity or _caller(session))
    found = await _access(session, reads, twin_id, timeout_seconds)
    if found is None:
        return None
    access, height, consortium = found
    path = read_path(path, consortium.limits)
    key = identities.identity_key(asked)
    values, _ = await reads.state([key], timeout_seconds, min_height=height)
    raw = values[key]
    if raw is None:
        raise LedgerError(Code.IDENTITY_NOT_FOUND, asked)
    who = identities.IdentityRecord.decode(asked, raw)
    return Explanation(tuple(_decision(access, who, each, path) for each in Permission), height)


def _caller(session: Session) -> str:
    return session.identity.name if session.identity else ""


async def _access(
    session: Session, reads: "VerifiedReads", twin_id: str, timeout_seconds: float | None
) -> tuple[Access, int, members.Consortium] | None:
    checked = names.twin_id(twin_id)
    keys = [twin_key(checked), policy_key(checked), members.CONSORTIUM_KEY]
    try:
        found, height = await reads.state(keys, timeout_seconds)
    except LedgerError as error:
        if error.code is not Code.ACCESS_DENIED:
            raise
        await _require_hidden(session, reads, timeout_seconds)
        return None
    raw_twin, raw_policy, consortium = (found[key] for key in keys)
    if raw_twin is None:
        raise LedgerError(Code.TWIN_NOT_FOUND, twin_id)
    rules = NO_POLICY if raw_policy is None else Policy.decode(raw_policy)
    owner = Twin.decode(checked, raw_twin).owner
    now_us = time.time_ns() // 1000
    return Access(owner, rules, now_us), height, members.Consortium.decode(consortium or b"")


async def _require_hidden(
    session: Session, reads: "VerifiedReads", timeout_seconds: float | None
) -> None:
    """A node that denies everything to one from whom nothing is hidden has something to hide."""
    name = names.identity(_caller(session))
    key = identities.identity_key(name)
    raw = (await reads.state([key], timeout_seconds))[0][key]
    if raw is not None and identities.IdentityRecord.decode(name, raw).role in READ_ALL:
        raise LedgerError(Code.ANSWER_UNPROVEN, f"{name} may read every policy, and is shown none")


def _decision(
    access: Access, who: identities.IdentityRecord, permission: Permission, path: str
) -> AccessDecision:
    decision = access.decide(who, permission, path)
    return AccessDecision(
        permission,
        decision.allowed and not who.revoked,
        Ground[decision.ground.name],
        None if decision.rule is None else _rule(decision.rule),
        tuple(_sign_off(each) for each in access.sign_offs(permission, path)),
    )


def _rule(rule: Rule) -> AccessRule:
    return AccessRule(
        rule.path, rule.subject.text, rule.effect, rule.permissions, rule.expires_at_us
    )


def _sign_off(found: LedgerSignOff) -> SignOff:
    parties = tuple(party.text for party in found.parties)
    return SignOff(found.path, found.permissions, found.required, parties, found.expires_at_us)
