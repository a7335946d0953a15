"""Builds the operations about who may do what to a twin, and whose it is."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from twinledger.client.building import checked
from twinledger.client.values import microseconds
from twinledger.ledger.access import Effect, Permission
from twinledger.v1 import access_pb2, operation_pb2


@checked
def rule(
    subject: str,
    permissions: Iterable[Permission],
    *,
    path: str = "",
    effect: Effect = Effect.GRANT,
    expires_at: datetime | int | None = None,
) -> access_pb2.AccessRule:
    """A rule: gives permissions to a subject at and below a path, or takes them away."""
    return access_pb2.AccessRule(
        path=path,
        subject=subject,
        effect=access_pb2.Effect.ValueType(effect),
        permissions=_numbers(permissions),
        expires_at_us=_optional(expires_at),
    )


@checked
def sign_off(
    required: int,
    parties: Sequence[str],
    permissions: Iterable[Permission],
    *,
    path: str = "",
    expires_at: datetime | int | None = None,
) -> access_pb2.SignOff:
    """A sign-off: so many of the parties must sign what is done at and below a path."""
    return access_pb2.SignOff(
        path=path,
        permissions=_numbers(permissions),
        required=required,
        parties=parties,
        expires_at_us=_optional(expires_at),
    )


@checked
def put_rule(
    twin_id: str, rule: access_pb2.AccessRule, *, expected_version: int | None = None
) -> operation_pb2.Operation:
    """Puts a rule into a twin's policy, in place of one with its path, subject and effect."""
    return operation_pb2.Operation(
        put_access_rule=operation_pb2.PutAccessRule(
            twin_id=twin_id, rule=rule, expected_version=expected_version
        )
    )


@checked
def delete_rule(
    twin_id: str,
    subject: str,
    *,
    path: str = "",
    effect: Effect = Effect.GRANT,
    expected_version: int | None = None,
) -> operation_pb2.Operation:
    """Takes a rule out of a twin's policy."""
    return operation_pb2.Operation(
        delete_access_rule=operation_pb2.DeleteAccessRule(
            twin_id=twin_id,
            path=path,
            subject=subject,
            effect=access_pb2.Effect.ValueType(effect),
            expected_version=expected_version,
        )
    )


@checked
def put_sign_off(
    twin_id: str, sign_off: access_pb2.SignOff, *, expected_version: int | None = None
) -> operation_pb2.Operation:
    """Demands several signatures for a part of a twin."""
    return operation_pb2.Operation(
        put_sign_off=operation_pb2.PutSignOff(
            twin_id=twin_id, sign_off=sign_off, expected_version=expected_version
        )
    )


@checked
def delete_sign_off(
    twin_id: str, *, path: str = "", expected_version: int | None = None
) -> operation_pb2.Operation:
    """Demands them no more."""
    return operation_pb2.Operation(
        delete_sign_off=operation_pb2.DeleteSignOff(
            twin_id=twin_id, path=path, expected_version=expected_version
        )
    )


@checked
def transfer_twin(
    twin_id: str, new_owner: str, *, expected_version: int | None = None
) -> operation_pb2.Operation:
    """Hands a twin over to another member, of which an admin or operator must sign too."""
    return operation_pb2.Operation(
        transfer_twin=operation_pb2.TransferTwin(
            twin_id=twin_id, new_owner=new_owner, expected_version=expected_version
        )
    )


def _numbers(permissions: Iterable[Permission]) -> list[access_pb2.Permission.ValueType]:
    return [
        access_pb2.Permission.Value(f"PERMISSION_{each.name}")
        for permission in permissions
        for each in Permission
        if each in permission
    ]


def _optional(time: datetime | int | None) -> int | None:
    return None if time is None else microseconds(time)
