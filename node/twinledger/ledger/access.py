"""Rules about access as values, read from the wire: subjects, paths, permissions, effects.

Their grammar stands in ``docs/formats``, "Policy". What they decide is ``twins.access``'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import lru_cache
from typing import Any, NewType

from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.roles import Role
from twinledger.v1 import access_pb2

PolicyPath = NewType("PolicyPath", str)
"""A part of a twin, as the keys of its own tree begin; empty for the whole twin."""

WHOLE_TWIN = PolicyPath("")
RELATIONSHIPS = "relationship"
_TOPS = ("", "reported", "desired", RELATIONSHIPS)


class Permission(IntFlag):
    """What may be done; the numbers stand in the state, as one sum."""

    READ = 1
    WRITE = 2
    RELATE = 4
    TRANSFER = 8
    ADMINISTER = 16


class Effect(IntEnum):
    """What a rule does with its permissions; the numbers stand on the wire and in the state."""

    GRANT = 1
    REVOKE = 2


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a rule is about; what is None is not asked for.

    Attributes:
        text: The subject as written, which is how the state keeps it.
        member: Identities of this member only.
        role: Identities of this role only.
        identity: This identity only.
    """

    text: str
    member: MemberName | None = None
    role: Role | None = None
    identity: IdentityName | None = None

    def covers(self, identity: IdentityName, role: Role) -> bool:
        """Whether an identity, in its role, is meant."""
        if self.identity is not None:
            return self.identity == identity
        if self.role is not None and self.role is not role:
            return False
        return self.member is None or self.member == names.member_of(identity)

    @classmethod
    @lru_cache(maxsize=4096)  # the same few stand in nearly every policy
    def parse(cls, text: str) -> Subject:
        """Reads a subject as written, or raises BAD_SUBJECT."""
        found = _SUBJECT.fullmatch(text)
        if found is None:
            raise LedgerError(Code.BAD_SUBJECT, names.shown(text))
        member, identity = found["member"], found["identity"]
        role = found["role"] or found["any_role"]
        return cls(
            text,
            MemberName(member) if member else None,
            Role[role.upper()] if role else None,
            IdentityName(identity) if identity else None,
        )


