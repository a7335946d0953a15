"""`twinledger node`: make, run and look at a node."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from twinledger.cli.connection import (
    Connection,
    connection_options,
    find_target,
    names_a_node,
)
from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.node_auditing import audit, drill
from twinledger.cli.node_backup import backup, restore
from twinledger.cli.options import DIRECTORY, FILE, json_option
from twinledger.cli.output import print_fields, print_json, print_table, time_text
from twinledger.cli.parts import load_part
from twinledger.cli.passphrases import ask_passphrase
from twinledger.cli.rendering import node_status_json
from twinledger.client import Identity, NodeStatus, Profile
from twinledger.client.attempts import Attempts, Deadline
from twinledger.client.certificates import fingerprint
from twinledger.client.identities import read_consortium
from twinledger.client.nodes import Endpoint, Node, Nodes, endpoints_of
from twinledger.client.read_tokens import ReadTokens
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1 import operator_service_pb2


@click.group(
    cls=ExampledGroup,
    example="""
twinledger node init --id utility-1 --genesis genesis.json --dir node
twinledger node run --config node/node.toml
twinledger node status --config node/node.toml --key keys/admin.key
twinledger node audit node/data
""",
)
def node() -> None:
    """Makes, runs, looks at and audits a node."""


node.add_command(audit)
node.add_command(drill)
node.add_command(backup)
node.add_command(restore)


@node.command(example="twinledger node init --id utility-1 --genesis genesis.json --dir node")
@click.option("--id", "node_id", required=True, help="The node's id in the genesis file.")
@click.option("--genesis", type=FILE, required=True, help="The chain's genesis file.")
@click.option("--dir", "folder", type=DIRECTORY, required=True, help="Where the node shall live.")
@click.option("--join", type=FILE, help="Of a newcomer, whom genesis does not name: its join file.")
@click.option("--listen-client", metavar="HOST:PORT", help="[default: as in the genesis file]")
@click.option("--listen-peer", metavar="HOST:PORT", help="[default: as in the genesis file]")
@json_option
def init(
    node_id: str,
    genesis: Path,
    folder: Path,
    join: Path | None,
    listen_client: str | None,
    listen_peer: str | None,
    as_json: bool,
) -> None:
    """Makes a node's folder: node.toml, genesis.json and an empty data folder.

    The folder is the one that `consortium join init` made: it holds the node's keys in keys/, and
    they must be those that the genesis file names.
    """
    part = load_part("twinledger.cli.node_folder", "node")
    config = part.make_node_folder(folder, node_id, genesis, (listen_client, listen_peer), join)
    if as_json:
        print_json({"config": str(config), "node_id": node_id})
    else:
        click.echo(f"Made {config}. Next: twinledger node run --config {config}")


@node.command(example="twinledger node run --config node/node.toml")
@click.option("--config", type=FILE, required=True, help="The node's node.toml.")
@click.option(
    "--peers",
    type=FILE,
    help="A fresh profile, for a node that was away while others changed their certificates.",
)
@click.pass_context
def run(ctx: click.Context, config: Path, peers: Path | None) -> None:
    """Runs a node until it is told to stop (SIGTERM or Ctrl-C).

    It logs JSON lines to standard error. Exit codes: 0 stopped when asked, 65 its data is damaged,
    75 temporary (disk full), 78 configuration; others are faults. last_exit.json in its data folder
    says why, and `node status` shows it.
    """
    ctx.exit(load_part("twinledger.node.main", "node").run(config, ask_passphrase, peers))


@node.command(
    "rotate-key",
    example="""
twinledger node rotate-key --config node/node.toml --profile admin.toml
twinledger node rotate-key --config node/node.toml --profile admin.toml --renew
""",
)
@click.option("--config", type=FILE, required=True, help="The node's node.toml.")
@click.option("--drop-old", is_flag=True, help="The old key may have leaked: cut it off at once.")
@click.option("--renew", is_flag=True, help="Only let the certificate count for longer.")
@click.option(
    "--valid-days",
    type=click.IntRange(1, 36_500),
    default=730,
    show_default=True,
    help="How long the certificate counts from now on.",
)
@json_option
@connection_options
def rotate_key(
    config: Path,
    drop_old: bool,
    renew: bool,
    valid_days: int,
    as_json: bool,
    connection: Connection,
) -> None:
    """Gives a node a new transport key and certificate while it runs.

    An admin of its member signs. The old certificate counts beside the new one until the next
    change, so that nobody is cut off who has not heard of the new one.
    """
    if drop_old and renew:
        raise click.UsageError("--renew changes no key, so there is none to drop")
    part = load_part("twinledger.cli.key_rotation", "node")
    settings = load_part("twinledger.node.configuration", "node").load(config)
    signing = connection.signing_for(part.owner(settings))
    if renew:
        done = part.renew(settings, signing, valid_days=valid_days)
    else:
        done = part.rotate(settings, signing, valid_days=valid_days, drop_old=drop_old)
    if as_json:
        print_json(
            {
                "node_id": settings.node.id,
                "certificate": fingerprint(done.certificate),
                "height": done.height,
                "shown": done.shown,
            }
        )
        return
    click.echo(f"Recorded certificate {fingerprint(done.certificate)} in block {done.height}.")
    if done.shown is False:
        click.echo("The node does not show it yet; its log says why.")


@node.command(
    example="""
twinledger node status --config node/node.toml --key keys/admin.key
twinledger node status --node utility-1 --profile profile.toml --json
"""
)
@click.option("--config", type=FILE, help="The node's node.toml.")
@click.option("--node", "name", metavar="NODE", help="The node's id, or its client address.")
@click.option("--devnet", type=DIRECTORY, help="With --node: the devnet it belongs to.")
@click.option("--profile", type=FILE, help="With --node: the profile that names it.")
@click.option("--key", type=FILE, help="Call as the identity of this key file.")
@click.option("--timeout", "seconds", default=5.0, show_default=True, help="Seconds to wait.")
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
        ways = _endpoints(name or "", find_target(devnet, None, profile).trusted)
    try:
        found = asyncio.run(_ask(ways, _caller(devnet, profile, key), seconds))
    except LedgerError as error:
        if config is None or error.code is not Code.CONNECTION_LOST:
            raise
        _print_down(config, error, as_json)
        ctx.exit(1)
    if as_json:
        print_json({"running": True, **node_status_json(found)})
    else:
        _print_status(found)


def _endpoints(name: str, trusted: Profile) -> list[Endpoint]:
    ways = [each for each in endpoints_of(trusted) if name in (each.node_id, each.address)]
    if not ways:
        known = ", ".join(node.node_id for node in trusted.nodes)
        raise LedgerError(Code.NO_SUCH_NODE, f"{name}; the profile names {known}")
    return ways


def _caller(devnet: Path | None, profile: Path | None, key: Path | None) -> Identity | None:
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
