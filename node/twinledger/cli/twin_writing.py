"""The verbs of `twinledger twin` that change twins; each is one transaction of one operation."""

from collections.abc import Awaitable, Callable

import click

from twinledger.cli.arguments import amounts, assignments, time_of
from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.options import expected_version_option, json_option
from twinledger.cli.output import print_json
from twinledger.cli.rendering import receipt_json
from twinledger.client import Ledger, Receipt

_OBSERVED = click.option(
    "--observed-at",
    callback=time_of,
    metavar="TIME",
    help="When the device saw it: ISO 8601 with a zone, or microseconds since 1970.",
)


def report(
    connection: Connection, as_json: bool, work: Callable[[Ledger], Awaitable[Receipt]]
) -> None:
    """Does the work and tells of its transaction what it did, and in which block."""
    receipt = connection.run(work)
    if as_json:
        print_json(receipt_json(receipt))
        return
    for event in receipt.events:
        click.echo(f"{event.kind} {event.subject}, version {event.version}")
    click.echo(f"in block {receipt.height}, transaction {receipt.transaction_id.hex()}")


@click.command(
    cls=ExampledCommand,
    example="""
twinledger twin create pump-7 flow=12.5 state=on --model dtmi:example:Pump;1
twinledger twin create tank-1 'limits={"low": 0.5, "high": 9.0}' --desired level=5.0
""",
)
@click.argument("twin_id", metavar="ID")
@click.argument("values", nargs=-1, metavar="[PATH=VALUE]...")
@click.option("--model", default="", help="What kind of thing it is, for example a DTMI.")
@click.option("--desired", multiple=True, metavar="PATH=VALUE", help="A desired value.")
@_OBSERVED
@json_option
@connection_options
def create(
    twin_id: str,
    values: tuple[str, ...],
    model: str,
    desired: tuple[str, ...],
    observed_at: int | None,
    as_json: bool,
    connection: Connection,
) -> None:
    """Creates a twin, owned by the member that signs."""
    reported, wanted = assignments(values), assignments(desired)

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.twins.create(
            twin_id, model=model, set=reported, desired=wanted, observed_at=observed_at
        )

    report(connection, as_json, work)


@click.command(
    "set",
    cls=ExampledCommand,
    example="""
twinledger twin set pump-7 flow=13.0 state=on --expected-version 3
twinledger twin set pump-7 --increment starts=1 --delete note --desired flow=15.0
""",
)
@click.argument("twin_id", metavar="ID")
@click.argument("values", nargs=-1, metavar="[PATH=VALUE]...")
@click.option("--desired", multiple=True, metavar="PATH=VALUE", help="A desired value.")
@click.option("--delete", multiple=True, metavar="PATH", help="Delete a reported property.")
@click.option(
    "--increment",
    multiple=True,
    metavar="PATH=AMOUNT",
    help="Add to an int (1) or a double (1.0).",
)
@expected_version_option
@_OBSERVED
@json_option
@connection_options
def set_properties(
    twin_id: str,
    values: tuple[str, ...],
    desired: tuple[str, ...],
    delete: tuple[str, ...],
    increment: tuple[str, ...],
    expected_version: int | None,
    observed_at: int | None,
    as_json: bool,
    connection: Connection,
) -> None:
    """Changes properties of a twin, all or none.

    Deletions come first, then values, increments, and desired values.
    """
    reported, wanted, added = assignments(values), assignments(desired), amounts(increment)

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.twins.update(
            twin_id,
            set=reported,
            delete=delete,
            increment=added,
            desired=wanted,
            expected_version=expected_version,
            observed_at=observed_at,
        )

    report(connection, as_json, work)


@click.command(cls=ExampledCommand, example="twinledger twin relate pump-7 feeds tank-1 --devnet D")
@click.argument("source", metavar="SOURCE")
@click.argument("name", metavar="NAME")
@click.argument("target", metavar="TARGET")
@expected_version_option
@json_option
@connection_options
def relate(
    source: str,
    name: str,
    target: str,
    expected_version: int | None,
    as_json: bool,
    connection: Connection,
) -> None:
    """Adds the relationship NAME from one twin to another."""

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.twins.relate(source, name, target, expected_version=expected_version)

    report(connection, as_json, work)


@click.command(
    cls=ExampledCommand, example="twinledger twin unrelate pump-7 feeds tank-1 --devnet D"
)
@click.argument("source", metavar="SOURCE")
@click.argument("name", metavar="NAME")
@click.argument("target", metavar="TARGET")
@expected_version_option
@json_option
@connection_options
def unrelate(
    source: str,
    name: str,
    target: str,
    expected_version: int | None,
    as_json: bool,
    connection: Connection,
) -> None:
    """Removes a relationship."""

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.twins.unrelate(source, name, target, expected_version=expected_version)

    report(connection, as_json, work)


@click.command(
    cls=ExampledCommand, example="twinledger twin retire pump-7 --successor pump-8 --devnet D"
)
@click.argument("twin_id", metavar="ID")
@click.option("--successor", default="", metavar="ID", help="The twin that takes its place.")
@expected_version_option
@json_option
@connection_options
def retire(
    twin_id: str,
    successor: str,
    expected_version: int | None,
    as_json: bool,
    connection: Connection,
) -> None:
    """Ends a twin's life: it can be read for ever and never changed again."""

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.twins.retire(
            twin_id, successor=successor, expected_version=expected_version
        )

    report(connection, as_json, work)
