"""The consortium: its members at one height, and the state's leaf that every header commits to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache

from twinledger.consortium.nodes import Node, NodeCertificate, read_node, record_damaged
from twinledger.consortium.rules import DEFAULT_RULES, Rules
from twinledger.ledger import domains
from twinledger.ledger.canonical import CanonicalValue, encode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.state import StateView, decode_leaf

__all__ = [
    "CONSORTIUM_KEY",
    "Admin",
    "Consortium",
    "Member",
    "Node",
    "NodeCertificate",
    "consortium_hash",
    "load_consortium",
]

CONSORTIUM_KEY = b"consortium"


@dataclass(frozen=True, slots=True)
class Admin:
    """One who speaks for a member: the name within the member and the public key."""

    name: str
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Member:
    """A member with its unrevoked admins and its nodes, each in the order of names."""

    name: MemberName
    admins: tuple[Admin, ...]
    nodes: tuple[Node, ...]

    def identity(self, admin: Admin) -> IdentityName:
        """An admin's full name."""
        return IdentityName(f"{self.name}/{admin.name}")


@dataclass(frozen=True, slots=True)
class Consortium:
    """The whole consortium at one height, members in the order of their names.

    Attributes:
        name: Its name from the genesis file.
        members: Who is in it.
        limits: What transactions, twins and blocks may not exceed.
        epoch: How often it recovered from a lost quorum.
        set_number: How often its witness set changed since genesis.
        rules: How many must sign and approve.
    """

    name: str
    members: tuple[Member, ...]
    limits: Limits
    epoch: int = 0
    set_number: int = 0
    rules: Rules = DEFAULT_RULES

    @property
    def nodes(self) -> tuple[tuple[MemberName, Node], ...]:
        """Every node with its member."""
        return tuple((member.name, node) for member in self.members for node in member.nodes)

    def member(self, name: MemberName) -> Member | None:
        """The member of this name."""
        return next((member for member in self.members if member.name == name), None)

    def with_member(self, changed: Member) -> Consortium:
        """The consortium with one member's record replaced."""
        members = tuple(changed if m.name == changed.name else m for m in self.members)
        return replace(self, members=members)

    def encode(self) -> bytes:
        """The canonical leaf."""
        members: dict[str, CanonicalValue] = {m.name: _member_value(m) for m in self.members}
        return encode(
            {
                "name": self.name,
                "members": members,
                "limits": asdict(self.limits),
                "epoch": self.epoch,
                "set_number": self.set_number,
                "rules": asdict(self.rules),
            }
        )

    @classmethod
    @lru_cache(maxsize=16)  # it is read for every block and seldom changes
    def decode(cls, raw: bytes) -> Consortium:
        """Reads the canonical leaf, or raises DATA_DAMAGED."""
        match decode_leaf(raw):
            case {
                "name": str(name),
                "members": dict(members),
                "limits": dict(limits),
                "epoch": int(epoch),
                "set_number": int(set_number),
                "rules": dict(rules),
                **other,
            } if not other:
                return cls(
                    name,
                    tuple(_read_member(member, value) for member, value in members.items()),
                    Limits(**_numbers(limits, Limits)),
                    epoch,
                    set_number,
                    Rules(**_numbers(rules, Rules)),
                )
            case _:
                raise record_damaged()


def _member_value(member: Member) -> CanonicalValue:
    admins: dict[str, CanonicalValue] = {a.name: a.public_key for a in member.admins}
    nodes: dict[str, CanonicalValue] = {node.node_id: node.value() for node in member.nodes}
    return {"admins": admins, "nodes": nodes}


def _read_member(name: str, value: CanonicalValue) -> Member:
    match value:
        case {"admins": dict(admins), "nodes": dict(nodes)}:
            return Member(
                MemberName(name),
                tuple(_read_admin(admin, key) for admin, key in admins.items()),
                tuple(read_node(node_id, node) for node_id, node in nodes.items()),
            )
        case _:
            raise record_damaged()


def _read_admin(name: str, value: CanonicalValue) -> Admin:
    if not isinstance(value, bytes):
        raise record_damaged()
    return Admin(name, value)


def _numbers(value: dict[str, CanonicalValue], form: type[Limits | Rules]) -> dict[str, int]:
    numbers = {name: number for name, number in value.items() if isinstance(number, int)}
    if numbers.keys() != {field.name for field in fields(form)} or len(numbers) != len(value):
        raise record_damaged()
    return numbers


def load_consortium(state: StateView) -> Consortium:
    """The consortium as a state has it.

    Raises:
        LedgerError: DATA_DAMAGED when the state has none: genesis writes it and nothing removes it.
    """
    raw = state.get(CONSORTIUM_KEY)
    if raw is None:
        raise LedgerError(Code.DATA_DAMAGED, "the state has no consortium record")
    return Consortium.decode(raw)


def consortium_hash(raw: bytes) -> bytes:
    """What a header commits to: the hash of the canonical leaf."""
    return domains.domain_hash(domains.CONSORTIUM, raw)
