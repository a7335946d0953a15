"""Members and their nodes: the state's ``consortium`` leaf, which every header commits to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

from twinledger.consensus import NodeId
from twinledger.ledger import domains
from twinledger.ledger.canonical import CanonicalValue, encode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.state import StateView, decode_leaf

CONSORTIUM_KEY = b"consortium"


@dataclass(frozen=True, slots=True)
class Admin:
    """One who speaks for a member: the name within the member and the public key."""

    name: str
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Node:
    """A member's node.

    Attributes:
        node_id: Its id, never used twice.
        peer_address: Where other nodes reach it, host:port.
        client_address: Where clients reach it, host:port.
        voter: Whether it takes part in ordering.
    """

    node_id: NodeId
    peer_address: str
    client_address: str
    voter: bool = True


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
    """The whole consortium at one height, members in the order of their names."""

    name: str
    members: tuple[Member, ...]
    limits: Limits

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
        return encode({"name": self.name, "members": members, "limits": asdict(self.limits)})

    @classmethod
    def decode(cls, raw: bytes) -> Consortium:
        """Reads the canonical leaf, or raises DATA_DAMAGED."""
        match decode_leaf(raw):
            case {"name": str(name), "members": dict(members), "limits": dict(limits)}:
                return cls(
                    name,
                    tuple(_read_member(member, value) for member, value in members.items()),
                    _read_limits(limits),
                )
            case _:
                raise _damaged()


def _member_value(member: Member) -> CanonicalValue:
    admins: dict[str, CanonicalValue] = {a.name: a.public_key for a in member.admins}
    nodes: dict[str, CanonicalValue] = {
        node.node_id: {
            "peer_address": node.peer_address,
            "client_address": node.client_address,
            "voter": node.voter,
        }
        for node in member.nodes
    }
    return {"admins": admins, "nodes": nodes}


def _read_member(name: str, value: CanonicalValue) -> Member:
    match value:
        case {"admins": dict(admins), "nodes": dict(nodes)}:
            return Member(
                MemberName(name),
                tuple(_read_admin(admin, key) for admin, key in admins.items()),
                tuple(_read_node(node_id, node) for node_id, node in nodes.items()),
            )
        case _:
            raise _damaged()


def _read_admin(name: str, value: CanonicalValue) -> Admin:
    if not isinstance(value, bytes):
        raise _damaged()
    return Admin(name, value)


def _read_node(node_id: str, value: CanonicalValue) -> Node:
    match value:
        case {
            "peer_address": str(peer_address),
            "client_address": str(client_address),
            "voter": bool(voter),
        }:
            return Node(NodeId(node_id), peer_address, client_address, voter)
        case _:
            raise _damaged()


def _read_limits(value: dict[str, CanonicalValue]) -> Limits:
    limits = {name: limit for name, limit in value.items() if isinstance(limit, int)}
    if limits.keys() != {field.name for field in fields(Limits)}:
        raise _damaged()
    return Limits(**limits)


def _damaged() -> LedgerError:
    return LedgerError(Code.DATA_DAMAGED, "the state's consortium record is not well-formed")


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
