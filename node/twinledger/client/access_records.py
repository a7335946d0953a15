"""A twin's policy, and why something may be done to it, as a node tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from twinledger.client import access_operations
from twinledger.ledger.access import Effect, Permission
from twinledger.v1 import access_pb2, twin_service_pb2


class Ground(Enum):
    """What a decision rests on."""

    OWNER_ADMIN = "owner_admin"
    """The owner's admins always administer and read."""
    READS_ALL = "reads_all"
    """Admins and auditors of every member read everything."""
    RULE = "rule"
    """A rule of the twin's policy."""
    DEFAULT = "default"
    """A default rule."""
    CLOSED = "closed"
    """No rule grants it."""


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Gives permissions to a subject at and below a path, or takes them away.

    Attributes:
        path: Where it holds; empty for the whole twin.
        subject: For whom, as written.
        effect: Whether it gives or takes.
        permissions: Which.
        expires_at_us: The block time from which on it counts no more, microseconds since 1970.
    """

    path: str
    subject: str
    effect: Effect
    permissions: Permission
    expires_at_us: int | None

    @classmethod
    def from_message(cls, message: access_pb2.AccessRule) -> "AccessRule":
        """Reads it from the wire."""
        return cls(
            message.path,
            message.subject,
            Effect(message.effect),
            _permissions(message.permissions),
            message.expires_at_us if message.HasField("expires_at_us") else None,
        )

    def to_message(self) -> access_pb2.AccessRule:
        """The rule as it was on the wire."""
        return access_operations.rule(
            self.subject,
            self.permissions,
            path=self.path,
            effect=self.effect,
            expires_at=self.expires_at_us,
        )


@dataclass(frozen=True, slots=True)
class SignOff:
    """Demands several signatures at and below a path.

    Attributes:
        path: What it guards; empty for the whole twin.
        permissions: Which acts take it.
        required: How many of the parties must sign.
        parties: Who may, as written; each author counts for one party at most.
        expires_at_us: The block time from which on it demands nothing, microseconds since 1970.
    """

    path: str
    permissions: Permission
    required: int
    parties: tuple[str, ...]
    expires_at_us: int | None

    @classmethod
    def from_message(cls, message: access_pb2.SignOff) -> "SignOff":
        """Reads it from the wire."""
        return cls(
            message.path,
            _permissions(message.permissions),
            message.required,
            tuple(message.parties),
            message.expires_at_us if message.HasField("expires_at_us") else None,
        )

    def to_message(self) -> access_pb2.SignOff:
        """The sign-off as it was on the wire."""
        return access_operations.sign_off(
            self.required,
            self.parties,
            self.permissions,
            path=self.path,
            expires_at=self.expires_at_us,
        )


@dataclass(frozen=True, slots=True)
class TwinPolicy:
    """Who may do what to a twin, beside the default rules.

    Attributes:
        owner: The member that owns the twin.
        rules: In the order of path, subject and effect.
        sign_offs: In the order of path.
        partial: Whether there is more, which the caller may not see.
        height: The height it was read at.
    """

    owner: str
    rules: tuple[AccessRule, ...]
    sign_offs: tuple[SignOff, ...]
    partial: bool
    height: int

    @classmethod
    def from_message(cls, message: twin_service_pb2.GetAccessResponse) -> "TwinPolicy":
        """Reads it from the wire."""
        return cls(
            message.owner,
            tuple(AccessRule.from_message(each) for each in message.rules),
            tuple(SignOff.from_message(each) for each in message.sign_offs),
            message.partial,
            message.height,
        )


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """Whether one thing may be done at a path, and why.

    Attributes:
        permission: What would be done.
        allowed: Whether it may be done.
        ground: What that rests on.
        rule: The rule that decides; None when none does.
        sign_offs: The sign-offs that it takes besides.
    """

    permission: Permission
    allowed: bool
    ground: Ground
    rule: AccessRule | None
    sign_offs: tuple[SignOff, ...]

    @classmethod
    def from_message(cls, message: twin_service_pb2.AccessDecision) -> "AccessDecision":
        """Reads it from the wire."""
        name = twin_service_pb2.Ground.Name(message.ground).removeprefix("GROUND_")
        return cls(
            _permissions([message.permission]),
            message.allowed,
            Ground[name],
            AccessRule.from_message(message.rule) if message.HasField("rule") else None,
            tuple(SignOff.from_message(each) for each in message.sign_offs),
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an identity may do at a path of a twin, one decision for each permission.

    Attributes:
        decisions: In the order of the permissions.
        height: The height they hold at.
    """

    decisions: tuple[AccessDecision, ...]
    height: int

    @classmethod
    def from_message(cls, message: twin_service_pb2.ExplainAccessResponse) -> "Explanation":
        """Reads it from the wire."""
        decisions = tuple(AccessDecision.from_message(each) for each in message.decisions)
        return cls(decisions, message.height)


def _permissions(numbers: Iterable[access_pb2.Permission.ValueType]) -> Permission:
    found = Permission(0)
    for number in numbers:
        found |= Permission[access_pb2.Permission.Name(number).removeprefix("PERMISSION_")]
    return found
