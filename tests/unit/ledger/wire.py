"""Operations as a client builds them, for tests of every layer."""

from collections.abc import Sequence
from typing import Any, cast

from twinledger.ledger.access import Effect, Permission
from twinledger.ledger.canonical import CanonicalValue
from twinledger.ledger.operations import Role
from twinledger.ledger.values import to_wire
from twinledger.v1 import access_pb2
from twinledger.v1.operation_pb2 import (
    SECTION_UNSPECIFIED,
    AdmitIdentity,
    CreateTwin,
    DeleteAccessRule,
    DeleteSignOff,
    Operation,
    PropertyChange,
    PutAccessRule,
    PutSignOff,
    Relate,
    RetireTwin,
    RevokeIdentity,
    Section,
    TransferTwin,
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


def put_rule(
    twin_id: str,
    subject: str,
    *permissions: Permission,
    path: str = "",
    effect: Effect = Effect.GRANT,
    expires: int | None = None,
) -> Operation:
    rule = access_pb2.AccessRule(
        path=path,
        subject=subject,
        effect=cast("Any", effect.value),
        permissions=_numbers(permissions),
        expires_at_us=expires,
    )
    return Operation(put_access_rule=PutAccessRule(twin_id=twin_id, rule=rule))


def delete_rule(
    twin_id: str, subject: str, path: str = "", effect: Effect = Effect.GRANT
) -> Operation:
    number = cast("Any", effect.value)
    message = DeleteAccessRule(twin_id=twin_id, path=path, subject=subject, effect=number)
    return Operation(delete_access_rule=message)


def put_sign_off(
    twin_id: str,
    required: int,
    parties: Sequence[str],
    *permissions: Permission,
    path: str = "",
    expires: int | None = None,
) -> Operation:
    sign_off = access_pb2.SignOff(
        path=path,
        permissions=_numbers(permissions),
        required=required,
        parties=parties,
        expires_at_us=expires,
    )
    return Operation(put_sign_off=PutSignOff(twin_id=twin_id, sign_off=sign_off))


def delete_sign_off(twin_id: str, path: str = "") -> Operation:
    return Operation(delete_sign_off=DeleteSignOff(twin_id=twin_id, path=path))


def transfer(twin_id: str, new_owner: str, expected: int | None = None) -> Operation:
    message = TransferTwin(twin_id=twin_id, new_owner=new_owner, expected_version=expected)
    return Operation(transfer_twin=message)


def _numbers(permissions: Sequence[Permission]) -> Any:
    return [permission.value.bit_length() for permission in permissions]
