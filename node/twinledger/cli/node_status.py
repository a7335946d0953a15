"""`twinledger node status`: how one node is, or why it stopped."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from twinledger.cli.connection import find_target, names_a_node
from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.metrics import metrics_text
from twinledger.cli.options import DIRECTORY, FILE, SECONDS, json_option
from twinledger.cli.output import print_fields, print_json, print_table, time_text
from twinledger.cli.parts import load_part
from twinledger.cli.passphrases import ask_passphrase
from twinledger.cli.rendering import node_status_json
from twinledger.client import Identity, NodeStatus, Profile
from twinledger.client.attempts import Attempts, Deadline
from twinledger.client.consortium_records import read_consortium
from twinledger.client.nodes import Endpoint, Node, Nodes, endpoints_of
from twinledger.client.read_tokens import ReadTokens
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1 import operator_service_pb2


@click.command(
    cls=ExampledCommand,
    example="""
twinledger node status --config node/node.toml --key keys/admin.key
twinledger node status --node utility-1 --profile profile.toml --json
twinledger node status --config node/node.toml --key keys/admin.key --metrics
""",
)
@click.option("--config", type=FILE, help="The node's node.toml.")
@click.option("--node", "name", metavar="NODE", help="The node's id, or its client address.")
@click.option("--devnet", type=DIRECTORY, help="With --node: the devnet it belongs to.")
@click.option("--profile", type=FILE, help="With --node: the profile that names it.")
@click.option("--key", type=FILE, help="Call as the identity of this key file.")
@click.option(
    "--timeout", "seconds", type=SECONDS, default=5.0, show_default=True, help="Seconds to wait."
)
@click.option("--metrics", is_flag=True, help="Print it as Prometheus reads it.")
@json_option
@click.pass_context
def status(
    ctx: click.Context,
    config: Path | None,
    name: str | None,
    devnet: Path | None,
    profile: Path | None,
    key: Path | None,
    seconds: float,
    metrics: bool,
    as_json: bool,
) -> None:
    """Says how one node is; when it is down, why it stopped last time (with --config).

    It takes the key of an admin, operator or auditor: --key, else that of the devnet or profile
    which the options or the environment name.

    Exits 1 when the node is down.
    """
    if (config is None) == (name is None):
        raise click.UsageError("name the node by --config or by --node")
    if config is not None:
        ways = load_part("twinledger.cli.node_folder", "node").own_endpoints(config)
    else:
        ways = endpoints_named(name or "", find_target(devnet, None, profile).trusted)
    try:
        found = asyncio.run(_ask(ways, caller_named(devnet, profile, key), seconds))
    except LedgerError as error:
        if config is None or error.code is not Code.CONNECTION_LOST:
            raise
        _print_down(config, error, as_json)
        ctx.exit(1)
    if metrics:
        click.echo(metrics_text(found), nl=False)
    elif as_json:
        print_json({"running": True, **node_status_json(found)})
    else:
        _print_status(found)


def endpoints_named(name: str, trusted: Profile) -> list[Endpoint]:
    """The ways to one node of a profile, by its id or its client address.

    Raises:
        LedgerError: NO_SUCH_NODE.
    """
    ways = [each for each in endpoints_of(trusted) if name in (each.node_id, each.address)]
    if not ways:
        known = ", ".join(node.node_id for node in trusted.nodes)
        raise LedgerError(Code.NO_SUCH_NODE, f"{name}; the profile names {known}")
    return ways


def caller_named(devnet: Path | None, profile: Path | None, key: Path | None) -> Identity | None:
    """The key that was named, else the target's; a node tells strangers nothing."""
    if key is not None:
        return Identity.load(key, ask_passphrase)
    if devnet is None and profile is None and not names_a_node():
        return None
    return find_target(devnet, None, profile).identity


async def _ask(ways: Sequence[Endpoint], identity: Identity | None, seconds: float) -> NodeStatus:
    tokens = ReadTokens(identity)
    nodes = Nodes(ways, tokens)

    async def attempt(asked: Node, seconds: float) -> NodeStatus:
        if not tokens.chain_id:
            tokens.learn_chain((await read_consortium(asked, seconds)).chain_id)
        request = operator_service_pb2.GetStatusRequest()
        return NodeStatus.from_message(await asked.operator.GetStatus(request, timeout=seconds))

    try:
        return await Attempts(nodes, Deadline(seconds)).run(attempt)
    finally:
        await nodes.close()


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
            ("certified", found.certified_height),
            ("signed", found.signed_height),
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
