"""Twins as a node tells them: what they are, how they came to be so, what they touch."""

from collections.abc import Sequence
from dataclasses import dataclass

from twinledger.client.operations import Operation
from twinledger.client.receipts import Cursor
from twinledger.client.values import PropertyValue, from_message
from twinledger.ledger.operations import Section
from twinledger.v1 import operation_pb2, twin_service_pb2


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something came from: two clocks, the device's and the ledger's.

    Attributes:
        transaction_id: The transaction that wrote it, 32 bytes.
        authors: Who signed that transaction, member/name each, in order.
        observed_at_us: The device's time, microseconds since 1970; None when not stated.
        block_time_us: The block's time, microseconds since 1970.
        cursor: Where the transaction stands in the chain.
    """

    transaction_id: bytes
    authors: tuple[str, ...]
    observed_at_us: int | None
    block_time_us: int
    cursor: Cursor

    @classmethod
    def from_message(cls, message: twin_service_pb2.Origin) -> "Origin":
        """Reads it from the wire."""
        return cls(
            message.transaction_id,
            tuple(message.authors),
            message.observed_at_us if message.HasField("observed_at_us") else None,
            message.block_time_us,
            Cursor.from_message(message.cursor),
        )


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a twin."""

    path: str
    section: Section
    value: PropertyValue
    origin: Origin

    @classmethod
    def from_message(cls, message: twin_service_pb2.Property) -> "Property":
        """Reads it from the wire."""
        desired = message.section == operation_pb2.SECTION_DESIRED
        return cls(
            message.path,
            Section.DESIRED if desired else Section.REPORTED,
            from_message(message.value),
            Origin.from_message(message.origin),
        )


@dataclass(frozen=True, slots=True)
class Relationship:
    """One outgoing relationship of a twin."""

    name: str
    target_id: str
    origin: Origin

    @classmethod
    def from_message(cls, message: twin_service_pb2.Relationship) -> "Relationship":
        """Reads it from the wire."""
        return cls(message.name, message.target_id, Origin.from_message(message.origin))


@dataclass(frozen=True, slots=True)
class Twin:
    """A twin at a height.

    Attributes:
        id: Its id.
        model: What kind of thing it is.
        owner: The member that owns it.
        version: How many updates it has had; 1 after its creation.
        history_head: The hash chain over all its updates, 32 bytes.
        retired: Whether its life has ended.
        successor: The twin that took its place, or None.
        properties: Ordered by section and path; a list of twins leaves them out.
        relationships: Outgoing, ordered by name and target; a list of twins leaves them out.
        height: The height it was read at.
        partial: Whether it has properties or relationships that this identity may not read.
    """

    id: str
    model: str
    owner: str
    version: int
    history_head: bytes
    retired: bool
    successor: str | None
    properties: tuple[Property, ...]
    relationships: tuple[Relationship, ...]
    height: int
    partial: bool = False

    @property
    def reported(self) -> dict[str, PropertyValue]:
        """What its devices report, by path."""
        return self._values(Section.REPORTED)

    @property
    def desired(self) -> dict[str, PropertyValue]:
        """What somebody wants it to be, by path."""
        return self._values(Section.DESIRED)

    def _values(self, section: Section) -> dict[str, PropertyValue]:
        return {each.path: each.value for each in self.properties if each.section is section}

    @classmethod
    def from_message(cls, message: twin_service_pb2.Twin, height: int) -> "Twin":
        """Reads it from the wire."""
        return cls(
            message.twin_id,
            message.model,
            message.owner,
            message.version,
            message.history_head,
            message.retired,
            message.successor_id or None,
            tuple(Property.from_message(each) for each in message.properties),
            tuple(Relationship.from_message(each) for each in message.relationships),
            height,
            message.partial,
        )


@dataclass(frozen=True, slots=True)
class TwinUpdate:
    """One update of one twin, as history and watch tell it.

    Attributes:
        twin_id: The twin.
        version: Its version after the update.
        operation: The operation, as it was signed.
        operation_index: Which operation of its transaction it was, from 0.
        origin: Who, when and where in the chain.
        cursor: Where to resume once this update is dealt with. It lies before the update's own
            transaction while more of that transaction's updates follow, so that resuming repeats
            those already seen rather than drop the others.
        withheld: Whether this identity may not read all of the operation, and so is shown a part of
            it or nothing. Where reads are verified it is nothing, and that there was an update of
            this version, and where, is the node's word.
    """

    twin_id: str
    version: int
    operation: Operation
    operation_index: int
    origin: Origin
    cursor: Cursor
    withheld: bool = False

    @classmethod
    def from_message(
        cls, message: twin_service_pb2.TwinUpdate, resume_at: Cursor | None = None
    ) -> "TwinUpdate":
        """Reads it from the wire; without `resume_at` its own place is where to resume."""
        origin = Origin.from_message(message.origin)
        return cls(
            message.twin_id,
            message.version,
            message.operation,
            message.operation_index,
            origin,
            resume_at or origin.cursor,
            message.withheld,
        )


def updates_of_block(
    messages: Sequence[twin_service_pb2.TwinUpdate], before: Cursor
) -> list[TwinUpdate]:
    """Reads a block's updates, each with the cursor that resumes without dropping any.

    Args:
        messages: The updates, in chain order.
        before: The last place that was dealt with before them.
    """
    found = []
    done = before
    for position, message in enumerate(messages):
        here = Cursor.from_message(message.origin.cursor)
        following = messages[position + 1 : position + 2]
        if not any(Cursor.from_message(each.origin.cursor) == here for each in following):
            done = here
        found.append(TwinUpdate.from_message(message, resume_at=done))
    return found


@dataclass(frozen=True, slots=True)
class TracedTwin:
    """A twin that a trace reached, and in how few steps."""

    id: str
    model: str
    depth: int


@dataclass(frozen=True, slots=True)
class TracedRelationship:
    """A relationship that a trace followed."""

    source_id: str
    name: str
    target_id: str


@dataclass(frozen=True, slots=True)
class Trace:
    """What lies up or down the relationships of a twin.

    Attributes:
        twins: Nearest first; the start itself at depth 0.
        relationships: Those between them.
        truncated: Whether a limit cut the search short.
        height: The height it was read at.
    """

    twins: tuple[TracedTwin, ...]
    relationships: tuple[TracedRelationship, ...]
    truncated: bool
    height: int

    @classmethod
    def from_message(cls, message: twin_service_pb2.TraceResponse) -> "Trace":
        """Reads it from the wire."""
        return cls(
            tuple(TracedTwin(each.twin_id, each.model, each.depth) for each in message.twins),
            tuple(
                TracedRelationship(each.source_id, each.name, each.target_id)
                for each in message.relationships
            ),
            message.truncated,
            message.height,
        )
