"""Identities: who may sign, in which role, and how a member admits and revokes its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from twinledger.consortium.members import CONSORTIUM_KEY, Admin, Member, load_consortium
from twinledger.consortium.storing import check_distinct
from twinledger.ledger import keys, names
from twinledger.ledger.canonical import MapForm
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.operations import AdmitIdentity, RevokeIdentity, Role, RotateKey
from twinledger.ledger.receipt import Event, EventKind
from twinledger.ledger.state import StateDraft, StateView, split_leaf

_PREFIX = "identity/"


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """An identity as the state has it.

    Attributes:
        identity: The full name, member/name.
        public_key: Its Ed25519 public key, 32 bytes.
        role: What it may do.
        suite: The signature suite of its key.
        revoked: Whether it was revoked; it stays so for ever.
        valid_from_us: From this block time on it may sign; 0 sets no bound.
        valid_until_us: At this block time and later it may not; 0 sets no bound.
    """

    identity: IdentityName
    public_key: bytes
    role: Role
    suite: int = keys.SUITE_ED25519
    revoked: bool = False
    valid_from_us: int = 0
    valid_until_us: int = 0

    def valid_at(self, time_us: int) -> bool:
        """Whether it may sign at this block time, unless it was revoked."""
        ended = self.valid_until_us != 0 and time_us >= self.valid_until_us
        return self.valid_from_us <= time_us and not ended

    @property
    def member(self) -> MemberName:
        """The member it belongs to."""
        return names.member_of(self.identity)

    @property
    def name(self) -> str:
        """Its name within its member."""
        return self.identity.partition("/")[2]

    @property
    def key(self) -> bytes:
        """Where the state keeps it."""
        return identity_key(self.identity)

    def encode(self) -> bytes:
        """The canonical leaf."""
        return _IDENTITY.encode(
            self.public_key,
            self.revoked,
            self.role.value,
            self.suite,
            self.valid_from_us,
            self.valid_until_us,
        )

    @classmethod
    @lru_cache(maxsize=16_384)  # the same few identities sign nearly everything
    def decode(cls, identity: IdentityName, raw: bytes) -> IdentityRecord:
        """Reads the canonical leaf, or raises DATA_DAMAGED."""
        public_key, revoked, role, suite, since_us, until_us = split_leaf(_IDENTITY, raw)
        if role not in _ROLES:
            raise LedgerError(Code.DATA_DAMAGED, f"the record of identity {identity}")
        return cls(identity, public_key, Role(role), suite, revoked, since_us, until_us)


_IDENTITY = MapForm(
    public_key=bytes, revoked=bool, role=int, suite=int, valid_from_us=int, valid_until_us=int
)
_ROLES = frozenset(role.value for role in Role)


def identity_key(identity: IdentityName) -> bytes:
    """Where the state keeps an identity."""
    return f"{_PREFIX}{identity}".encode()


def find_identity(state: StateView, identity: IdentityName) -> IdentityRecord | None:
    """An identity, or None when it was never admitted."""
    raw = state.get(identity_key(identity))
    return None if raw is None else IdentityRecord.decode(identity, raw)


def identities(state: StateView, member: MemberName | None = None) -> Iterator[IdentityRecord]:
    """The identities of a member, or of all, in the order of their full names' bytes."""
    prefix = _PREFIX if member is None else f"{_PREFIX}{member}/"
    for key, raw in state.scan(prefix.encode()):
        yield IdentityRecord.decode(IdentityName(key.decode()[len(_PREFIX) :]), raw)


def admit(state: StateDraft, operation: AdmitIdentity, authors: Iterable[IdentityRecord]) -> Event:
    """Admits an identity.

    Raises:
        LedgerError: ACCESS_DENIED or IDENTITY_EXISTS.
    """
    _require_admin(operation.identity, authors)
    if find_identity(state, operation.identity) is not None:
        raise LedgerError(Code.IDENTITY_EXISTS, operation.identity)
    record = IdentityRecord(
        operation.identity,
        operation.public_key,
        operation.role,
        valid_from_us=operation.valid_from_us,
        valid_until_us=operation.valid_until_us,
    )
    state.put(record.key, record.encode())
    if record.role is Role.ADMIN:
        member = _member_of(state, record)
        added = (*member.admins, Admin(record.name, record.public_key))
        _put_admins(state, member, added)
    return Event(EventKind.IDENTITY_ADMITTED, record.identity, 0)


def revoke(
    state: StateDraft, operation: RevokeIdentity, authors: Iterable[IdentityRecord]
) -> Event:
    """Revokes an identity for ever.

    Raises:
        LedgerError: ACCESS_DENIED, IDENTITY_NOT_FOUND, IDENTITY_REVOKED or LAST_ADMIN.
    """
    _require_admin(operation.identity, authors)
    record = find_identity(state, operation.identity)
    if record is None:
        raise LedgerError(Code.IDENTITY_NOT_FOUND, operation.identity)
    if record.revoked:
        raise LedgerError(Code.IDENTITY_REVOKED, operation.identity)
    if record.role is Role.ADMIN:
        member = _member_of(state, record)
        left = tuple(admin for admin in member.admins if admin.name != record.name)
        if not left:
            raise LedgerError(Code.LAST_ADMIN, record.identity)
        _put_admins(state, member, left)
    state.put(record.key, replace(record, revoked=True).encode())
    return Event(EventKind.IDENTITY_REVOKED, record.identity, 0)


def rotate(state: StateDraft, operation: RotateKey, authors: Iterable[IdentityRecord]) -> Event:
    """Gives an identity another key; asked for by an admin of its member, or by itself.

    Raises:
        LedgerError: ACCESS_DENIED, IDENTITY_NOT_FOUND, IDENTITY_REVOKED or NO_CHANGE.
    """
    authors = tuple(authors)
    if all(author.identity != operation.identity for author in authors):
        _require_admin(operation.identity, authors)
    before = find_identity(state, operation.identity)
    if before is None:
        raise LedgerError(Code.IDENTITY_NOT_FOUND, operation.identity)
    if before.revoked:
        raise LedgerError(Code.IDENTITY_REVOKED, operation.identity)
    if before.public_key == operation.public_key:
        raise LedgerError(Code.NO_CHANGE, operation.identity)
    record = replace(before, public_key=operation.public_key)
    if record.role is Role.ADMIN:
        member = _member_of(state, record)
        others = tuple(admin for admin in member.admins if admin.name != record.name)
        _put_admins(state, member, (*others, Admin(record.name, record.public_key)))
    state.put(record.key, record.encode())
    return Event(EventKind.KEY_ROTATED, record.identity, 0)


def _require_admin(identity: IdentityName, authors: Iterable[IdentityRecord]) -> None:
    member = names.member_of(identity)
    if not any(author.role is Role.ADMIN and author.member == member for author in authors):
        raise LedgerError(Code.ACCESS_DENIED, f"only an admin of {member} may do this")


def _member_of(state: StateView, record: IdentityRecord) -> Member:
    member = load_consortium(state).member(record.member)
    if member is None:
        # An admin of this member signed, so genesis had the member, and nothing removes one.
        raise LedgerError(Code.DATA_DAMAGED, f"member {record.member} is not in the consortium")
    return member


def _put_admins(state: StateDraft, member: Member, admins: tuple[Admin, ...]) -> None:
    """Keeps the admins' keys in the consortium's leaf, which every header commits to."""
    changed = load_consortium(state).with_member(replace(member, admins=admins))
    check_distinct(changed.members)
    state.put(CONSORTIUM_KEY, changed.encode())
