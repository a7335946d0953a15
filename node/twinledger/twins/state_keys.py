"""Where the agreed state keeps what belongs to a twin. Ids hold no '/', so keys never collide.

A twin's own record is a leaf of the state tree. Its properties and relationships are leaves of the
twin's own tree, which has keys of its own: ``property/ID/reported/PATH`` in the state is
``reported/PATH`` there, and ``relationship/ID/NAME/TARGET`` is ``relationship/NAME/TARGET``.
"""

from __future__ import annotations

from typing import NamedTuple

from twinledger.ledger.names import RelationshipName, TwinId
from twinledger.ledger.operations import Section
from twinledger.twins.tree import RELATIONSHIPS

TWINS = b"twin/"
_PROPERTIES = b"property/"
_SECTIONS = tuple([f"{section.value}/".encode() for section in Section])


def twin_key(twin_id: TwinId) -> bytes:
    """The twin's own leaf."""
    return f"twin/{twin_id}".encode()


def properties_prefix(twin_id: TwinId) -> bytes:
    """Before the keys of all of a twin's properties."""
    return f"property/{twin_id}/".encode()


def property_key(twin_id: TwinId, section: Section, path: str) -> bytes:
    """One property's record."""
    return f"property/{twin_id}/{section.value}/{path}".encode()


def property_leaf_key(section: Section, path: str) -> bytes:
    """One property's leaf in its twin's tree."""
    return f"{section.value}/{path}".encode()


def relationships_prefix(twin_id: TwinId) -> bytes:
    """Before the keys of all of a twin's outgoing relationships."""
    return f"relationship/{twin_id}/".encode()


def relationship_key(twin_id: TwinId, name: RelationshipName, target_id: TwinId) -> bytes:
    """One relationship's record."""
    return f"relationship/{twin_id}/{name}/{target_id}".encode()


def relationship_leaf_key(name: RelationshipName, target_id: TwinId) -> bytes:
    """One relationship's leaf in its twin's tree."""
    return f"relationship/{name}/{target_id}".encode()


class LeafPlace(NamedTuple):
    """Where a record of the state stands as a leaf: in which twin's tree, and at which key."""

    twin_id: TwinId
    key: bytes


def is_twin_leaf(key: bytes) -> bool:
    """Whether a record of the state is a leaf of a twin's tree, and so none of the state tree."""
    return key.startswith((_PROPERTIES, RELATIONSHIPS))


def leaf_place(key: bytes) -> LeafPlace | None:
    """The place of a record in a twin's tree; None for a leaf of the state tree."""
    if key.startswith(_PROPERTIES):
        _, twin_id, leaf = key.split(b"/", 2)
        return LeafPlace(TwinId(twin_id.decode()), leaf)
    if key.startswith(RELATIONSHIPS):
        _, twin_id, leaf = key.split(b"/", 2)
        return LeafPlace(TwinId(twin_id.decode()), RELATIONSHIPS + leaf)
    return None


def leaf_record_key(place: LeafPlace) -> bytes | None:
    """Where the state has the record of a leaf; None for a key that no leaf ever has."""
    twin_id, key = place.twin_id.encode(), place.key
    if key.startswith(_SECTIONS):
        return _PROPERTIES + twin_id + b"/" + key
    if key.startswith(RELATIONSHIPS):
        return RELATIONSHIPS + twin_id + key[len(RELATIONSHIPS) - 1 :]
    return None
