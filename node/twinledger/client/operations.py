"""Builds operations: what a transaction asks the ledger to do.

Each function returns one `Operation` of the wire contract; `ledger.submit(*operations)` makes
several succeed or fail together.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from twinledger.client.building import checked
from twinledger.client.values import Value, microseconds, to_message
from twinledger.ledger.operations import Role, Section
from twinledger.v1 import operation_pb2

Operation: TypeAlias = operation_pb2.Operation
Change: TypeAlias = operation_pb2.PropertyChange

_SECTIONS = {
    Section.REPORTED: operation_pb2.SECTION_REPORTED,
    Section.DESIRED: operation_pb2.SECTION_DESIRED,
}


@checked
def set_property(path: str, value: Value, section: Section = Section.REPORTED) -> Change:
    """Sets a property to a value."""
    return Change(path=path, section=_SECTIONS[section], set=to_message(value))


@checked
def delete_property(path: str, section: Section = Section.REPORTED) -> Change:
    """Deletes a property, which must exist."""
    return Change(path=path, section=_SECTIONS[section], delete=True)


@checked
def increment_property(path: str, amount: float, section: Section = Section.REPORTED) -> Change:
    """Adds to an int or a double; the amount has the property's type."""
    return Change(path=path, section=_SECTIONS[section], increment=to_message(amount))


def changes_of(
    reported: Mapping[str, Value] | None = None,
    desired: Mapping[str, Value] | None = None,
    delete: Iterable[str] = (),
    increment: Mapping[str, float] | None = None,
) -> list[Change]:
    """The usual changes in their usual order: deletions, values, increments, desired values."""
    return [
        *(delete_property(path) for path in delete),
        *(set_property(path, value) for path, value in (reported or {}).items()),
        *(increment_property(path, amount) for path, amount in (increment or {}).items()),
        *(set_property(path, value, Section.DESIRED) for path, value in (desired or {}).items()),
    ]


@checked
def create_twin(
    twin_id: str,
    changes: Iterable[Change] = (),
    *,
    model: str = "",
    observed_at: datetime | int | None = None,
) -> Operation:
    """Creates a twin, owned by the member of the transaction's first author."""
    return Operation(
        create_twin=operation_pb2.CreateTwin(
            twin_id=twin_id, model=model, changes=changes, observed_at_us=_optional(observed_at)
        )
    )


@checked
def update_twin(
    twin_id: str,
    changes: Iterable[Change],
    *,
    expected_version: int | None = None,
    observed_at: datetime | int | None = None,
) -> Operation:
    """Changes properties of a twin, in the order listed."""
    return Operation(
        update_twin=operation_pb2.UpdateTwin(
            twin_id=twin_id,
            changes=changes,
            expected_version=expected_version,
            observed_at_us=_optional(observed_at),
        )
    )


@checked
def relate(
    source_id: str,
    name: str,
    target_id: str,
    *,
    expected_version: int | None = None,
    observed_at: datetime | int | None = None,
) -> Operation:
    """Adds a relationship from one twin to another."""
    return Operation(
        relate=operation_pb2.Relate(
            source_id=source_id,
            name=name,
            target_id=target_id,
            expected_version=expected_version,
            observed_at_us=_optional(observed_at),
        )
    )


@checked
def unrelate(
    source_id: str,
    name: str,
    target_id: str,
    *,
    expected_version: int | None = None,
    observed_at: datetime | int | None = None,
) -> Operation:
    """Removes a relationship."""
    return Operation(
        unrelate=operation_pb2.Unrelate(
            source_id=source_id,
            name=name,
            target_id=target_id,
            expected_version=expected_version,
            observed_at_us=_optional(observed_at),
        )
    )


@checked
def retire_twin(
    twin_id: str,
    *,
    successor: str = "",
    expected_version: int | None = None,
    observed_at: datetime | int | None = None,
) -> Operation:
    """Ends a twin's life; it can be read for ever and never changed again."""
    return Operation(
        retire_twin=operation_pb2.RetireTwin(
            twin_id=twin_id,
            successor_id=successor,
            expected_version=expected_version,
            observed_at_us=_optional(observed_at),
        )
    )


@checked
def admit_identity(
    identity: str,
    public_key: bytes,
    role: Role,
    valid_from: datetime | int = 0,
    valid_until: datetime | int = 0,
) -> Operation:
    """Admits an identity (member/name) of the author's own member.

    It may sign from the block time `valid_from` on and until before `valid_until`; 0 sets no bound,
    and an admin has none.
    """
    return Operation(
        admit_identity=operation_pb2.AdmitIdentity(
            identity=identity,
            public_key=public_key,
            role=operation_pb2.Role.ValueType(role),
            valid_from_us=microseconds(valid_from),
            valid_until_us=microseconds(valid_until),
        )
    )


@checked
def revoke_identity(identity: str) -> Operation:
    """Revokes an identity for ever."""
    return Operation(revoke_identity=operation_pb2.RevokeIdentity(identity=identity))


def _optional(time: datetime | int | None) -> int | None:
    return None if time is None else microseconds(time)
