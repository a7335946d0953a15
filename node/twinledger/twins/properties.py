"""Changing properties: set, delete, increment, and the rules about paths."""

from __future__ import annotations

import math
from collections.abc import Iterable

from twinledger.ledger.canonical import INT_MAX, INT_MIN, CanonicalValue
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import TwinId
from twinledger.ledger.operations import Change, ChangeKind
from twinledger.ledger.state import StateDraft
from twinledger.twins import state_keys
from twinledger.twins.change import Place
from twinledger.twins.records import encode_property, property_value


def apply_changes(
    state: StateDraft,
    twin_id: TwinId,
    changes: Iterable[Change],
    place: Place,
    observed_at_us: int | None,
) -> int:
    """Makes the changes in their order.

    Args:
        state: Where the twin's properties are.
        twin_id: The twin.
        changes: What the operation asks for.
        place: Where the operation stands.
        observed_at_us: The device's time, when it was stated.

    Returns:
        By how many the twin's properties grew.

    Raises:
        LedgerError: PATH_CONFLICT, PROPERTY_NOT_FOUND, WRONG_TYPE or INCREMENT_OVERFLOW.
    """
    origin = place.origin(observed_at_us).encode()
    grown = 0
    for change in changes:
        key = state_keys.property_key(twin_id, change.section, change.path)
        before = state.get(key)
        if change.kind is ChangeKind.DELETE:
            if before is None:
                raise LedgerError(Code.PROPERTY_NOT_FOUND, f"{twin_id} {change.path}")
            state.delete(key)
            grown -= 1
            continue
        if before is None:
            _check_conflicts(state, twin_id, change, key)
            grown += 1
        salt = place.leaf_salt(state_keys.property_leaf_key(change.section, change.path))
        state.put(key, encode_property(_new_value(change, before), origin, salt))
    return grown


def _check_conflicts(state: StateDraft, twin_id: TwinId, change: Change, key: bytes) -> None:
    """No property may lie below another, or a reader could not show them as one tree."""
    above: str = change.path
    while "/" in above:
        above = above.rpartition("/")[0]
        if state.get(state_keys.property_key(twin_id, change.section, above)) is not None:
            raise LedgerError(Code.PATH_CONFLICT, f"{change.path} lies below {above}")
    for _ in state.scan(key + b"/"):
        raise LedgerError(Code.PATH_CONFLICT, f"other properties lie below {change.path}")


def _new_value(change: Change, before: bytes | None) -> CanonicalValue:
    if change.kind is ChangeKind.SET or before is None:
        return change.value  # an absent property counts as 0, so the sum is the amount
    return _sum(property_value(before), change)


def _sum(current: CanonicalValue, change: Change) -> CanonicalValue:
    amount = change.value
    if type(current) is int and type(amount) is int:
        total = current + amount
        if not INT_MIN <= total <= INT_MAX:
            raise LedgerError(Code.INCREMENT_OVERFLOW, f"{change.path} has 64 bits")
        return total
    if type(current) is float and type(amount) is float:
        if not math.isfinite(current + amount):
            raise LedgerError(Code.INCREMENT_OVERFLOW, f"{change.path} is a double")
        return current + amount
    raise LedgerError(
        Code.WRONG_TYPE, f"{change.path} is {type(current).__name__}, not {type(amount).__name__}"
    )
