"""Reading twins from a state."""

from __future__ import annotations

from collections.abc import Iterator

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import PropertyPath, RelationshipName, TwinId
from twinledger.ledger.operations import Section
from twinledger.ledger.state import StateView
from twinledger.twins import state_keys
from twinledger.twins.records import Property, Relationship, Twin


def find_twin(state: StateView, twin_id: TwinId) -> Twin | None:
    """A twin, or None when there never was one of this id."""
    raw = state.get(state_keys.twin_key(twin_id))
    return None if raw is None else Twin.decode(twin_id, raw)


def load_twin(state: StateView, twin_id: TwinId) -> Twin:
    """A twin that must exist.

    Raises:
        LedgerError: TWIN_NOT_FOUND.
    """
    twin = find_twin(state, twin_id)
    if twin is None:
        raise LedgerError(Code.TWIN_NOT_FOUND, twin_id)
    return twin


def load_active_twin(state: StateView, twin_id: TwinId) -> Twin:
    """A twin that must exist and live.

    Raises:
        LedgerError: TWIN_NOT_FOUND or TWIN_RETIRED.
    """
    twin = load_twin(state, twin_id)
    if twin.retired:
        raise LedgerError(Code.TWIN_RETIRED, twin_id)
    return twin


def twins(state: StateView, prefix: str = "") -> Iterator[Twin]:
    """The twins whose ids begin with the prefix, in the order of their ids' bytes."""
    for key, raw in state.scan(state_keys.TWINS + prefix.encode()):
        yield Twin.decode(TwinId(key[len(state_keys.TWINS) :].decode()), raw)


def properties(state: StateView, twin_id: TwinId) -> tuple[Property, ...]:
    """A twin's properties, ordered by section (desired, reported) and path, by bytes."""
    prefix = state_keys.properties_prefix(twin_id)
    return tuple(
        [_read_property(key[len(prefix) :].decode(), raw) for key, raw in state.scan(prefix)]
    )


def _read_property(place: str, raw: bytes) -> Property:
    section, _, path = place.partition("/")
    return Property.decode(PropertyPath(path), Section(section), raw)


def relationships(state: StateView, twin_id: TwinId) -> tuple[Relationship, ...]:
    """A twin's outgoing relationships, ordered by name and target, by bytes."""
    prefix = state_keys.relationships_prefix(twin_id)
    return tuple(
        [_read_relationship(key[len(prefix) :].decode(), raw) for key, raw in state.scan(prefix)]
    )


def _read_relationship(place: str, raw: bytes) -> Relationship:
    name, _, target_id = place.partition("/")
    return Relationship.decode(RelationshipName(name), TwinId(target_id), raw)
