"""`twinledger node init` and `node run`. A devnet starts many nodes: little is loaded here."""

from pathlib import Path

import click

from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.options import DIRECTORY, FILE, json_option
from twinledger.cli.output import print_json
from twinledger.cli.parts import load_part
from twinledger.cli.passphrases import ask_passphrase


@click.command(
    cls=ExampledCommand,
    example="twinledger node init --id utility-1 --genesis genesis.json --dir node",
)
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


@click.command(cls=ExampledCommand, example="twinledger node run --config node/node.toml")
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
