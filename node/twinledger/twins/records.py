"""A twin's records in the agreed state: itself, its properties, its relationships, their origins.

A property's or a relationship's record is kept with the salt of its leaf in the twin's tree. What
the leaf hashes is the record without it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from twinledger.ledger.canonical import CanonicalValue, MapForm, Timestamp, encode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import (
    IdentityName,
    MemberName,
    PropertyPath,
    RelationshipName,
    TwinId,
)
from twinledger.ledger.operations import Section
from twinledger.ledger.state import decode_leaf, split_leaf, take_out_of_leaf
from twinledger.ledger.state_tree_page import Branch
from twinledger.ledger.transaction import TransactionId
from twinledger.twins.tree import RELATIONSHIPS, TwinLeaf

_TWIN = MapForm(
    history=bytes,
    model=str,
    owner=str,
    properties=int,
    property_height=int,
    property_root=bytes,
    retired=bool,
    successor=str,
    version=int,
)
_ORIGIN = MapForm(
    authors=list,
    block_time=Timestamp,
    height=int,
    index=int,
    observed_at=object,
    transaction=bytes,
)
_PROPERTY = MapForm(origin=dict, salt=bytes, value=object)
_RELATIONSHIP = MapForm(origin=dict, salt=bytes)
_SALT_PLACE = 1


@dataclass(frozen=True, slots=True)
class Twin:
    """A twin's own leaf.

    Attributes:
        twin_id: Its id.
        model: What kind of thing it is.
        owner: The member that owns it.
        version: How many updates it has had; 1 after its creation.
        history_head: The hash chain over all its updates.
        retired: Whether its life has ended.
        successor_id: The twin that took its place.
        property_count: How many properties it has, both sections together.
        property_root: The root of its tree: of its properties and relationships.
        property_height: The block that last changed that tree; 0 when none ever did.
    """

    twin_id: TwinId
    model: str
    owner: MemberName
    version: int
    history_head: bytes
    retired: bool
    successor_id: TwinId | None
    property_count: int
    property_root: bytes
    property_height: int

    @property
    def tree(self) -> Branch:
        """The root of its tree, and the block that wrote its page."""
        return Branch(self.property_root, self.property_height)

    def with_tree(self, tree: Branch) -> Twin:
        """The twin with another tree."""
        return replace(self, property_root=tree.hash, property_height=tree.height)

    def encode(self) -> bytes:
        """The canonical leaf."""
        return _TWIN.encode(
            self.history_head,
            self.model,
            self.owner,
            self.property_count,
            self.property_height,
            self.property_root,
            self.retired,
            self.successor_id or "",
            self.version,
        )

    @classmethod
    def decode(cls, twin_id: TwinId, raw: bytes) -> Twin:
        """Reads the canonical leaf, or raises DATA_DAMAGED."""
        head, model, owner, count, height, root, retired, successor, version = split_leaf(
            _TWIN, raw
        )
        return cls(
            twin_id, model, owner, version, head, retired, successor or None, count, root, height
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something in the state came from: two clocks, the device's and the ledger's.

    Attributes:
        transaction_id: The transaction that wrote it.
        authors: Who signed that transaction, in order.
        observed_at_us: The device's time; None when it was not stated.
        block_time_us: The block's time.
        height: The block.
        index: The transaction's place in the block.
    """

    transaction_id: TransactionId
    authors: tuple[IdentityName, ...]
    observed_at_us: int | None
    block_time_us: int
    height: int
    index: int

    def encode(self) -> bytes:
        """The canonical map."""
        observed = None if self.observed_at_us is None else Timestamp(self.observed_at_us)
        return _ORIGIN.encode(
            list(self.authors),
            Timestamp(self.block_time_us),
            self.height,
            self.index,
            observed,
            self.transaction_id,
        )

    @classmethod
    def read(cls, value: CanonicalValue) -> Origin:
        """Reads the canonical map, or raises DATA_DAMAGED."""
        match value:
            case {
                "transaction": bytes(transaction_id),
                "authors": list(authors),
                "observed_at": Timestamp() | None as observed,
                "block_time": Timestamp(block_time_us),
                "height": int(height),
                "index": int(index),
            }:
                return cls(
                    TransactionId(transaction_id),
                    tuple([IdentityName(str(author)) for author in authors]),
                    None if observed is None else observed.us,
                    block_time_us,
                    height,
                    index,
                )
            case _:
                raise LedgerError(Code.DATA_DAMAGED, "the record of an origin")


@dataclass(frozen=True, slots=True)
class Property:
    """One property with the origin of its value."""

    path: PropertyPath
    section: Section
    value: CanonicalValue
    origin: Origin

    @classmethod
    def decode(cls, path: PropertyPath, section: Section, raw: bytes) -> Property:
        """Reads the record in the state, or raises DATA_DAMAGED."""
        origin, _, value = split_leaf(_PROPERTY, raw)
        return cls(path, section, value, Origin.read(origin))


@dataclass(frozen=True, slots=True)
class Relationship:
    """One outgoing relationship with its origin."""

    name: RelationshipName
    target_id: TwinId
    origin: Origin

    @classmethod
    def decode(cls, name: RelationshipName, target_id: TwinId, raw: bytes) -> Relationship:
        """Reads the record in the state, or raises DATA_DAMAGED."""
        origin, _ = split_leaf(_RELATIONSHIP, raw)
        return cls(name, target_id, Origin.read(origin))


def encode_property(value: CanonicalValue, origin: bytes, salt: bytes) -> bytes:
    """A property's record, with an encoded origin: all changes of one operation share it."""
    return _PROPERTY.join(origin, encode(salt), encode(value))


def property_value(raw: bytes) -> CanonicalValue:
    """The value in a property's record, or DATA_DAMAGED."""
    value: CanonicalValue = split_leaf(_PROPERTY, raw)[2]
    return value


def encode_relationship(origin: bytes, salt: bytes) -> bytes:
    """A relationship's record, with an encoded origin."""
    return _RELATIONSHIP.join(origin, encode(salt))


def twin_leaf(key: bytes, raw: bytes) -> TwinLeaf:
    """The leaf of a twin's tree at a key, of its record in the state, or DATA_DAMAGED."""
    form = _RELATIONSHIP if key.startswith(RELATIONSHIPS) else _PROPERTY
    salt, record = take_out_of_leaf(form, raw, _SALT_PLACE)
    return TwinLeaf(key, salt, record)


def written_height(leaf: TwinLeaf) -> int:
    """The block that wrote a leaf of a twin's tree, or DATA_DAMAGED."""
    match decode_leaf(leaf.record):
        case {"origin": origin}:
            return Origin.read(origin).height
        case _:
            raise LedgerError(Code.DATA_DAMAGED, "the record of a twin's leaf")
