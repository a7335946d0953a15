"""`twinledger node`: make, run and look at a node."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import grpc.aio

from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.node_auditing import audit, drill
from twinledger.cli.options import DIRECTORY, FILE, json_option
from twinledger.cli.output import print_fields, print_json, print_table, time_text
from twinledger.cli.parts import load_part
from twinledger.cli.passphrases import ask_passphrase
from twinledger.cli.rendering import node_status_json
from twinledger.client import NodeStatus
from twinledger.client.failures import from_rpc
from twinledger.client.nodes import Node
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1 import operator_service_pb2


@click.group(
    cls=ExampledGroup,
    example="""
twinledger node init --id utility-1 --genesis genesis.json --dir node
twinledger node run --config node/node.toml
twinledger node status --config node/node.toml
twinledger node audit node/data
""",
)
def node() -> None:
    """Makes, runs, looks at and audits a node."""


node.add_command(audit)
node.add_command(drill)


@node.command(example="twinledger node init --id utility-1 --genesis genesis.json --dir node")
@click.option("--id", "node_id", required=True, help="The node's id in the genesis file.")
@click.option("--genesis", type=FILE, required=True, help="The chain's genesis file.")
@click.option("--dir", "folder", type=DIRECTORY, required=True, help="Where the node shall live.")
@click.option("--listen-client", metavar="HOST:PORT", help="[default: as in the genesis file]")
@click.option("--listen-peer", metavar="HOST:PORT", help="[default: as in the genesis file]")
@json_option
def init(
    node_id: str,
    genesis: Path,
    folder: Path,
    listen_client: str | None,
    listen_peer: str | None,
    as_json: bool,
) -> None:
    """Makes a node's folder: node.toml, genesis.json and an empty data folder.

    The folder is the one that `consortium join init` made: it holds the node's keys in keys/, and
    they must be those that the genesis file names.
    """
    part = load_part("twinledger.cli.node_folder", "node")
    config = part.make_node_folder(folder, node_id, genesis, (listen_client, listen_peer))
    if as_json:
        print_json({"config": str(config), "node_id": node_id})
    else:
        click.echo(f"Made {config}. Next: twinledger node run --config {config}")


@node.command(example="twinledger node run --config node/node.toml")
@click.option("--config", type=FILE, required=True, help="The node's node.toml.")
@click.pass_context
def run(ctx: click.Context, config: Path) -> None:
    """Runs a node until it is told to stop (SIGTERM or Ctrl-C).

    It logs JSON lines to standard error. Exit codes: 0 stopped when asked, 65 its data is damaged,
    75 temporary (disk full), 78 configuration; others are faults. last_exit.json in its data folder
    says why, and `node status` shows it.
    """
    ctx.exit(load_part("twinledger.node.main", "node").run(config, ask_passphrase))


@node.command(
    example="""
twinledger node status --config node/node.toml
twinledger node status --node 127.0.0.1:7101 --json
"""
)
@click.option("--config", type=FILE, help="The node's node.toml.")
@click.option("--node", "address", metavar="HOST:PORT", help="The node's client address.")
@click.option("--timeout", "seconds", default=5.0, show_default=True, help="Seconds to wait.")
@json_option
@click.pass_context
def status(
    ctx: click.Context, config: Path | None, address: str | None, seconds: float, as_json: bool
) -> None:
    """Says how one node is; when it is down, why it stopped last time (with --config).

    Exits 1 when the node is down.
    """
    if (config is None) == (address is None):
        raise click.UsageError("name the node by --config or by --node")
    if address is None:
        address = _client_address(config) if config else ""
    try:
        found = asyncio.run(_ask(address, seconds))
    except LedgerError as error:
        if config is None or error.code is not Code.CONNECTION_LOST:
            raise
        _print_down(config, error, as_json)
        ctx.exit(1)
    if as_json:
        print_json({"running": True, **node_status_json(found)})
    else:
        _print_status(found)


async def _ask(address: str, seconds: float) -> NodeStatus:
    asked = Node.at(address)
    try:
        request = operator_service_pb2.GetStatusRequest()
        return NodeStatus.from_message(await asked.operator.GetStatus(request, timeout=seconds))
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error, address) from error
    finally:
        await asked.channel.close(None)


def _client_address(config: Path) -> str:
    settings = load_part("twinledger.node.configuration", "node").load(config)
    return str(settings.listen.client)


def _last_exit(config: Path) -> dict[str, Any] | None:
    settings = load_part("twinledger.node.configuration", "node").load(config)
    storage = load_part("twinledger.storage", "node")
    last = storage.DataFolder.last_exit(settings.node.data_dir)
    return asdict(last) if last else None


def _print_down(config: Path, error: LedgerError, as_json: bool) -> None:
    last = _last_exit(config)
    if as_json:
        print_json({"running": False, "last_exit": last})
        click.echo(json.dumps({"code": error.code, "message": error.message}), err=True)
        return
    click.echo("The node is down.")
    if last is None:
        click.echo("It left no record of why: it never ran, or its end was sudden.")
        return
    click.echo(f"It stopped at {time_text(last['time_us'])}: {last['sentence']} [{last['code']}]")
    if last["next_step"]:
        click.echo(f"  Next: {last['next_step']}")


def _print_status(found: NodeStatus) -> None:
    print_fields(
        [
            ("node", found.node_id),
            ("member", found.member),
            ("chain id", found.chain_id.hex()),
            ("role", found.role),
            ("term", found.term),
            ("leader", found.leader_id),
            ("height", found.height),
            ("committed", found.committed_height),
            ("applied", found.applied_height),
            ("head", found.head.hex()),
            ("block time", time_text(found.block_time_us)),
            ("pool", f"{found.pool_transactions} of {found.pool_capacity} transactions"),
            ("disk free", f"{found.disk_free_bytes >> 20} MiB"),
            ("uptime", f"{found.uptime_us / 1e6:.0f} s"),
            ("version", found.version),
        ]
    )
    click.echo()
    print_table(
        ("PEER", "ADDRESS", "CONNECTED", "MATCH"),
        [(p.node_id, p.address, p.connected, p.match_height) for p in found.peers],
    )
    for warning in found.warnings:
        click.echo(f"Warning: {warning}")
