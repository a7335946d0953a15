"""A member's entry as genesis files and join files write it."""

from __future__ import annotations

import base64
from typing import Any

from twinledger.consensus import NodeId
from twinledger.consortium.members import Admin, Member
from twinledger.consortium.nodes import (
    Node,
    NodeCertificate,
    check_certificate_size,
    check_node_keys,
)
from twinledger.consortium.strict_json import StrictJson, doubled
from twinledger.ledger import keys, names
from twinledger.ledger.canonical import INT_MAX
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.names import MemberName

_NODE_FIELDS = (
    "id",
    "peer_address",
    "client_address",
    "witness_key",
    "log_key",
    "certificate",
    "valid_until_us",
)


def member_content(member: Member) -> dict[str, Any]:
    """The entry of a member with one node that has one certificate."""
    (node,) = member.nodes
    (certificate,) = node.certificates
    return {
        "name": member.name,
        "admins": [{"name": a.name, "public_key": a.public_key.hex()} for a in member.admins],
        "node": {
            "id": node.node_id,
            "peer_address": node.peer_address,
            "client_address": node.client_address,
            "witness_key": node.witness_key.hex(),
            "log_key": node.log_key.hex(),
            "certificate": base64.b64encode(certificate.der).decode(),
            "valid_until_us": certificate.valid_until_us,
        },
    }


def read_member(json: StrictJson, value: Any, where: str) -> Member:
    """Reads an entry, or refuses it with the file's code."""
    content = json.fields(value, where, ("name", "admins", "node"))
    admins = [
        _admin(json, item, f"{where}.admins[{i}]")
        for i, item in enumerate(json.items(content["admins"], f"{where}.admins"))
    ]
    twice = doubled([admin.name for admin in admins])
    if twice is not None:
        raise json.refusal(f"the admin of {where} {names.shown(twice)} stands there twice")
    return Member(
        MemberName(json.name(content["name"], f"{where}.name")),
        tuple(sorted(admins, key=lambda admin: admin.name)),
        (_node(json, content["node"], f"{where}.node"),),
    )


def _admin(json: StrictJson, value: Any, where: str) -> Admin:
    content = json.fields(value, where, ("name", "public_key"))
    public_key = json.hex_key(content["public_key"], f"{where}.public_key")
    try:
        keys.check_public_key(public_key)
    except LedgerError as error:
        raise json.refusal(f"{where}.public_key: {error.detail}") from None
    return Admin(json.name(content["name"], f"{where}.name"), public_key)


def _node(json: StrictJson, value: Any, where: str) -> Node:
    content = json.fields(value, where, _NODE_FIELDS)
    der = json.base64(content["certificate"], f"{where}.certificate")
    until = json.whole(content["valid_until_us"], f"{where}.valid_until_us", 0, INT_MAX)
    node = Node(
        node_id=NodeId(json.name(content["id"], f"{where}.id")),
        peer_address=json.address(content["peer_address"], f"{where}.peer_address"),
        client_address=json.address(content["client_address"], f"{where}.client_address"),
        voter=True,
        witness_key=json.hex_key(content["witness_key"], f"{where}.witness_key"),
        log_key=json.hex_key(content["log_key"], f"{where}.log_key"),
        certificates=(NodeCertificate(der, until),),
    )
    try:
        check_certificate_size(der)
        check_node_keys(node)
    except LedgerError as error:
        raise json.refusal(f"{where}: {error.detail}") from None
    return node
