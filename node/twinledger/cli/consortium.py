"""`twinledger consortium`: members and their nodes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from twinledger.cli import changes, evidence, voting
from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.files import replace_file
from twinledger.cli.options import DIRECTORY, FILE, json_option
from twinledger.cli.output import print_json, print_table, time_text
from twinledger.cli.parts import load_part
from twinledger.cli.passphrases import ask_passphrase, new_passphrase, sealed_option
from twinledger.cli.recover import recover
from twinledger.client import Consortium, Identity, Ledger, Member, Profile
from twinledger.client.certificates import fingerprint

_JOIN_EXAMPLE = """
twinledger consortium join init D --member utility --node utility-1 \\
    --peer-address 10.0.0.1:7201 --client-address 10.0.0.1:7101
"""


@click.group(cls=ExampledGroup, example="twinledger consortium show --devnet D")
def consortium() -> None:
    """Shows members and their nodes, and changes them by plan, proposal and vote."""


consortium.add_command(
    changes.changes("plan", changes.show_plan, "Shows what a change would do, and changes nothing.")
)
consortium.add_command(
    changes.changes("propose", changes.propose, "Plans a change and puts it to the vote.")
)
for command in (
    voting.proposals,
    voting.vote,
    voting.withdraw,
    voting.update_node,
    voting.replace_node,
    voting.bring_node,
    evidence.evidence,
    recover,
):
    consortium.add_command(command)


@consortium.group(cls=ExampledGroup, example=_JOIN_EXAMPLE)
def join() -> None:
    """Prepares a company to become a member."""


@join.command(example=_JOIN_EXAMPLE)
@click.argument("folder", type=DIRECTORY)
@click.option("--member", required=True, help="The company's name in the consortium.")
@click.option("--node", "node_id", required=True, help="Its node's id; never used twice.")
@click.option("--peer-address", required=True, metavar="HOST:PORT", help="For other nodes.")
@click.option("--client-address", required=True, metavar="HOST:PORT", help="For clients.")
@click.option("--admin", default="admin", show_default=True, help="Its first admin's name.")
@click.option("--identity", type=FILE, help="The key file of an admin that there is already.")
@click.option(
    "--valid-days",
    type=click.IntRange(1, 36_500),
    default=730,
    show_default=True,
    help="How long the node's certificate counts.",
)
@sealed_option
@json_option
def init(folder: Path, identity: Path | None, sealed: bool, as_json: bool, **about: Any) -> None:
    """Makes a member's keys, and the join file to hand over.

    The folder gets MEMBER.ADMIN.key, the node's keys in keys/, and join.json. Only join.json leaves
    it: founders add it to the genesis file (`genesis add`), a member of a running consortium
    proposes it (`consortium propose admit`). Later the folder becomes the node's (`node init`).
    """
    part = load_part("twinledger.cli.join_making", "node")
    new = part.NewMember(**about)
    admin = Identity.load(identity, ask_passphrase) if identity else None
    made = part.make_join(folder, new, new_passphrase(folder, sealed), admin)
    file = folder / part.JOIN_FILE
    if as_json:
        print_json({"join_file": str(file), "member": made.member.name, "node_id": new.node_id})
    else:
        click.echo(f"Made {file}. Hand it over; keep everything else in {folder} to yourself.")


@consortium.command(example="twinledger consortium show --devnet D")
@json_option
@connection_options
def show(as_json: bool, connection: Connection) -> None:
    """Shows the members and their nodes as the ledger has them."""

    async def work(ledger: Ledger) -> Consortium:
        return await ledger.consortium()

    found = connection.run(work)
    if as_json:
        print_json(_json(found))
        return
    click.echo(f"{found.name}, chain {found.chain_id.hex()}, at height {found.height}")
    print_table(
        ("MEMBER", "NODE", "PEER ADDRESS", "CLIENT ADDRESS", "VOTER", "CERTIFICATE UNTIL"),
        [row for member in found.members for row in _rows(member)],
    )
    for member in found.members:
        for node in member.nodes:
            if node.disqualified:
                click.echo(
                    f"Disqualified: {member.name}/{node.node_id} signed two histories with the key "
                    f"{node.witness_key.hex()}; it counts no more."
                )


@consortium.command(example="twinledger consortium profile fresh.toml --profile profile.toml")
@click.argument("out", type=FILE)
@json_option
@connection_options
def profile(out: Path, as_json: bool, connection: Connection) -> None:
    """Writes a fresh profile: the nodes as the ledger has them now, with their certificates.

    For clients whose profile is old, and for a node that was away while others changed their
    certificates (`node run --peers`). It says what the node that was asked says.
    """

    async def work(ledger: Ledger) -> Profile:
        now = await ledger.consortium()
        return connection.target.trusted.with_nodes(now.trusted_nodes, now.height)

    fresh = replace(connection.run(work), key=None)
    replace_file(out, fresh.to_toml().encode())
    if as_json:
        print_json({"profile": str(out), "height": fresh.height})
    else:
        click.echo(f"Wrote {out}: {len(fresh.nodes)} nodes as of height {fresh.height}.")


def _rows(member: Member) -> list[tuple[object, ...]]:
    """A member's nodes; a member without one is one all the same."""
    return [
        (
            member.name,
            node.node_id,
            node.peer_address,
            node.client_address,
            node.voter,
            time_text(node.certificates[-1][1]) if node.certificates else "-",
        )
        for node in member.nodes
    ] or [(member.name, *("-",) * 5)]


def _json(found: Consortium) -> dict[str, object]:
    return {
        "chain_id": found.chain_id.hex(),
        "name": found.name,
        "height": found.height,
        "members": [
            {
                "name": member.name,
                "nodes": [
                    {
                        "id": node.node_id,
                        "peer_address": node.peer_address,
                        "client_address": node.client_address,
                        "voter": node.voter,
                        "witness_key": node.witness_key.hex(),
                        "disqualified": node.disqualified,
                        "certificates": [
                            {"fingerprint": fingerprint(der), "valid_until_us": until_us}
                            for der, until_us in node.certificates
                        ],
                    }
                    for node in member.nodes
                ],
            }
            for member in found.members
        ],
    }
