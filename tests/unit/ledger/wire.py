"""Operations as a client builds them, for tests of every layer."""

from typing import Any, cast

from twinledger.ledger.canonical import CanonicalValue
from twinledger.ledger.operations import Role
from twinledger.ledger.values import to_wire
from twinledger.v1.operation_pb2 import (
    SECTION_UNSPECIFIED,
    AdmitIdentity,
    CreateTwin,
    Operation,
    PropertyChange,
    Relate,
    RetireTwin,
    RevokeIdentity,
    Section,
    Unrelate,
    UpdateTwin,
)


def set_(
    path: str, value: CanonicalValue, section: Section.ValueType = SECTION_UNSPECIFIED
) -> PropertyChange:
    return PropertyChange(path=path, section=section, set=to_wire(value))


def delete(path: str) -> PropertyChange:
    return PropertyChange(path=path, delete=True)


def increment(path: str, amount: CanonicalValue) -> PropertyChange:
    return PropertyChange(path=path, increment=to_wire(amount))


def create(twin_id: str, *changes: PropertyChange, model: str = "") -> Operation:
    return Operation(create_twin=CreateTwin(twin_id=twin_id, model=model, changes=changes))


def update(
    twin_id: str,
    *changes: PropertyChange,
    expected: int | None = None,
    observed: int | None = None,
) -> Operation:
    return Operation(
        update_twin=UpdateTwin(
            twin_id=twin_id, changes=changes, expected_version=expected, observed_at_us=observed
        )
    )


def relate(source: str, name: str, target: str, expected: int | None = None) -> Operation:
    return Operation(
        relate=Relate(source_id=source, name=name, target_id=target, expected_version=expected)
    )


def unrelate(source: str, name: str, target: str, expected: int | None = None) -> Operation:
    return Operation(
        unrelate=Unrelate(source_id=source, name=name, target_id=target, expected_version=expected)
    )


def retire(twin_id: str, successor: str = "", expected: int | None = None) -> Operation:
    return Operation(
        retire_twin=RetireTwin(twin_id=twin_id, successor_id=successor, expected_version=expected)
    )


def admit(identity: str, public_key: bytes, role: Role) -> Operation:
    return Operation(
        admit_identity=AdmitIdentity(
            identity=identity, public_key=public_key, role=cast("Any", role.value)
        )
    )


def revoke(identity: str) -> Operation:
    return Operation(revoke_identity=RevokeIdentity(identity=identity))
