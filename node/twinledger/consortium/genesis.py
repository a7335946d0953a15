"""The genesis file: where a chain begins, and what its id is the hash of.

Members hand the file around; it must not differ by a byte. So it is read strictly: unknown,
missing and doubled keys are refused, and every fault is named with the place where it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from twinledger.consortium.identities import IdentityRecord
from twinledger.consortium.members import (
    CONSORTIUM_KEY,
    Admin,
    Consortium,
    Member,
    Node,
    NodeId,
)
from twinledger.ledger import domains, keys, names
from twinledger.ledger.canonical import INT_MAX
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import DEFAULT_LIMITS, RANGES, Limits
from twinledger.ledger.names import MemberName
from twinledger.ledger.operations import Role

FORMAT = 1
MAX_BYTES = 1_048_576
# What a BlockBody adds around one transaction, generously.
_BLOCK_OVERHEAD_BYTES = 64

_NAME = re.compile(r"[ -~]{1,128}")
_KEY = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([1-9][0-9]{0,4})")
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Genesis:
    """A genesis file that was read.

    Attributes:
        raw: The file's bytes.
        chain_id: Their hash, 32 bytes; what every transaction names.
        time_us: The block time of height 0.
        consortium: The first members, their nodes and admins, and the limits.
    """

    raw: bytes
    chain_id: bytes
    time_us: int
    consortium: Consortium

    @property
    def name(self) -> str:
        """The consortium's name."""
        return self.consortium.name

    @property
    def limits(self) -> Limits:
        """The limits."""
        return self.consortium.limits

    @property
    def members(self) -> tuple[Member, ...]:
        """The members, by name; each with its admins and its nodes."""
        return self.consortium.members

    @property
    def nodes(self) -> tuple[tuple[MemberName, Node], ...]:
        """Every node with its member."""
        return self.consortium.nodes

    @property
    def admins(self) -> tuple[IdentityRecord, ...]:
        """Every admin's identity."""
        return tuple(
            IdentityRecord(member.identity(admin), admin.public_key, Role.ADMIN)
            for member in self.members
            for admin in member.admins
        )

    def writes(self) -> dict[bytes, bytes]:
        """What genesis writes into the empty state."""
        return {
            CONSORTIUM_KEY: self.consortium.encode(),
            **{admin.key: admin.encode() for admin in self.admins},
        }

    @classmethod
    def parse(cls, raw: bytes) -> Genesis:
        """Reads a genesis file.

        Raises:
            LedgerError: GENESIS_INVALID, saying what is wrong and where.
        """
        top = _fields(_load(raw), "the file", ("format", "name", "time_us", "limits", "members"))
        if _int(top["format"], "format", 0, INT_MAX) != FORMAT:
            raise _invalid(f"format {top['format']} is unknown, this version reads {FORMAT}")
        members = _members(top["members"])
        return cls(
            raw=raw,
            chain_id=chain_id(raw),
            time_us=_int(top["time_us"], "time_us", 0, INT_MAX),
            consortium=Consortium(
                _text(top["name"], "name", _NAME, "1 to 128 printable ASCII characters"),
                tuple(sorted(members, key=lambda member: member.name)),
                _limits(top["limits"]),
            ),
        )


def chain_id(raw: bytes) -> bytes:
    """The id of the chain that begins with this genesis file."""
    return domains.domain_hash(domains.GENESIS, raw)


