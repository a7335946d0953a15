"""`twinledger devnet`: a local consortium of real processes."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import click

from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.live_table import follow, waiting
from twinledger.cli.options import devnet_dir_option, json_option
from twinledger.cli.output import print_json, print_table
from twinledger.devnet.control import Devnet, DownReport
from twinledger.devnet.creation import NODES_MAX, create
from twinledger.devnet.layout import FILE_NAME, Layout
from twinledger.devnet.status import NodeView, to_json, view_nodes
from twinledger.devnet.trust import refresh_profile
from twinledger.ledger.errors import LedgerError

_DEFAULT_NODES = 4


_COLUMNS: Final = (
    "NODE",
    "MEMBER",
    "PID",
    "CLIENT ADDRESS",
    "ROLE",
    "TERM",
    "HEIGHT",
    "APPLIED",
    "CERTIFIED",
    "HEAD",
)


@click.group(
    cls=ExampledGroup,
    example="""
twinledger devnet up --nodes 4 --dir D --detach
twinledger devnet kill leader --dir D
twinledger devnet down --dir D
""",
)
def devnet() -> None:
    """Runs a local consortium of real processes, one node for each member."""


@devnet.command(example="twinledger devnet up --nodes 4 --dir D --detach")
@click.option(
    "--nodes",
    type=click.IntRange(1, NODES_MAX),
    help=f"How many, for a new devnet. [default: {_DEFAULT_NODES}]",
)
@devnet_dir_option
@click.option("--detach", is_flag=True, help="Return once it runs; else show it until Ctrl-C.")
@click.option("--insecure", is_flag=True, help="For a new devnet: encrypt nothing.")
@json_option
def up(nodes: int | None, folder: Path, detach: bool, insecure: bool, as_json: bool) -> None:
    """Makes a devnet, or starts again one that is down, and waits until it has a leader.

    Without --detach it shows a live table and takes everything down on Ctrl-C. With --json it
    prints what `devnet status --json` prints.
    """
    fresh = not (folder / FILE_NAME).exists()
    net = Devnet(_layout(folder, nodes, insecure))
    try:
        with waiting(f"Starting {len(net.layout.nodes)} nodes and waiting for a leader ..."):
            views = asyncio.run(net.up())
        if not fresh:
            _refresh(net.layout, views)
    except KeyboardInterrupt:
        _say_down(net.down())
        raise
    # Into a pipe or a file the table is written once: a live one would be control characters.
    live = not detach and not as_json and sys.stdout.isatty()
    if not live:
        _print(net.layout, views, as_json)
    if not detach:
        _show_until_interrupted(net, live=live)


def _layout(folder: Path, nodes: int | None, insecure: bool) -> Layout:
    if not (folder / FILE_NAME).exists():
        return create(folder, nodes or _DEFAULT_NODES, insecure=insecure)
    layout = Layout.load(folder)
    if insecure and not layout.profile.insecure:
        raise click.UsageError(f"{folder} holds a devnet that encrypts")
    if nodes is not None and nodes != len(layout.nodes):
        raise click.UsageError(f"{folder} holds a devnet of {len(layout.nodes)} nodes")
    return layout


def _show_until_interrupted(net: Devnet, *, live: bool) -> None:
    try:
        asyncio.run(follow(net.layout, live=live))
    except KeyboardInterrupt:
        click.echo("Stopping ...", err=True)
    finally:
        _say_down(net.down())


@devnet.command(example="twinledger devnet status --dir D --json")
@devnet_dir_option
@json_option
def status(folder: Path, as_json: bool) -> None:
    """Says how every node is."""
    layout = Layout.load(folder)
    views = asyncio.run(view_nodes(layout))
    _refresh(layout, views)
    _print(layout, views, as_json)


@devnet.command(example="twinledger devnet kill leader --dir D")
@click.argument("name", metavar="NODE|leader")
@devnet_dir_option
@json_option
def kill(name: str, folder: Path, as_json: bool) -> None:
    """Ends a node with SIGKILL, as a crash would."""
    net = Devnet(Layout.load(folder))
    node = asyncio.run(net.kill(name))
    if as_json:
        print_json({"killed": node.name})
    else:
        click.echo(f"Killed {node.name}. Next: twinledger devnet restart {node.name}")


@devnet.command(
    example="""
twinledger devnet restart utility-1 --dir D
twinledger devnet restart --rolling --dir D
"""
)
@click.argument("name", metavar="[NODE|leader]", required=False)
@click.option("--rolling", is_flag=True, help="All nodes, one by one, each drained before.")
@devnet_dir_option
@json_option
def restart(name: str | None, rolling: bool, folder: Path, as_json: bool) -> None:
    """Starts a node again, at the same ports; stops it first if it runs.

    With --rolling no client's call fails: see `node drain`. It ends at the first node that cannot
    be drained or does not come back.
    """
    if rolling == (name is not None):
        raise click.UsageError("name a node, or say --rolling for all of them")
    net = Devnet(Layout.load(folder))
    restarted: list[str] = []
    with waiting(f"Restarting {name or 'every node'} ..."):
        if name is not None:
            restarted.append(asyncio.run(net.restart(name)).name)
        else:
            asyncio.run(net.rolling_restart(lambda node: restarted.append(node.name)))
        _refresh(net.layout, asyncio.run(view_nodes(net.layout)))
    if as_json:
        print_json({"restarted": restarted})
    else:
        click.echo(f"Restarted {', '.join(restarted)}.")


@devnet.command(example="twinledger devnet down --dir D")
@devnet_dir_option
@json_option
def down(folder: Path, as_json: bool) -> None:
    """Stops every node; what they store stays, and `devnet up` starts them again."""
    report = Devnet(Layout.load(folder)).down()
    if as_json:
        print_json({"stopped": list(report.stopped), "killed": list(report.killed)})
    else:
        _say_down(report)


def _say_down(report: DownReport) -> None:
    click.echo(f"Stopped {', '.join(report.stopped) or 'nothing: no node was running'}.", err=True)
    for name in report.killed:
        click.echo(f"{name} did not stop when asked and was killed (SIGKILL).", err=True)


def _refresh(layout: Layout, views: list[NodeView]) -> None:
    """Has profile.toml follow the ledger, while a node answers; what it cannot is said."""
    if not any(view.status for view in views):
        return
    try:
        asyncio.run(refresh_profile(layout))
    except LedgerError as error:
        click.echo(f"profile.toml stays as it was: {error.message}", err=True)


def _print(layout: Layout, views: list[NodeView], as_json: bool) -> None:
    if as_json:
        print_json(to_json(layout, views))
        return
    click.echo(f"chain {layout.chain_id.hex()} in {layout.path}")
    print_table(_COLUMNS, [_row(view) for view in views])


def _row(view: NodeView) -> tuple[object, ...]:
    known = view.to_json()
    told = ("role", "term", "height", "applied_height", "certified_height")
    head = known["head"][:16] if known["head"] else None
    shown = ("name", "member", "pid", "client_address", *told)
    return (*(known[key] for key in shown), head)
