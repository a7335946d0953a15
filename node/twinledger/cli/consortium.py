"""`twinledger consortium`: members and their nodes."""

import click

from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.options import json_option
from twinledger.cli.output import print_json, print_table
from twinledger.client import Consortium, Ledger


@click.group(cls=ExampledGroup, example="twinledger consortium show --devnet D")
def consortium() -> None:
    """Shows members and their nodes."""


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
        ("MEMBER", "NODE", "PEER ADDRESS", "CLIENT ADDRESS", "VOTER"),
        [
            (member.name, node.node_id, node.peer_address, node.client_address, node.voter)
            for member in found.members
            for node in member.nodes
        ],
    )


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
                    }
                    for node in member.nodes
                ],
            }
            for member in found.members
        ],
    }
