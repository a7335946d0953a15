"""What a transaction may ask for, as values, read from the wire.

Reading makes every check that needs no state, so that an operation in hand is well-formed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, TypeAlias

from twinledger.ledger import access_operations, governance_operations, keys, names
from twinledger.ledger.access_operations import (
    DeleteAccessRule,
    DeleteSignOff,
    PutAccessRule,
    PutSignOff,
    TransferTwin,
)
from twinledger.ledger.canonical import CanonicalValue
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.governance_operations import (
    BringNode,
    Propose,
    ReplaceNode,
    SubmitEvidence,
    UpdateNode,
    Vote,
    Withdraw,
)
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import IdentityName, PropertyPath, RelationshipName, TwinId
from twinledger.ledger.roles import Role as Role  # noqa: PLC0414 - admitting an identity names one
from twinledger.ledger.values import from_wire
from twinledger.v1 import operation_pb2


class Section(StrEnum):
    """The two sides of a twin."""

    REPORTED = "reported"
    DESIRED = "desired"


class ChangeKind(Enum):
    """What happens to a property."""

    SET = "set"
    DELETE = "delete"
    INCREMENT = "increment"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one property; the value is None for a deletion."""

    path: PropertyPath
    section: Section
    kind: ChangeKind
    value: CanonicalValue


@dataclass(frozen=True, slots=True)
class CreateTwin:
    """Creates a twin with its first properties."""

    twin_id: TwinId
    model: str
    changes: tuple[Change, ...]
    observed_at_us: int | None


@dataclass(frozen=True, slots=True)
class UpdateTwin:
    """Changes properties of a twin, in order."""

    twin_id: TwinId
    expected_version: int | None
    observed_at_us: int | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Relate:
    """Adds a relationship."""

    source_id: TwinId
    name: RelationshipName
    target_id: TwinId
    expected_version: int | None
    observed_at_us: int | None


@dataclass(frozen=True, slots=True)
class Unrelate:
    """Removes a relationship."""

    source_id: TwinId
    name: RelationshipName
    target_id: TwinId
    expected_version: int | None
    observed_at_us: int | None


@dataclass(frozen=True, slots=True)
class RetireTwin:
    """Ends a twin's life."""

    twin_id: TwinId
    successor_id: TwinId | None
    expected_version: int | None
    observed_at_us: int | None


@dataclass(frozen=True, slots=True)
class AdmitIdentity:
    """Admits an identity of the author's member.

    It may sign from `valid_from_us` on and until before `valid_until_us`, block times in
    microseconds since 1970; 0 sets no bound.
    """

    identity: IdentityName
    public_key: bytes
    role: Role
    valid_from_us: int = 0
    valid_until_us: int = 0


@dataclass(frozen=True, slots=True)
class RevokeIdentity:
    """Revokes an identity of the author's member."""

    identity: IdentityName


@dataclass(frozen=True, slots=True)
class RotateKey:
    """Gives an identity another key."""

    identity: IdentityName
    public_key: bytes


Operation: TypeAlias = (
    CreateTwin
    | UpdateTwin
    | Relate
    | Unrelate
    | RetireTwin
    | PutAccessRule
    | DeleteAccessRule
    | PutSignOff
    | DeleteSignOff
    | TransferTwin
    | AdmitIdentity
    | RevokeIdentity
    | RotateKey
    | Propose
    | Vote
    | Withdraw
    | UpdateNode
    | ReplaceNode
    | BringNode
    | SubmitEvidence
)


def read_operation(message: operation_pb2.Operation, limits: Limits) -> Operation:
    """Reads one operation from the wire.

    Raises:
        LedgerError: UNKNOWN_OPERATION, or the code of what is wrong inside.
    """
    kind = message.WhichOneof("kind")
    if kind is None:
        raise LedgerError(Code.UNKNOWN_OPERATION)
    return _READERS[kind](getattr(message, kind), limits)


def _optional(message: Any, field: str) -> int | None:
    return getattr(message, field) if message.HasField(field) else None


def _read_create(message: operation_pb2.CreateTwin, limits: Limits) -> CreateTwin:
    twin_id = names.twin_id(message.twin_id)
    changes = tuple([_read_change(change, limits) for change in message.changes])
    if any(change.kind is not ChangeKind.SET for change in changes):
        raise LedgerError(Code.BAD_CHANGE, "a new twin's properties can only be set")
    model = names.model(message.model)
    return CreateTwin(twin_id, model, changes, _optional(message, "observed_at_us"))


def _read_update(message: operation_pb2.UpdateTwin, limits: Limits) -> UpdateTwin:
    twin_id = names.twin_id(message.twin_id)
    changes = tuple([_read_change(change, limits) for change in message.changes])
    if not changes:
        raise LedgerError(Code.BAD_CHANGE, "an update needs at least one change")
    return UpdateTwin(
        twin_id,
        _optional(message, "expected_version"),
        _optional(message, "observed_at_us"),
        changes,
    )


