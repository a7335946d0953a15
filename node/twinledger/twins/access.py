"""Who may do what to a twin. Default closed.

``decide`` is the one place that says yes or no, for execution, for reads and for whoever asks why.
Of all the rules that are in force, name the permission, mean the identity and hold at the path,
those with the deepest path decide, and among these one that revokes beats those that grant. Where
no rule does, the answer is no. Two things no rule takes away, or nobody could put right what a
wrong rule did:

* admins of the owner administer and read it;
* admins and auditors of any member read it: their member's own node keeps every byte of it.

The default rules, which hold for the whole of every twin and give way to any deeper one, are for
the owner's identities: admins everything, operators all but administer, devices read and write.
A transaction with several authors may do what any one of them may. Its authors' roles are those
they had before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from twinledger.consortium.identities import IdentityRecord
from twinledger.ledger.access import (
    WHOLE_TWIN,
    Effect,
    Permission,
    Rule,
    SignOff,
    Subject,
    covers,
    depth,
    in_force,
)
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import MemberName
from twinledger.ledger.roles import Role
from twinledger.twins.policy import Policy
from twinledger.twins.sign_off import signed_enough

KEEPERS = frozenset({Role.ADMIN, Role.OPERATOR})
"""May create their member's twins, and take over those that another member hands them."""
READ_ALL = frozenset({Role.ADMIN, Role.AUDITOR})
"""May read everything."""


class Ground(Enum):
    """What a decision rests on."""

    OWNER_ADMIN = "the owner's admins always administer and read it"
    READS_ALL = "admins and auditors of every member read everything"
    RULE = "a rule of the twin's policy"
    DEFAULT = "a default rule"
    CLOSED = "no rule grants it"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something may be done, and why.

    Attributes:
        allowed: The answer.
        ground: What it rests on.
        rule: The rule that decided; None when no rule did.
    """

    allowed: bool
    ground: Ground
    rule: Rule | None = None


_CLOSED = Decision(False, Ground.CLOSED)
_OWNER_ADMIN = Decision(True, Ground.OWNER_ADMIN)
_READS_ALL = Decision(True, Ground.READS_ALL)


@dataclass(frozen=True, slots=True)
class Access:
    """What holds for one twin at one time.

    Attributes:
        owner: The member that owns it.
        policy: Its policy.
        time_us: The block time at which rules are in force or not.
    """

    owner: MemberName
    policy: Policy
    time_us: int

    def decide(self, who: IdentityRecord, permission: Permission, path: str) -> Decision:
        """May an identity do one thing at a path? The path need not be one a rule could have."""
        if permission in _OWNER_ADMIN_KEEPS and who.role is Role.ADMIN and who.member == self.owner:
            return _OWNER_ADMIN
        if permission is Permission.READ and who.role in READ_ALL:
            return _READS_ALL
        deciding = max(self._about(who, permission, path), key=_weight, default=None)
        if deciding is None:
            return _CLOSED
        ground = Ground.RULE if deciding in self.policy.rules else Ground.DEFAULT
        return Decision(deciding.effect is Effect.GRANT, ground, deciding)

    def _about(self, who: IdentityRecord, permission: Permission, path: str) -> Iterator[Rule]:
        for rules in (self.policy.rules, default_rules(self.owner)):
            for rule in rules:
                if (
                    permission in rule.permissions
                    and covers(rule.path, path)
                    and rule.subject.covers(who.identity, who.role)
                    and in_force(rule, self.time_us)
                ):
                    yield rule

    def require(
        self, authors: Sequence[IdentityRecord], permission: Permission, paths: Iterable[str]
    ) -> None:
        """Lets an operation pass when, at each path, some author may, and enough have signed.

        Raises:
            LedgerError: ACCESS_DENIED or SIGN_OFF_MISSING.
        """
        # Without a policy all paths are decided alike, by the default rules: this is the hot path.
        for path in paths if len(self.policy) else (WHOLE_TWIN,):
            if not any(self.decide(who, permission, path).allowed for who in authors):
                raise LedgerError(Code.ACCESS_DENIED, _denied(permission, path))
            for sign_off in self.sign_offs(permission, path):
                require_signed(sign_off, authors)

    def sign_offs(self, permission: Permission, path: str) -> Iterator[SignOff]:
        """Every sign-off that an act takes: a deeper one adds to those above it."""
        for sign_off in self.policy.sign_offs:
            if (
                permission in sign_off.permissions
                and covers(sign_off.path, path)
                and in_force(sign_off, self.time_us)
            ):
                yield sign_off

    def shows(self, who: IdentityRecord) -> bool:
        """Whether an identity may read anything of the twin; if not, it is not there for it."""
        granted = (rule.path for rule in self.policy.rules if rule.effect is Effect.GRANT)
        return any(
            self.decide(who, Permission.READ, path).allowed for path in (WHOLE_TWIN, *granted)
        )


def require_signed(sign_off: SignOff, authors: Iterable[IdentityRecord]) -> None:
    """Refuses, with SIGN_OFF_MISSING, what too few of a sign-off's parties have signed."""
    if not signed_enough(sign_off, authors):
        parties = ", ".join(party.text for party in sign_off.parties)
        raise LedgerError(Code.SIGN_OFF_MISSING, f"{sign_off.required} of {parties}")


def require_keeper(authors: Iterable[IdentityRecord], member: MemberName) -> None:
    """Lets pass when some author may keep a member's twins: create them, or take them over.

    Raises:
        LedgerError: ACCESS_DENIED.
    """
    if not any(who.role in KEEPERS and who.member == member for who in authors):
        raise LedgerError(Code.ACCESS_DENIED, f"it needs an admin or operator of {member}")


@lru_cache(maxsize=1024)
def default_rules(owner: MemberName) -> tuple[Rule, ...]:
    """The rules that hold for the whole of every twin of a member."""
    return tuple(
        Rule(WHOLE_TWIN, Subject.parse(f"member:{owner}:{role}"), Effect.GRANT, permissions)
        for role, permissions in _DEFAULTS
    )


_KEEP = Permission.READ | Permission.WRITE | Permission.RELATE | Permission.TRANSFER
_DEFAULTS = (
    ("admin", _KEEP | Permission.ADMINISTER),
    ("operator", _KEEP),
    ("device", Permission.READ | Permission.WRITE),
)
_OWNER_ADMIN_KEEPS = Permission.ADMINISTER | Permission.READ


def _weight(rule: Rule) -> tuple[int, Effect]:
    """Deeper wins; at the same path to revoke wins."""
    return depth(rule.path), rule.effect


def _denied(permission: Permission, path: str) -> str:
    return f"{(permission.name or '').lower()} {path or 'the whole twin'}"
