"""Reading a genesis file strictly: every fault is named with the place where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from twinledger.consensus import NodeId
from twinledger.consortium.members import Admin, Consortium, Member, Node
from twinledger.ledger import keys, names
from twinledger.ledger.canonical import INT_MAX
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import RANGES, Limits
from twinledger.ledger.names import MemberName

FORMAT = 1
MAX_BYTES = 1_048_576
# What a BlockBody adds around one transaction, generously.
_BLOCK_OVERHEAD_BYTES = 64

_NAME = re.compile(r"[ -~]{1,128}")
_KEY = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([1-9][0-9]{0,4})")
_MAX_PORT = 65_535


def read_genesis(raw: bytes) -> tuple[int, Consortium]:
    """Reads a genesis file's time and its consortium.

    Raises:
        LedgerError: GENESIS_INVALID.
    """
    top = _fields(_load(raw), "the file", ("format", "name", "time_us", "limits", "members"))
    if _int(top["format"], "format", 0, INT_MAX) != FORMAT:
        raise genesis_invalid(f"format {top['format']} is unknown, this version reads {FORMAT}")
    time_us = _int(top["time_us"], "time_us", 0, INT_MAX)
    name = _text(top["name"], "name", _NAME, "1 to 128 printable ASCII characters")
    limits = _limits(top["limits"])
    return time_us, Consortium(name, tuple(_members(top["members"])), limits)


def genesis_invalid(detail: str) -> LedgerError:
    """The refusal of a genesis file."""
    return LedgerError(Code.GENESIS_INVALID, detail)


def _load(raw: bytes) -> Any:
    if len(raw) > MAX_BYTES:
        raise genesis_invalid(f"the file has more than {MAX_BYTES} bytes")
    try:
        return json.loads(raw.decode(), object_pairs_hook=_no_doubles, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise genesis_invalid("the file is not UTF-8") from None
    except RecursionError:
        raise genesis_invalid("the file nests too deeply") from None
    except ValueError as error:
        raise genesis_invalid(f"the file is not JSON: {names.shown(str(error))}") from None


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise genesis_invalid(
            f"a key stands twice among {names.shown(', '.join(k for k, _ in pairs))}"
        )
    return content


def _no_constant(constant: str) -> None:
    raise genesis_invalid(f"{constant} is no JSON")


def _fields(value: Any, where: str, expected: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise genesis_invalid(f"{where} is not an object")
    for key in expected:
        if key not in value:
            raise genesis_invalid(f"{where} lacks {key}")
    for key in value:
        if key not in expected:
            raise genesis_invalid(f"{where} holds the unknown key {names.shown(key)}")
    return value


def _items(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise genesis_invalid(f"{where} is not a list of at least one")
    return value


def _int(value: Any, where: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise genesis_invalid(f"{where} is not a whole number from {least} to {most}")
    return value


def _text(value: Any, where: str, form: re.Pattern[str], described: str) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise genesis_invalid(f"{where} is not {described}")
    return value


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not names.is_name(value):
        raise genesis_invalid(f"{where} is not 1 to 64 of A-Z a-z 0-9 . _ -")
    return value


def _limits(value: Any) -> Limits:
    if not isinstance(value, dict):
        raise genesis_invalid("limits is not an object")
    for key in value:
        if key not in RANGES:
            raise genesis_invalid(f"limits holds the unknown key {names.shown(key)}")
    limits = Limits(
        **{key: _int(limit, f"limits.{key}", *RANGES[key]) for key, limit in value.items()}
    )
    if limits.max_transaction_bytes + _BLOCK_OVERHEAD_BYTES > limits.max_block_bytes:
        raise genesis_invalid("limits.max_transaction_bytes does not fit limits.max_block_bytes")
    return limits


def _members(value: Any) -> list[Member]:
    members = [_member(item, f"members[{i}]") for i, item in enumerate(_items(value, "members"))]
    _distinct("member", [member.name for member in members])
    nodes = [node for member in members for node in member.nodes]
    _distinct("node id", [node.node_id for node in nodes])
    _distinct("address", [a for node in nodes for a in (node.peer_address, node.client_address)])
    return sorted(members, key=lambda member: member.name)


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
        raise genesis_invalid(f"{where}.public_key: {error.detail}") from None
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
        raise genesis_invalid(f"{where} is not host:port")
    return str(value)


def _distinct(what: str, found: Sequence[str]) -> None:
    seen: set[str] = set()
    for item in found:
        if item in seen:
            raise genesis_invalid(f"the {what} {names.shown(item)} stands there twice")
        seen.add(item)
