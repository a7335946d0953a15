"""Operations about who may do what to a twin, and whose it is, read from the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twinledger.ledger import access, names
from twinledger.ledger.access import Effect, PolicyPath, Rule, SignOff, Subject
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import MemberName, TwinId
from twinledger.v1 import operation_pb2


@dataclass(frozen=True, slots=True)
class PutAccessRule:
    """Puts a rule into a twin's policy."""

    twin_id: TwinId
    expected_version: int | None
    observed_at_us: int | None
    rule: Rule


@dataclass(frozen=True, slots=True)
class DeleteAccessRule:
    """Takes a rule out of a twin's policy."""

    twin_id: TwinId
    expected_version: int | None
    observed_at_us: int | None
    path: PolicyPath
    subject: Subject
    effect: Effect


@dataclass(frozen=True, slots=True)
class PutSignOff:
    """Demands several signatures for a part of a twin."""

    twin_id: TwinId
    expected_version: int | None
    observed_at_us: int | None
    sign_off: SignOff


@dataclass(frozen=True, slots=True)
class DeleteSignOff:
    """Demands them no more."""

    twin_id: TwinId
    expected_version: int | None
    observed_at_us: int | None
    path: PolicyPath


@dataclass(frozen=True, slots=True)
class TransferTwin:
    """Hands a twin over to another member."""

    twin_id: TwinId
    expected_version: int | None
    observed_at_us: int | None
    new_owner: MemberName


def read_put_access_rule(message: operation_pb2.PutAccessRule, limits: Limits) -> PutAccessRule:
    """Raises BAD_TWIN_ID, BAD_POLICY_PATH, BAD_SUBJECT or BAD_RULE."""
    return PutAccessRule(*_about(message), access.read_rule(message.rule, limits))


def read_delete_access_rule(
    message: operation_pb2.DeleteAccessRule, limits: Limits
) -> DeleteAccessRule:
    """Raises BAD_TWIN_ID, BAD_POLICY_PATH, BAD_SUBJECT or BAD_RULE."""
    return DeleteAccessRule(
        *_about(message),
        access.read_path(message.path, limits),
        Subject.parse(message.subject),
        access.read_effect(message.effect),
    )


def read_put_sign_off(message: operation_pb2.PutSignOff, limits: Limits) -> PutSignOff:
    """Raises BAD_TWIN_ID, BAD_POLICY_PATH, BAD_SUBJECT, BAD_RULE or BAD_SIGN_OFF."""
    return PutSignOff(*_about(message), access.read_sign_off(message.sign_off, limits))


def read_delete_sign_off(message: operation_pb2.DeleteSignOff, limits: Limits) -> DeleteSignOff:
    """Raises BAD_TWIN_ID or BAD_POLICY_PATH."""
    return DeleteSignOff(*_about(message), access.read_path(message.path, limits))


def read_transfer(message: operation_pb2.TransferTwin, _limits: Limits) -> TransferTwin:
    """Raises BAD_TWIN_ID or BAD_MEMBER."""
    return TransferTwin(*_about(message), names.member(message.new_owner))


def _about(message: Any) -> tuple[TwinId, int | None, int | None]:
    """What every operation on a twin begins with: its id, the version expected, when seen."""
    return (
        names.twin_id(message.twin_id),
        message.expected_version if message.HasField("expected_version") else None,
        message.observed_at_us if message.HasField("observed_at_us") else None,
    )
