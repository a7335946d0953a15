"""The verbs of `twinledger twin` that read twins."""

from contextlib import aclosing
from typing import Any

import click

from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.options import json_option
from twinledger.cli.output import (
    print_fields,
    print_json,
    print_json_line,
    print_table,
    time_text,
)
from twinledger.cli.rendering import (
    operation_text,
    trace_json,
    twin_json,
    twin_summary_json,
    update_json,
    value_text,
)
from twinledger.client import Cursor, Direction, Ledger, Trace, Twin, TwinUpdate


@click.command(cls=ExampledCommand, example="twinledger twin get pump-7 --devnet D")
@click.argument("twin_id", metavar="ID")
@json_option
@connection_options
def get(twin_id: str, as_json: bool, connection: Connection) -> None:
    """Shows a twin: its properties, where each value came from, and its relationships."""

    async def work(ledger: Ledger) -> Twin:
        return await ledger.twins.get(twin_id)

    found = connection.run(work)
    if as_json:
        print_json(twin_json(found))
    else:
        _print_twin(found)


def _print_twin(found: Twin) -> None:
    print_fields(
        [
            ("twin", found.id),
            ("model", found.model or None),
            ("owner", found.owner),
            ("version", found.version),
            ("retired", "yes" if found.retired else "no"),
            ("successor", found.successor),
            ("history head", found.history_head.hex()),
            ("at height", found.height),
        ]
    )
    if found.properties:
        click.echo()
        print_table(
            ("PROPERTY", "SIDE", "VALUE", "BY", "OBSERVED", "BLOCK TIME"),
            [
                (
                    each.path,
                    each.section,
                    value_text(each.value),
                    ",".join(each.origin.authors),
                    time_text(each.origin.observed_at_us),
                    time_text(each.origin.block_time_us),
                )
                for each in found.properties
            ],
        )
    if found.relationships:
        click.echo()
        rows = [(each.name, each.target_id) for each in found.relationships]
        print_table(("RELATIONSHIP", "TARGET"), rows)


@click.command(
    "list", cls=ExampledCommand, example="twinledger twin list --prefix pump- --devnet D"
)
@click.option("--prefix", default="", help="Only ids that begin so.")
@click.option("--owner", default="", help="Only twins of this member.")
@click.option("--model", default="", help="Only twins of this model.")
@click.option("--active", is_flag=True, help="Leave retired twins out.")
@json_option
@connection_options
def list_twins(
    prefix: str, owner: str, model: str, active: bool, as_json: bool, connection: Connection
) -> None:
    """Lists twins in the order of their ids."""

    async def work(ledger: Ledger) -> list[Twin]:
        twins = ledger.twins.list(prefix=prefix, owner=owner, model=model, only_active=active)
        return [twin async for twin in twins]

    found = connection.run(work)
    if as_json:
        print_json({"twins": [twin_summary_json(twin) for twin in found]})
        return
    print_table(
        ("TWIN", "OWNER", "VERSION", "STATE", "MODEL"),
        [
            (twin.id, twin.owner, twin.version, "retired" if twin.retired else "-", twin.model)
            for twin in found
        ],
    )


@click.command(cls=ExampledCommand, example="twinledger twin history pump-7 --devnet D")
@click.argument("twin_id", metavar="ID")
@click.option("--after-version", type=click.IntRange(min=0), default=0, help="Only later ones.")
@json_option
@connection_options
def history(twin_id: str, after_version: int, as_json: bool, connection: Connection) -> None:
    """Shows every update of a twin, oldest first: who, when by two clocks, and what."""

    async def work(ledger: Ledger) -> list[TwinUpdate]:
        updates = ledger.twins.history(twin_id, after_version=after_version)
        return [update async for update in updates]

    found = connection.run(work)
    if as_json:
        print_json({"twin": twin_id, "updates": [update_json(update) for update in found]})
        return
    print_table(
        ("VERSION", "PLACE", "BLOCK TIME", "OBSERVED", "BY", "WHAT"), [_row(u) for u in found]
    )


def _row(update: TwinUpdate) -> tuple[Any, ...]:
    origin = update.origin
    return (
        update.version,
        origin.cursor,
        time_text(origin.block_time_us),
        time_text(origin.observed_at_us),
        ",".join(origin.authors),
        operation_text(update.operation),
    )


@click.command(
    cls=ExampledCommand, example="twinledger twin trace pump-7 --direction downstream --devnet D"
)
@click.argument("twin_id", metavar="ID")
@click.option(
    "--direction",
    type=click.Choice([each.value for each in Direction]),
    default=Direction.DOWNSTREAM.value,
    show_default=True,
    help="From source to target, or back.",
)
@click.option("--depth", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--name", "names", multiple=True, help="Follow only relationships of this name.")
@json_option
@connection_options
def trace(
    twin_id: str,
    direction: str,
    depth: int,
    names: tuple[str, ...],
    as_json: bool,
    connection: Connection,
) -> None:
    """Shows what lies down or up the relationships of a twin, nearest first."""

    async def work(ledger: Ledger) -> Trace:
        way = Direction(direction)
        return await ledger.twins.trace(twin_id, way, max_depth=depth, names=names)

    found = connection.run(work)
    if as_json:
        print_json(trace_json(found))
        return
    for twin in found.twins:
        click.echo("  " * twin.depth + twin.id + (f"  ({twin.model})" if twin.model else ""))
    if found.truncated:
        click.echo("... and more: raise --depth", err=True)


@click.command(
    cls=ExampledCommand,
    example="""
twinledger twin watch pump-7 --devnet D
twinledger twin watch --prefix pump- --after 12:0 --limit 100 --json --devnet D
""",
)
@click.argument("twin_ids", nargs=-1, metavar="[ID]...")
@click.option("--prefix", default="", help="Only ids that begin so.")
@click.option("--after", metavar="HEIGHT:INDEX", help="Begin after this cursor, not now.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many updates.")
@json_option
@connection_options
def watch(
    twin_ids: tuple[str, ...],
    prefix: str,
    after: str | None,
    limit: int | None,
    as_json: bool,
    connection: Connection,
) -> None:
    """Shows updates as they happen, until Ctrl-C; nothing is left out when a node is lost.

    With --json one object a line; its `cursor` is where to resume with --after.
    """
    cursor = Cursor.parse(after) if after else None

    async def work(ledger: Ledger) -> None:
        shown = 0
        async with aclosing(ledger.watch(*twin_ids, prefix=prefix, after=cursor)) as updates:
            async for update in updates:
                _print_update(update, as_json)
                shown += 1
                if shown == limit:
                    return

    connection.run(work)


def _print_update(update: TwinUpdate, as_json: bool) -> None:
    if as_json:
        print_json_line(update_json(update))
        return
    by = ",".join(update.origin.authors)
    what = operation_text(update.operation)
    click.echo(f"{update.cursor}  {update.twin_id}  v{update.version}  {by}  {what}")
