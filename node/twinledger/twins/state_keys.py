"""Where the agreed state keeps what belongs to a twin. Ids hold no '/', so keys never collide."""

from __future__ import annotations

from twinledger.ledger.names import RelationshipName, TwinId
from twinledger.ledger.operations import Section

TWINS = b"twin/"


def twin_key(twin_id: TwinId) -> bytes:
    """The twin's own leaf."""
    return f"twin/{twin_id}".encode()


def properties_prefix(twin_id: TwinId) -> bytes:
    """Before the keys of all of a twin's properties."""
    return f"property/{twin_id}/".encode()


def property_key(twin_id: TwinId, section: Section, path: str) -> bytes:
    """One property's leaf."""
    return f"property/{twin_id}/{section.value}/{path}".encode()


def relationships_prefix(twin_id: TwinId) -> bytes:
    """Before the keys of all of a twin's outgoing relationships."""
    return f"relationship/{twin_id}/".encode()


def relationship_key(twin_id: TwinId, name: RelationshipName, target_id: TwinId) -> bytes:
    """One relationship's leaf."""
    return f"relationship/{twin_id}/{name}/{target_id}".encode()
