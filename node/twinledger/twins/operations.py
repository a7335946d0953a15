"""What each operation does to the state. Checks come first, then the change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twinledger.ledger.access import RELATIONSHIPS, WHOLE_TWIN, Permission
from twinledger.ledger.domains import ZERO_HASH
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.operations import CreateTwin, Relate, RetireTwin, Unrelate, UpdateTwin
from twinledger.ledger.receipt import Event, EventKind
from twinledger.ledger.state import StateDraft
from twinledger.ledger.state_tree_page import EMPTY
from twinledger.twins import state_keys
from twinledger.twins.access import require_keeper
from twinledger.twins.change import Place, check_version, store_update
from twinledger.twins.guard import guard
from twinledger.twins.policy_operations import POLICY_OPERATIONS
from twinledger.twins.properties import apply_changes
from twinledger.twins.reading import find_twin, load_active_twin, load_twin
from twinledger.twins.records import Twin, encode_relationship


def create(state: StateDraft, operation: CreateTwin, place: Place, limits: Limits) -> Event:
    """Creates a twin, owned by the first author's member.

    Raises:
        LedgerError: ACCESS_DENIED, TWIN_EXISTS, PATH_CONFLICT or TOO_MANY_PROPERTIES.
    """
    owner = place.first_member
    require_keeper(place.authors, owner)
    twin_id = operation.twin_id
    if find_twin(state, twin_id) is not None:
        raise LedgerError(Code.TWIN_EXISTS, twin_id)
    unborn = Twin(twin_id, operation.model, owner, 0, ZERO_HASH, False, None, 0, EMPTY, 0)
    count = apply_changes(state, twin_id, operation.changes, place, operation.observed_at_us)
    return store_update(state, unborn, place, EventKind.TWIN_CREATED, _counted(count, limits))


def update(state: StateDraft, operation: UpdateTwin, place: Place, limits: Limits) -> Event:
    """Changes properties of a twin.

    Raises:
        LedgerError: TWIN_NOT_FOUND, TWIN_RETIRED, ACCESS_DENIED, SIGN_OFF_MISSING,
            VERSION_MISMATCH, PATH_CONFLICT, PROPERTY_NOT_FOUND, WRONG_TYPE, INCREMENT_OVERFLOW or
            TOO_MANY_PROPERTIES.
    """
    twin = load_active_twin(state, operation.twin_id)
    paths = [f"{change.section.value}/{change.path}" for change in operation.changes]
    guard(state, twin, place).require(place.authors, Permission.WRITE, paths)
    check_version(twin, operation.expected_version)
    observed_at_us = operation.observed_at_us
    grown = apply_changes(state, twin.twin_id, operation.changes, place, observed_at_us)
    count = _counted(twin.property_count + grown, limits)
    return store_update(state, twin, place, EventKind.TWIN_UPDATED, count)


def relate(state: StateDraft, operation: Relate, place: Place, _limits: Limits) -> Event:
    """Adds a relationship.

    Raises:
        LedgerError: TWIN_NOT_FOUND, TWIN_RETIRED, ACCESS_DENIED, SIGN_OFF_MISSING,
            VERSION_MISMATCH or RELATIONSHIP_EXISTS.
    """
    source, key = _source(state, operation, place)
    load_active_twin(state, operation.target_id)
    if state.get(key) is not None:
        raise LedgerError(Code.RELATIONSHIP_EXISTS, _shown(operation))
    salt = place.leaf_salt(state_keys.relationship_leaf_key(operation.name, operation.target_id))
    state.put(key, encode_relationship(place.origin(operation.observed_at_us).encode(), salt))
    return store_update(state, source, place, EventKind.RELATED)


def unrelate(state: StateDraft, operation: Unrelate, place: Place, _limits: Limits) -> Event:
    """Removes a relationship.

    Raises:
        LedgerError: TWIN_NOT_FOUND, TWIN_RETIRED, ACCESS_DENIED, SIGN_OFF_MISSING,
            VERSION_MISMATCH or RELATIONSHIP_NOT_FOUND.
    """
    source, key = _source(state, operation, place)
    if state.get(key) is None:
        raise LedgerError(Code.RELATIONSHIP_NOT_FOUND, _shown(operation))
    state.delete(key)
    return store_update(state, source, place, EventKind.UNRELATED)


def retire(state: StateDraft, operation: RetireTwin, place: Place, _limits: Limits) -> Event:
    """Ends a twin's life.

    Raises:
        LedgerError: TWIN_NOT_FOUND, TWIN_RETIRED, ACCESS_DENIED, SIGN_OFF_MISSING or
            VERSION_MISMATCH.
    """
    twin = load_active_twin(state, operation.twin_id)
    guard(state, twin, place).require(place.authors, Permission.TRANSFER, (WHOLE_TWIN,))
    check_version(twin, operation.expected_version)
    if operation.successor_id is not None:
        load_twin(state, operation.successor_id)
    ended = replace(twin, retired=True, successor_id=operation.successor_id)
    return store_update(state, ended, place, EventKind.TWIN_RETIRED)


def _source(state: StateDraft, operation: Relate | Unrelate, place: Place) -> tuple[Twin, bytes]:
    source = load_active_twin(state, operation.source_id)
    path = f"{RELATIONSHIPS}/{operation.name}/{operation.target_id}"
    guard(state, source, place).require(place.authors, Permission.RELATE, (path,))
    check_version(source, operation.expected_version)
    key = state_keys.relationship_key(source.twin_id, operation.name, operation.target_id)
    return source, key


def _shown(operation: Relate | Unrelate) -> str:
    return f"{operation.source_id} {operation.name} {operation.target_id}"


def _counted(count: int, limits: Limits) -> int:
    if count > limits.max_properties:
        raise LedgerError(Code.TOO_MANY_PROPERTIES, f"at most {limits.max_properties}")
    return count


TWIN_OPERATIONS: dict[type, Callable[[StateDraft, Any, Place, Limits], Event]] = {
    CreateTwin: create,
    UpdateTwin: update,
    Relate: relate,
    Unrelate: unrelate,
    RetireTwin: retire,
    **POLICY_OPERATIONS,
}
"""By the type of the operation."""
