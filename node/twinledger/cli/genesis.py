"""`twinledger genesis`: where a chain begins."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.files import read_file, replace_file, write_new_file
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_fields, print_json, print_table, time_text
from twinledger.cli.passphrases import ask_passphrase
from twinledger.client import Identity, Profile
from twinledger.consortium import genesis_draft
from twinledger.consortium.genesis import Genesis
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.nodes import Node
from twinledger.consortium.rules import RULE_RANGES, Rules
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import RANGES, Limits
from twinledger.ledger.names import IdentityName
from twinledger.ledger.transaction import Signer

_EXAMPLE = """
twinledger genesis create genesis.json --name "water of Net3"
twinledger genesis add genesis.json utility.join.json
twinledger genesis sign genesis.json --identity utility.admin.key
twinledger genesis check genesis.json
"""


@click.group(cls=ExampledGroup, example=_EXAMPLE)
def genesis() -> None:
    """Makes, signs and reads genesis files.

    One founder begins the file and adds every founder's join file (`consortium join init` makes
    it). Then the file goes round: each reads it (`show`), signs it (`sign`), hands it on.
    """


@genesis.command(example='twinledger genesis create genesis.json --name "water of Net3"')
@click.argument("file", type=FILE)
@click.option("--name", required=True, help="The consortium's name.")
@click.option("--limit", "limits", multiple=True, metavar="NAME=N", help="A limit; repeatable.")
@click.option("--rule", "rules", multiple=True, metavar="NAME=N", help="A rule; repeatable.")
@json_option
def create(
    file: Path, name: str, limits: tuple[str, ...], rules: tuple[str, ...], as_json: bool
) -> None:
    """Begins a genesis file without members."""
    raw = genesis_draft.begin(
        name,
        time.time_ns() // 1000,
        Limits(**_numbers(limits, RANGES, "limit")),
        Rules(**_numbers(rules, RULE_RANGES, "rule")),
    )
    write_new_file(file, raw)
    if as_json:
        print_json({"file": str(file), "name": name})
    else:
        click.echo(f"Began {file}. Next: twinledger genesis add {file} JOIN_FILE")


@genesis.command(example="twinledger genesis add genesis.json utility.join.json")
@click.argument("file", type=FILE)
@click.argument("join_file", type=FILE)
@json_option
def add(file: Path, join_file: Path, as_json: bool) -> None:
    """Adds a founding member; refused as soon as anybody has signed."""
    join = JoinFile.parse(read_file(join_file, Code.JOIN_INVALID))
    raw = genesis_draft.add(read_file(file, Code.GENESIS_INVALID), join)
    replace_file(file, raw)
    found = Genesis.parse(raw)
    if as_json:
        print_json(_json(found))
    else:
        click.echo(f"Added {join.member.name}; the chain id would now be {found.chain_id.hex()}.")


@genesis.command(example="twinledger genesis sign genesis.json --identity utility.admin.key")
@click.argument("file", type=FILE)
@click.option("--identity", "key", type=FILE, required=True, help="The key file of an admin.")
@json_option
def sign(file: Path, key: Path, as_json: bool) -> None:
    """Signs a genesis file for a member. Read it before: `genesis show` tells all it says."""
    found = Genesis.parse(read_file(file, Code.GENESIS_INVALID))
    identity = Identity.load(key, ask_passphrase)
    signed = found.signed_by(Signer(IdentityName(identity.name), identity.key))
    replace_file(file, signed.raw)
    if as_json:
        print_json(_json(signed))
    else:
        click.echo(f"{identity.name} signed chain {signed.chain_id.hex()}.")
        _tell_missing(signed)


@genesis.command(example="twinledger genesis show genesis.json")
@click.argument("file", type=FILE)
@json_option
def show(file: Path, as_json: bool) -> None:
    """Shows all that a genesis file says: chain id, members, nodes, limits, rules, signatures."""
    found = Genesis.parse(read_file(file, Code.GENESIS_INVALID))
    if as_json:
        print_json(_json(found))
    else:
        _print(found)


@genesis.command(example="twinledger genesis check genesis.json")
@click.argument("file", type=FILE)
@json_option
def check(file: Path, as_json: bool) -> None:
    """Checks that every member signed; says who did and who did not, and then exits 1."""
    found = Genesis.parse(read_file(file, Code.GENESIS_INVALID))
    if not as_json:
        print_table(
            ("MEMBER", "SIGNED BY"),
            [(member.name, _signers(found, member.name)) for member in found.members],
        )
    found.require_signed()
    if as_json:
        print_json(_json(found))
    else:
        click.echo(f"Every member signed chain {found.chain_id.hex()}.")


@genesis.command(
    example="twinledger genesis profile genesis.json --out admin.toml --key utility.admin.key"
)
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, required=True, help="Where to write the profile.")
@click.option("--key", type=FILE, help="The key file that the profile names to sign with.")
@json_option
def profile(file: Path, out: Path, key: Path | None, as_json: bool) -> None:
    """Writes the profile of the founding nodes: whom a client trusts, by their certificates.

    It is as good as the genesis file: check the chain id first.
    """
    found = Genesis.parse(read_file(file, Code.GENESIS_INVALID))
    found.require_signed()
    made = replace(Profile.of_genesis(found), key=key.resolve() if key else None)
    write_new_file(out, made.to_toml().encode())
    if as_json:
        print_json({"profile": str(out), "chain_id": found.chain_id.hex()})
    else:
        click.echo(f"Wrote {out}, for chain {found.chain_id.hex()}.")


def _numbers(
    texts: Iterable[str], ranges: Mapping[str, tuple[int, int]], what: str
) -> dict[str, int]:
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in ranges or not number.isdecimal():
            known = ", ".join(ranges)
            raise LedgerError(Code.BAD_REQUEST, f"{text!r} is no {what}=N; there are {known}")
        found[name] = int(number)
    return found


def _signers(found: Genesis, member: str) -> str | None:
    of_member = [line.name for line in found.signatures if line.name.startswith(f"{member}/")]
    return ", ".join(of_member) or None


def _tell_missing(found: Genesis) -> None:
    if found.unsigned:
        click.echo(f"Not yet signed by: {', '.join(found.unsigned)}.")
    else:
        click.echo("Every member has signed.")


def _print(found: Genesis) -> None:
    print_fields(
        [
            ("chain id", found.chain_id.hex()),
            ("name", found.name),
            ("time", time_text(found.time_us)),
            *asdict(found.limits).items(),
            *asdict(found.consortium.rules).items(),
        ]
    )
    click.echo()
    print_table(
        ("MEMBER", "ADMINS", "NODE", "PEER ADDRESS", "CLIENT ADDRESS", "SIGNED BY"),
        [
            (
                member.name,
                ",".join(admin.name for admin in member.admins),
                node.node_id,
                node.peer_address,
                node.client_address,
                _signers(found, member.name),
            )
            for member in found.members
            for node in member.nodes
        ],
    )


def _json(found: Genesis) -> dict[str, Any]:
    return {
        "chain_id": found.chain_id.hex(),
        "name": found.name,
        "time_us": found.time_us,
        "limits": asdict(found.limits),
        "rules": asdict(found.consortium.rules),
        "members": [
            {
                "name": member.name,
                "admins": {admin.name: admin.public_key.hex() for admin in member.admins},
                "nodes": [_node_json(node) for node in member.nodes],
            }
            for member in found.members
        ],
        "signed_by": [line.name for line in found.signatures],
        "not_signed": list(found.unsigned),
    }


def _node_json(node: Node) -> dict[str, Any]:
    return {
        "node_id": node.node_id,
        "peer_address": node.peer_address,
        "client_address": node.client_address,
        "voter": node.voter,
        "witness_key": node.witness_key.hex(),
        "log_key": node.log_key.hex(),
        "certificates": [
            {
                "sha256": sha256(certificate.der).hexdigest(),
                "valid_until_us": certificate.valid_until_us,
            }
            for certificate in node.certificates
        ],
    }
