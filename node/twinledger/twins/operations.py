"""What each operation does to the state. Checks come first, then the change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twinledger.ledger.domains import ZERO_HASH
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.operations import CreateTwin, Relate, RetireTwin, Unrelate, UpdateTwin
from twinledger.ledger.receipt import Event, EventKind
from twinledger.ledger.state import StateDraft
from twinledger.twins import access, state_keys
from twinledger.twins.change import Place, check_version, next_version
from twinledger.twins.properties import apply_changes
from twinledger.twins.reading import find_twin, load_active_twin, load_twin
from twinledger.twins.records import Twin, encode_relationship


def create(state: StateDraft, operation: CreateTwin, place: Place, limits: Limits) -> Event:
    """Creates a twin, owned by the first author's member.

    Raises:
        LedgerError: ACCESS_DENIED, TWIN_EXISTS, PATH_CONFLICT or TOO_MANY_PROPERTIES.
    """
    owner = place.first_member
    access.require(place.authors, owner, access.KEEPERS)
    twin_id = operation.twin_id
    if find_twin(state, twin_id) is not None:
        raise LedgerError(Code.TWIN_EXISTS, twin_id)
    unborn = Twin(twin_id, operation.model, owner, 0, ZERO_HASH, False, None, 0)
    origin = place.origin(operation.observed_at_us)
    count = apply_changes(state, twin_id, operation.changes, origin)
    return _store(state, unborn, place, EventKind.TWIN_CREATED, _counted(count, limits))


def update(state: StateDraft, operation: UpdateTwin, place: Place, limits: Limits) -> Event:
    """Changes properties of a twin.

    Raises:
        LedgerError: TWIN_NOT_FOUND, TWIN_RETIRED, ACCESS_DENIED, VERSION_MISMATCH, PATH_CONFLICT,
            PROPERTY_NOT_FOUND, WRONG_TYPE, INCREMENT_OVERFLOW or TOO_MANY_PROPERTIES.
    """
    twin = load_active_twin(state, operation.twin_id)
    access.require(place.authors, twin.owner, access.UPDATERS)
    check_version(twin, operation.expected_version)
    origin = place.origin(operation.observed_at_us)
    grown = apply_changes(state, twin.twin_id, operation.changes, origin)
    count = _counted(twin.property_count + grown, limits)
    return _store(state, twin, place, EventKind.TWIN_UPDATED, count)


def relate(state: StateDraft, operation: Relate, place: Place, _limits: Limits) -> Event:
    """Adds a relationship.

    Raises:
        LedgerError: TWIN_NOT_FOUND, TWIN_RETIRED, ACCESS_DENIED, VERSION_MISMATCH or
            RELATIONSHIP_EXISTS.
    """
    source, key = _source(state, operation, place)
    load_active_twin(state, operation.target_id)
    if state.get(key) is not None:
        raise LedgerError(Code.RELATIONSHIP_EXISTS, _shown(operation))
    state.put(key, encode_relationship(place.origin(operation.observed_at_us).encode()))
    return _store(state, source, place, EventKind.RELATED)


def unrelate(state: StateDraft, operation: Unrelate, place: Place, _limits: Limits) -> Event:
    """Removes a relationship.

    Raises:
        LedgerError: TWIN_NOT_FOUND, TWIN_RETIRED, ACCESS_DENIED, VERSION_MISMATCH or
            RELATIONSHIP_NOT_FOUND.
    """
    source, key = _source(state, operation, place)
    if state.get(key) is None:
        raise LedgerError(Code.RELATIONSHIP_NOT_FOUND, _shown(operation))
    state.delete(key)
    return _store(state, source, place, EventKind.UNRELATED)


def retire(state: StateDraft, operation: RetireTwin, place: Place, _limits: Limits) -> Event:
    """Ends a twin's life.

    Raises:
        LedgerError: TWIN_NOT_FOUND, TWIN_RETIRED, ACCESS_DENIED or VERSION_MISMATCH.
    """
    twin = load_active_twin(state, operation.twin_id)
    access.require(place.authors, twin.owner, access.KEEPERS)
    check_version(twin, operation.expected_version)
    if operation.successor_id is not None:
        load_twin(state, operation.successor_id)
    ended = replace(twin, retired=True, successor_id=operation.successor_id)
    return _store(state, ended, place, EventKind.TWIN_RETIRED)


def _source(state: StateDraft, operation: Relate | Unrelate, place: Place) -> tuple[Twin, bytes]:
    source = load_active_twin(state, operation.source_id)
    access.require(place.authors, source.owner, access.KEEPERS)
    check_version(source, operation.expected_version)
    key = state_keys.relationship_key(source.twin_id, operation.name, operation.target_id)
    return source, key


def _shown(operation: Relate | Unrelate) -> str:
    return f"{operation.source_id} {operation.name} {operation.target_id}"


def _counted(count: int, limits: Limits) -> int:
    if count > limits.max_properties:
        raise LedgerError(Code.TOO_MANY_PROPERTIES, f"at most {limits.max_properties}")
    return count


def _store(
    state: StateDraft, twin: Twin, place: Place, kind: EventKind, property_count: int | None = None
) -> Event:
    after = next_version(twin, place, property_count)
    state.put(state_keys.twin_key(after.twin_id), after.encode())
    return Event(kind, after.twin_id, after.version)


TWIN_OPERATIONS: dict[type, Callable[[StateDraft, Any, Place, Limits], Event]] = {
    CreateTwin: create,
    UpdateTwin: update,
    Relate: relate,
    Unrelate: unrelate,
    RetireTwin: retire,
}
"""By the type of the operation."""
