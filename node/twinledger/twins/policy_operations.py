"""What the operations about a twin's policy and its owner do. Checks come first, then the change.

A retired twin's policy may still change: who reads it matters for as long as it is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twinledger.consortium.members import load_consortium
from twinledger.ledger.access import WHOLE_TWIN, Permission, PolicyPath
from twinledger.ledger.access_operations import (
    DeleteAccessRule,
    DeleteSignOff,
    PutAccessRule,
    PutSignOff,
    TransferTwin,
)
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.receipt import Event, EventKind
from twinledger.ledger.state import StateDraft
from twinledger.twins.access import Access, require_keeper, require_signed
from twinledger.twins.change import Place, check_version, store_update
from twinledger.twins.guard import guard
from twinledger.twins.policy import Policy, store_policy
from twinledger.twins.reading import load_active_twin, load_twin
from twinledger.twins.records import Twin


def put_rule(state: StateDraft, operation: PutAccessRule, place: Place, limits: Limits) -> Event:
    """Puts a rule into a twin's policy.

    Raises:
        LedgerError: TWIN_NOT_FOUND, ACCESS_DENIED, SIGN_OFF_MISSING, VERSION_MISMATCH or
            TOO_MANY_RULES.
    """
    twin, access = _administered(state, operation, operation.rule.path, place)
    policy = access.policy.with_rule(operation.rule)
    return _store(state, twin, policy, place, limits)


def delete_rule(
    state: StateDraft, operation: DeleteAccessRule, place: Place, limits: Limits
) -> Event:
    """Takes a rule out of a twin's policy.

    Raises:
        LedgerError: TWIN_NOT_FOUND, ACCESS_DENIED, SIGN_OFF_MISSING, VERSION_MISMATCH or
            RULE_NOT_FOUND.
    """
    twin, access = _administered(state, operation, operation.path, place)
    rule = access.policy.rule(operation.path, operation.subject, operation.effect)
    if rule is None:
        named = f"{operation.effect.name} {operation.subject.text} {operation.path}".rstrip()
        raise LedgerError(Code.RULE_NOT_FOUND, named)
    return _store(state, twin, access.policy.without_rule(rule), place, limits)


def put_sign_off(state: StateDraft, operation: PutSignOff, place: Place, limits: Limits) -> Event:
    """Demands several signatures for a part of a twin.

    Raises:
        LedgerError: TWIN_NOT_FOUND, ACCESS_DENIED, SIGN_OFF_MISSING, VERSION_MISMATCH or
            TOO_MANY_RULES.
    """
    twin, access = _administered(state, operation, operation.sign_off.path, place)
    _require_old(access, operation.sign_off.path, place)
    policy = access.policy.with_sign_off(operation.sign_off)
    return _store(state, twin, policy, place, limits)


def delete_sign_off(
    state: StateDraft, operation: DeleteSignOff, place: Place, limits: Limits
) -> Event:
    """Lifts a sign-off.

    Raises:
        LedgerError: TWIN_NOT_FOUND, ACCESS_DENIED, SIGN_OFF_MISSING, VERSION_MISMATCH or
            RULE_NOT_FOUND.
    """
    twin, access = _administered(state, operation, operation.path, place)
    if access.policy.sign_off(operation.path) is None:
        raise LedgerError(Code.RULE_NOT_FOUND, f"no sign-off at {operation.path or 'the twin'}")
    _require_old(access, operation.path, place)
    policy = access.policy.without_sign_off(operation.path)
    return _store(state, twin, policy, place, limits)


def transfer(state: StateDraft, operation: TransferTwin, place: Place, _limits: Limits) -> Event:
    """Hands a twin over to another member, who must sign too.

    Raises:
        LedgerError: TWIN_NOT_FOUND, TWIN_RETIRED, ACCESS_DENIED, SIGN_OFF_MISSING,
            VERSION_MISMATCH, MEMBER_NOT_FOUND or ALREADY_OWNER.
    """
    twin = load_active_twin(state, operation.twin_id)
    guard(state, twin, place).require(place.authors, Permission.TRANSFER, (WHOLE_TWIN,))
    check_version(twin, operation.expected_version)
    if load_consortium(state).member(operation.new_owner) is None:
        raise LedgerError(Code.MEMBER_NOT_FOUND, operation.new_owner)
    if operation.new_owner == twin.owner:
        raise LedgerError(Code.ALREADY_OWNER, twin.owner)
    require_keeper(place.authors, operation.new_owner)
    handed = replace(twin, owner=operation.new_owner)
    return store_update(state, handed, place, EventKind.TWIN_TRANSFERRED)


def _administered(
    state: StateDraft,
    operation: PutAccessRule | DeleteAccessRule | PutSignOff | DeleteSignOff,
    path: PolicyPath,
    place: Place,
) -> tuple[Twin, Access]:
    """The twin and its policy, less what has expired, when the authors administer the path."""
    twin = load_twin(state, operation.twin_id)
    access = guard(state, twin, place)
    access.require(place.authors, Permission.ADMINISTER, (path,))
    check_version(twin, operation.expected_version)
    return twin, replace(access, policy=access.policy.without_expired(place.block_time_us))


def _require_old(access: Access, path: PolicyPath, place: Place) -> None:
    """A sign-off guards itself, or whoever it binds would lift it first."""
    old = access.policy.sign_off(path)
    if old is not None:
        require_signed(old, place.authors)


def _store(state: StateDraft, twin: Twin, policy: Policy, place: Place, limits: Limits) -> Event:
    if len(policy) > limits.max_policy_rules:
        raise LedgerError(Code.TOO_MANY_RULES, f"at most {limits.max_policy_rules}")
    store_policy(state, twin.twin_id, policy)
    return store_update(state, twin, place, EventKind.POLICY_CHANGED)


POLICY_OPERATIONS: dict[type, Callable[[StateDraft, Any, Place, Limits], Event]] = {
    PutAccessRule: put_rule,
    DeleteAccessRule: delete_rule,
    PutSignOff: put_sign_off,
    DeleteSignOff: delete_sign_off,
    TransferTwin: transfer,
}
"""By the type of the operation."""
