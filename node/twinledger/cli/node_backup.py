"""`twinledger node backup` and `node restore`: a chain kept, and made a folder again."""

from pathlib import Path

import click

from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.failures import failures_told
from twinledger.cli.options import DIRECTORY, json_option
from twinledger.cli.output import print_json
from twinledger.cli.parts import load_part
from twinledger.consensus import NodeId


@click.command(cls=ExampledCommand, example="twinledger node backup node/data backup")
@click.argument("data_dir", type=DIRECTORY)
@click.argument("out", type=DIRECTORY)
@json_option
def backup(data_dir: Path, out: Path, as_json: bool) -> None:
    """Backs up the chain of a stopped node, or adds to a backup what came since.

    OUT is a folder. It holds what anyone may check and nothing that lets a node vote or sign: no
    term, no vote, no keys.
    """
    part = load_part("twinledger.storage.backup", "node")
    with failures_told():
        height = part.write_backup(data_dir, out)
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
