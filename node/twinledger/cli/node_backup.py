"""`twinledger node backup` and `node restore`: a chain kept, and made a folder again."""

from pathlib import Path

import click

from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.failures import failures_told
from twinledger.cli.options import DIRECTORY, FILE, json_option
from twinledger.cli.output import print_json
from twinledger.cli.parts import load_part
from twinledger.consensus import NodeId


@click.command(
    cls=ExampledCommand,
    example="""
twinledger node backup node/data backup
twinledger node backup --node utility-1 --profile admin.toml backup
""",
)
@click.argument("paths", metavar="[DATA_DIR] OUT", nargs=-1, required=True, type=DIRECTORY)
@click.option("--node", "name", metavar="NODE", help="A running node's id, or its client address.")
@click.option("--devnet", type=DIRECTORY, help="With --node: the devnet it belongs to.")
@click.option("--profile", type=FILE, help="With --node: the profile that names it.")
@click.option("--key", type=FILE, help="With --node: call as the identity of this key file.")
@json_option
def backup(
    paths: tuple[Path, ...],
    name: str | None,
    devnet: Path | None,
    profile: Path | None,
    key: Path | None,
    as_json: bool,
) -> None:
    """Backs up a node's chain, or adds to a backup what came since.

    Of a stopped node, or a copy of its folder: DATA_DIR and OUT. Of a running one: --node and OUT,
    as an admin or operator of its member.

    OUT is a folder. It holds what anyone may check and nothing that lets a node vote or sign: no
    term, no vote, no keys.
    """
    if len(paths) != (1 if name else 2):
        raise click.UsageError("name a stopped node's DATA_DIR and OUT, or --node NODE and OUT")
    out = paths[-1]
    with failures_told():
        if name is None:
            height = load_part("twinledger.storage.backup", "node").write_backup(paths[0], out)
        else:
            part = load_part("twinledger.cli.node_backup_running", "node")
            height = part.back_up_running(name, devnet, profile, key, out)
    if as_json:
        print_json({"backup": str(out), "height": height})
    else:
        click.echo(f"{out} holds the chain up to height {height}.")


@click.command(
    cls=ExampledCommand,
    example="twinledger node restore backup --id utility-2 --dir node-2/data",
)
@click.argument("source", metavar="BACKUP", type=DIRECTORY)
@click.option("--id", "node_id", required=True, help="A new id: not one that was ever used.")
@click.option("--dir", "folder", type=DIRECTORY, required=True, help="The data folder to make.")
@json_option
def restore(source: Path, node_id: str, folder: Path, as_json: bool) -> None:
    """Makes the data folder of a new node of a backup.

    The folder can be audited at once. It has no right to vote or to sign, whatever keys lie beside
    it: its node takes part when the members have recorded it under its new id.
    """
    part = load_part("twinledger.storage.backup", "node")
    with failures_told():
        height = part.restore_backup(source, folder, NodeId(node_id))
    if as_json:
        print_json({"data_dir": str(folder), "node_id": node_id, "height": height})
    else:
        click.echo(f"Made {folder} up to height {height}. Next: twinledger node audit {folder}")