def _read_change(message: operation_pb2.PropertyChange, limits: Limits) -> Change:
    path = names.path(message.path, limits.max_path_depth)
    section = _SECTIONS.get(message.section)
    if section is None:
        raise LedgerError(Code.BAD_CHANGE, f"section {message.section} is unknown")
    kind = message.WhichOneof("change")
    if kind == "set":
        return Change(path, section, ChangeKind.SET, from_wire(message.set, limits))
    if kind == "increment":
        return Change(path, section, ChangeKind.INCREMENT, _read_amount(message.increment, limits))
    if kind == "delete" and message.delete:
        return Change(path, section, ChangeKind.DELETE, None)
    raise LedgerError(Code.BAD_CHANGE, "it is neither set, nor delete (true), nor increment")


def _read_amount(message: Any, limits: Limits) -> CanonicalValue:
    amount = from_wire(message, limits)
    if type(amount) is not int and type(amount) is not float:
        raise LedgerError(Code.WRONG_TYPE, "an increment is an int or a double")
    return amount


def _read_relate(message: operation_pb2.Relate, _limits: Limits) -> Relate:
    return Relate(*_read_relationship(message))


def _read_unrelate(message: operation_pb2.Unrelate, _limits: Limits) -> Unrelate:
    return Unrelate(*_read_relationship(message))


def _read_relationship(
    message: operation_pb2.Relate | operation_pb2.Unrelate,
) -> tuple[TwinId, RelationshipName, TwinId, int | None, int | None]:
    return (
        names.twin_id(message.source_id),
        names.relationship(message.name),
        names.twin_id(message.target_id),
        _optional(message, "expected_version"),
        _optional(message, "observed_at_us"),
    )


def _read_retire(message: operation_pb2.RetireTwin, _limits: Limits) -> RetireTwin:
    twin_id = names.twin_id(message.twin_id)
    successor = names.twin_id(message.successor_id) if message.successor_id else None
    if successor == twin_id:
        raise LedgerError(Code.BAD_TWIN_ID, "a twin cannot succeed itself")
    return RetireTwin(
        twin_id,
        successor,
        _optional(message, "expected_version"),
        _optional(message, "observed_at_us"),
    )


def _read_admit(message: operation_pb2.AdmitIdentity, _limits: Limits) -> AdmitIdentity:
    identity = names.identity(message.identity)
    keys.check_public_key(message.public_key)
    role = _ROLES.get(message.role)
    if role is None:
        raise LedgerError(Code.BAD_ROLE, f"role {message.role}")
    since_us, until_us = message.valid_from_us, message.valid_until_us
    if since_us < 0 or until_us < 0 or (until_us and until_us <= since_us):
        raise LedgerError(Code.BAD_VALIDITY, "it would end before it begins")
    if role is Role.ADMIN and (since_us or until_us):
        raise LedgerError(Code.BAD_VALIDITY, "an admin's has no bounds; revoke it instead")
    return AdmitIdentity(identity, message.public_key, role, since_us, until_us)


def _read_revoke(message: operation_pb2.RevokeIdentity, _limits: Limits) -> RevokeIdentity:
    return RevokeIdentity(names.identity(message.identity))


def _read_rotate(message: operation_pb2.RotateKey, _limits: Limits) -> RotateKey:
    keys.check_public_key(message.public_key)
    return RotateKey(names.identity(message.identity), message.public_key)


_ROLES: dict[int, Role] = {role.value: role for role in Role}

_SECTIONS: dict[int, Section] = {
    operation_pb2.SECTION_UNSPECIFIED: Section.REPORTED,
    operation_pb2.SECTION_REPORTED: Section.REPORTED,
    operation_pb2.SECTION_DESIRED: Section.DESIRED,
}

_READERS: dict[str, Callable[[Any, Limits], Operation]] = {
    "create_twin": _read_create,
    "update_twin": _read_update,
    "relate": _read_relate,
    "unrelate": _read_unrelate,
    "retire_twin": _read_retire,
    "put_access_rule": access_operations.read_put_access_rule,
    "delete_access_rule": access_operations.read_delete_access_rule,
    "put_sign_off": access_operations.read_put_sign_off,
    "delete_sign_off": access_operations.read_delete_sign_off,
    "transfer_twin": access_operations.read_transfer,
    "admit_identity": _read_admit,
    "revoke_identity": _read_revoke,
    "rotate_key": _read_rotate,
    "propose": governance_operations.read_propose,
    "vote": governance_operations.read_vote,
    "withdraw": governance_operations.read_withdraw,
    "update_node": governance_operations.read_update_node,
    "replace_node": governance_operations.read_replace_node,
    "submit_evidence": governance_operations.read_submit_evidence,
}
