"""`consortium proposals|vote|withdraw`, and what a member changes about its own node."""

import time
from pathlib import Path

import click

from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.files import read_file
from twinledger.cli.governance_rendering import print_proposals, proposal_json, receipt_text
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_json
from twinledger.cli.rendering import receipt_json
from twinledger.client import Ledger, Operation, Receipt
from twinledger.client import governance_operations as operations
from twinledger.client.governance import Governed
from twinledger.consortium.plan import ground_of
from twinledger.consortium.proposals import Proposal
from twinledger.ledger.errors import Code, LedgerError


@click.command(cls=ExampledCommand, example="twinledger consortium proposals --devnet D")
@json_option
@connection_options
def proposals(as_json: bool, connection: Connection) -> None:
    """Lists proposals, the newest first, decided ones too."""

    async def work(ledger: Ledger) -> tuple[list[Proposal], Governed]:
        return await ledger.proposals(), await ledger.governed()

    found, now = connection.run(work)
    if as_json:
        print_json({"proposals": [proposal_json(each) for each in found]})
    else:
        ground = ground_of(now.consortium, now.protocol)
        print_proposals(found, ground, time.time_ns() // 1000)


@click.command(
    cls=ExampledCommand,
    example="twinledger consortium vote 1 --approve --devnet D --as maker/admin",
)
@click.argument("number", type=click.IntRange(1))
@click.option("--approve/--reject", default=None, required=True, help="The vote.")
@json_option
@connection_options
def vote(number: int, approve: bool, as_json: bool, connection: Connection) -> None:
    """Votes on a proposal for your member. It names the plan that `proposals` shows now."""

    async def work(ledger: Ledger) -> Receipt:
        for proposal in await ledger.proposals():
            if proposal.number == number:
                return await ledger.submit(operations.vote(number, proposal.plan, approve=approve))
        raise LedgerError(Code.PROPOSAL_NOT_FOUND, str(number))

    _tell(connection.run(work), as_json)


@click.command(cls=ExampledCommand, example="twinledger consortium withdraw 1 --devnet D")
@click.argument("number", type=click.IntRange(1))
@json_option
@connection_options
def withdraw(number: int, as_json: bool, connection: Connection) -> None:
    """Takes back a proposal of your member."""
    _tell(_submit(connection, operations.withdraw(number)), as_json)


@click.command(
    cls=ExampledCommand,
    example="twinledger consortium update-node utility-1 --peer-address 10.0.0.9:7201 --devnet D",
)
@click.argument("node_id")
@click.option("--peer-address", metavar="HOST:PORT", help="Where other nodes reach it.")
@click.option("--client-address", metavar="HOST:PORT", help="Where clients reach it.")
@json_option
@connection_options
def update_node(
    node_id: str,
    peer_address: str | None,
    client_address: str | None,
    as_json: bool,
    connection: Connection,
) -> None:
    """Changes the addresses of your member's node on the ledger."""
    operation = operations.update_node(
        node_id, peer_address=peer_address, client_address=client_address
    )
    receipt = _submit(connection, operation)
    if as_json:
        print_json(receipt_json(receipt))
    else:
        click.echo(f"Changed the record of {node_id} in block {receipt.height}.")


@click.command(
    cls=ExampledCommand,
    example="twinledger consortium replace-node utility-1 join.json --devnet D",
)
@click.argument("node_id")
@click.argument("join_file", type=FILE)
@json_option
@connection_options
def replace_node(node_id: str, join_file: Path, as_json: bool, connection: Connection) -> None:
    """Puts the node of a join file in the place of your member's own.

    The id and the keys of the old one are dead for ever. Make the join file with `consortium join
    init --identity`, so that it names the admin that your member has.
    """
    raw = read_file(join_file, Code.JOIN_INVALID)
    receipt = _submit(connection, operations.replace_node(node_id, raw))
    if as_json:
        print_json(receipt_json(receipt))
    else:
        click.echo(f"Replaced {node_id} by {receipt.events[0].subject} in block {receipt.height}.")


@click.command(
    cls=ExampledCommand,
    example="twinledger consortium bring-node join.json --profile recovered.toml",
)
@click.argument("join_file", type=FILE)
@json_option
@connection_options
def bring_node(join_file: Path, as_json: bool, connection: Connection) -> None:
    """Gives your member, which has no node since a recovery, the node of a join file.

    Nobody votes on it. Make the join file with `consortium join init --identity`, so that it names
    the admin that your member has.
    """
    raw = read_file(join_file, Code.JOIN_INVALID)
    receipt = _submit(connection, operations.bring_node(raw))
    if as_json:
        print_json(receipt_json(receipt))
    else:
        click.echo(f"{receipt.events[0].subject} is on record in block {receipt.height}.")


def _submit(connection: Connection, operation: Operation) -> Receipt:
    async def work(ledger: Ledger) -> Receipt:
        return await ledger.submit(operation)

    return connection.run(work)


def _tell(receipt: Receipt, as_json: bool) -> None:
    if as_json:
        print_json(receipt_json(receipt))
    else:
        click.echo(receipt_text(receipt))