def build(
    name: str, time_us: int, members: Sequence[Member], limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """Writes a genesis file.

    Raises:
        LedgerError: GENESIS_INVALID when the parts do not make a valid one.
    """
    for member in members:
        if len(member.nodes) != 1:
            raise _invalid(f"member {names.shown(member.name)} needs exactly one node")
    content = {
        "format": FORMAT,
        "name": name,
        "time_us": time_us,
        "limits": asdict(limits),
        "members": [_member_content(member) for member in members],
    }
    raw = (json.dumps(content, indent=2) + "\n").encode()
    Genesis.parse(raw)
    return raw


def _member_content(member: Member) -> dict[str, Any]:
    (node,) = member.nodes
    return {
        "name": member.name,
        "admins": [{"name": a.name, "public_key": a.public_key.hex()} for a in member.admins],
        "node": {
            "id": node.node_id,
            "peer_address": node.peer_address,
            "client_address": node.client_address,
        },
    }


def _invalid(detail: str) -> LedgerError:
    return LedgerError(Code.GENESIS_INVALID, detail)


def _load(raw: bytes) -> Any:
    if len(raw) > MAX_BYTES:
        raise _invalid(f"the file has more than {MAX_BYTES} bytes")
    try:
        return json.loads(raw.decode(), object_pairs_hook=_no_doubles, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise _invalid("the file is not UTF-8") from None
    except RecursionError:
        raise _invalid("the file nests too deeply") from None
    except ValueError as error:
        raise _invalid(f"the file is not JSON: {names.shown(str(error))}") from None


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _invalid(f"a key stands twice among {names.shown(', '.join(k for k, _ in pairs))}")
    return content


def _no_constant(constant: str) -> None:
    raise _invalid(f"{constant} is no JSON")


def _fields(value: Any, where: str, expected: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid(f"{where} is not an object")
    for key in expected:
        if key not in value:
            raise _invalid(f"{where} lacks {key}")
    for key in value:
        if key not in expected:
            raise _invalid(f"{where} holds the unknown key {names.shown(key)}")
    return value


def _items(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise _invalid(f"{where} is not a list of at least one")
    return value


def _int(value: Any, where: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise _invalid(f"{where} is not a whole number from {least} to {most}")
    return value


def _text(value: Any, where: str, form: re.Pattern[str], described: str) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _invalid(f"{where} is not {described}")
    return value


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not names.is_name(value):
        raise _invalid(f"{where} is not 1 to 64 of A-Z a-z 0-9 . _ -")
    return value


def _limits(value: Any) -> Limits:
    if not isinstance(value, dict):
        raise _invalid("limits is not an object")
    for key in value:
        if key not in RANGES:
            raise _invalid(f"limits holds the unknown key {names.shown(key)}")
    limits = Limits(
        **{key: _int(limit, f"limits.{key}", *RANGES[key]) for key, limit in value.items()}
    )
    if limits.max_transaction_bytes + _BLOCK_OVERHEAD_BYTES > limits.max_block_bytes:
        raise _invalid("limits.max_transaction_bytes does not fit into limits.max_block_bytes")
    return limits


def _members(value: Any) -> list[Member]:
    members = [_member(item, f"members[{i}]") for i, item in enumerate(_items(value, "members"))]
    _distinct("member", [member.name for member in members])
    nodes = [node for member in members for node in member.nodes]
    _distinct("node id", [node.node_id for node in nodes])
    _distinct("address", [a for node in nodes for a in (node.peer_address, node.client_address)])
    return members


def _member(value: Any, where: str) -> Member:
    content = _fields(value, where, ("name", "admins", "node"))
    admins = [
        _admin(item, f"{where}.admins[{i}]")
        for i, item in enumerate(_items(content["admins"], f"{where}.admins"))
    ]
    _distinct(f"admin of {where}", [admin.name for admin in admins])
    return Member(
        MemberName(_name(content["name"], f"{where}.name")),
        tuple(sorted(admins, key=lambda admin: admin.name)),
        (_node(content["node"], f"{where}.node"),),
    )


def _admin(value: Any, where: str) -> Admin:
    content = _fields(value, where, ("name", "public_key"))
    text = _text(content["public_key"], f"{where}.public_key", _KEY, "64 hex digits in lower case")
    public_key = bytes.fromhex(text)
    try:
        keys.check_public_key(public_key)
    except LedgerError as error:
        raise _invalid(f"{where}.public_key: {error.detail}") from None
    return Admin(_name(content["name"], f"{where}.name"), public_key)


def _node(value: Any, where: str) -> Node:
    content = _fields(value, where, ("id", "peer_address", "client_address"))
    return Node(
        NodeId(_name(content["id"], f"{where}.id")),
        _address(content["peer_address"], f"{where}.peer_address"),
        _address(content["client_address"], f"{where}.client_address"),
    )


def _address(value: Any, where: str) -> str:
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) > _MAX_PORT:
        raise _invalid(f"{where} is not host:port")
    return str(value)


def _distinct(what: str, found: Sequence[str]) -> None:
    counts: Mapping[str, int] = {item: found.count(item) for item in found}
    for item, count in counts.items():
        if count > 1:
            raise _invalid(f"the {what} {names.shown(item)} stands {count} times")
