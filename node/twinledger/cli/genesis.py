"""`twinledger genesis`: where a chain begins."""

import os
import time
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_fields, print_json, print_table, time_text
from twinledger.consensus import NodeId
from twinledger.consortium.genesis import Genesis, build
from twinledger.consortium.members import Admin, Member, Node
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import MemberName


@click.group(cls=ExampledGroup, example="twinledger genesis create members.toml --out genesis.json")
def genesis() -> None:
    """Makes and reads genesis files."""


@genesis.command(
    example="""
twinledger genesis create members.toml --out genesis.json

where members.toml says:
  name = "water of Net3"
  [[member]]
  name = "utility"
  admins = { admin = "64 hex digits, as keygen shows" }
  node = "utility-1"
  peer_address = "10.0.0.1:7201"
  client_address = "10.0.0.1:7101"
"""
)
@click.argument("description", type=FILE)
@click.option("--out", type=FILE, required=True, help="Where to write the genesis file.")
@json_option
def create(description: Path, out: Path, as_json: bool) -> None:
    """Makes a genesis file from a description of the first members.

    Every member's node needs the file, the same to the byte: its hash is the chain's id.
    """
    content = _read_toml(description)
    raw = _build(description, content)
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{out}: {error.strerror}") from error
    _print(Genesis.parse(raw), as_json)


@genesis.command(example="twinledger genesis show genesis.json")
@click.argument("file", type=FILE)
@json_option
def show(file: Path, as_json: bool) -> None:
    """Checks a genesis file and shows its chain id, members and limits."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise LedgerError(Code.GENESIS_INVALID, f"{file}: {error.strerror}") from error
    _print(Genesis.parse(raw), as_json)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error}") from error


def _build(path: Path, content: dict[str, Any]) -> bytes:
    unknown = sorted(content.keys() - {"name", "limits", "member"})
    if unknown:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: unknown key {unknown[0]}")
    try:
        members = [_member(each) for each in content["member"]]
        limits = Limits(**content.get("limits", {}))
        return build(content["name"], time.time_ns() // 1000, members, limits)
    except KeyError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.args[0]} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error}") from error


def _member(content: dict[str, Any]) -> Member:
    fields = dict(content)
    admins = tuple(
        Admin(name, bytes.fromhex(key)) for name, key in sorted(fields.pop("admins").items())
    )
    name, node = fields.pop("name"), fields.pop("node")
    addresses = fields.pop("peer_address"), fields.pop("client_address")
    if fields:
        raise ValueError(f"member {name} has the unknown key {min(fields)}")
    return Member(MemberName(name), admins, (Node(NodeId(node), *addresses),))


def _print(found: Genesis, as_json: bool) -> None:
    if as_json:
        print_json(_json(found))
        return
    print_fields(
        [
            ("chain id", found.chain_id.hex()),
            ("name", found.name),
            ("time", time_text(found.time_us)),
        ]
    )
    click.echo()
    print_table(
        ("MEMBER", "ADMINS", "NODE", "PEER ADDRESS", "CLIENT ADDRESS"),
        [
            (
                m.name,
                ",".join(a.name for a in m.admins),
                n.node_id,
                n.peer_address,
                n.client_address,
            )
            for m in found.members
            for n in m.nodes
        ],
    )


def _json(found: Genesis) -> dict[str, Any]:
    return {
        "chain_id": found.chain_id.hex(),
        "name": found.name,
        "time_us": found.time_us,
        "limits": asdict(found.limits),
        "members": [
            {
                "name": member.name,
                "admins": {admin.name: admin.public_key.hex() for admin in member.admins},
                "nodes": [asdict(node) for node in member.nodes],
            }
            for member in found.members
        ],
    }