_ROLES = "|".join(role.name.lower() for role in Role)
_NAME = r"[A-Za-z0-9._-]{1,64}"
_SUBJECT = re.compile(
    rf"everyone(?::(?P<any_role>{_ROLES}))?"
    rf"|member:(?P<member>{_NAME})(?::(?P<role>{_ROLES}))?"
    rf"|identity:(?P<identity>{_NAME}/{_NAME})"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """Gives permissions to a subject at and below a path, or takes them away.

    Attributes:
        path: Where it holds, with everything below.
        subject: For whom.
        effect: Whether it gives or takes.
        permissions: Which.
        expires_at_us: The block time from which on it counts no more; None: it always counts.
    """

    path: PolicyPath
    subject: Subject
    effect: Effect
    permissions: Permission
    expires_at_us: int | None = None


@dataclass(frozen=True, slots=True)
class SignOff:
    """Demands several signatures at and below a path.

    Attributes:
        path: What it guards, with everything below.
        permissions: Which acts take it.
        required: How many of the parties must sign.
        parties: Who may; each author counts for one party at most.
        expires_at_us: The block time from which on it demands nothing; None: it always does.
    """

    path: PolicyPath
    permissions: Permission
    required: int
    parties: tuple[Subject, ...]
    expires_at_us: int | None = None


def in_force(item: Rule | SignOff, time_us: int) -> bool:
    """Whether it counts at a block's time."""
    return item.expires_at_us is None or time_us < item.expires_at_us


def covers(path: str, other: str) -> bool:
    """Whether a path of a policy is another one, or lies above it."""
    return not path or other == path or other.startswith(path + "/")


def depth(path: str) -> int:
    """How many segments a path has; the whole twin has none."""
    return path.count("/") + 1 if path else 0


def read_path(text: str, limits: Limits) -> PolicyPath:
    """Checks a policy's path, or raises BAD_POLICY_PATH."""
    if text in _TOPS:
        return PolicyPath(text)
    section, _, rest = text.partition("/")
    if section not in _TOPS:
        raise LedgerError(Code.BAD_POLICY_PATH, names.shown(text))
    try:
        if section == RELATIONSHIPS:
            _check_relationship(rest)
        else:
            names.path(rest, limits.max_path_depth)
    except LedgerError as error:
        raise LedgerError(Code.BAD_POLICY_PATH, error.detail) from None
    return PolicyPath(text)


def _check_relationship(rest: str) -> None:
    name, slash, target = rest.partition("/")
    names.relationship(name)
    if slash:
        names.twin_id(target)


def read_rule(message: access_pb2.AccessRule, limits: Limits) -> Rule:
    """Reads a rule from the wire.

    Raises:
        LedgerError: BAD_POLICY_PATH, BAD_SUBJECT or BAD_RULE.
    """
    path = read_path(message.path, limits)
    return Rule(
        path,
        Subject.parse(message.subject),
        read_effect(message.effect),
        _read_permissions(message.permissions, path),
        _expiry(message),
    )


def read_effect(number: int) -> Effect:
    """Reads an effect from the wire, or raises BAD_RULE."""
    if number not in _EFFECTS:
        raise LedgerError(Code.BAD_RULE, "a rule grants or revokes")
    return Effect(number)


def read_sign_off(message: access_pb2.SignOff, limits: Limits) -> SignOff:
    """Reads a sign-off from the wire.

    Raises:
        LedgerError: BAD_POLICY_PATH, BAD_SUBJECT, BAD_RULE or BAD_SIGN_OFF.
    """
    path = read_path(message.path, limits)
    permissions = _read_permissions(message.permissions, path)
    parties = tuple([Subject.parse(text) for text in message.parties])
    if Permission.READ in permissions:
        raise LedgerError(Code.BAD_SIGN_OFF, "reading takes no signature")
    if not all(party.member or party.identity for party in parties):
        raise LedgerError(Code.BAD_SIGN_OFF, "a party is a member or an identity")
    if len(set(parties)) != len(parties) or len(parties) > limits.max_authors:
        raise LedgerError(Code.BAD_SIGN_OFF, f"at most {limits.max_authors} parties, each once")
    if not 1 <= message.required <= len(parties):
        said = f"{message.required} signatures of {len(parties)} parties"
        raise LedgerError(Code.BAD_SIGN_OFF, said)
    return SignOff(path, permissions, message.required, parties, _expiry(message))


def _expiry(message: Any) -> int | None:
    return message.expires_at_us if message.HasField("expires_at_us") else None


def _read_permissions(numbers: Iterable[int], path: PolicyPath) -> Permission:
    permissions = Permission(0)
    for number in numbers:
        permission = _PERMISSIONS.get(number)
        if permission is None or permission in permissions:
            raise LedgerError(Code.BAD_RULE, f"permission {number} is unknown, or named twice")
        if not _can_hold(permission, path):
            where = names.shown(path) if path else "the whole twin"
            raise LedgerError(Code.BAD_RULE, f"there is nothing to {permission.name} at {where}")
        permissions |= permission
    if not permissions:
        raise LedgerError(Code.BAD_RULE, "it names no permission")
    return permissions


def _can_hold(permission: Permission, path: PolicyPath) -> bool:
    """A rule that could never decide anything is a mistake, and told so."""
    section = path.partition("/")[0]
    if permission is Permission.WRITE:
        return section != RELATIONSHIPS
    if permission is Permission.RELATE:
        return section in ("", RELATIONSHIPS)
    return permission is not Permission.TRANSFER or path == WHOLE_TWIN


_EFFECTS = frozenset(effect.value for effect in Effect)
_PERMISSIONS: dict[int, Permission] = {
    access_pb2.PERMISSION_READ: Permission.READ,
    access_pb2.PERMISSION_WRITE: Permission.WRITE,
    access_pb2.PERMISSION_RELATE: Permission.RELATE,
    access_pb2.PERMISSION_TRANSFER: Permission.TRANSFER,
    access_pb2.PERMISSION_ADMINISTER: Permission.ADMINISTER,
}
