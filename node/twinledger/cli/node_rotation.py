"""`twinledger node rotate-key`."""

from pathlib import Path
from typing import Any

import click

from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_json
from twinledger.cli.parts import load_part
from twinledger.client.certificates import fingerprint


@click.command(
    "rotate-key",
    cls=ExampledCommand,
    example="""
twinledger node rotate-key --config node/node.toml --profile admin.toml
twinledger node rotate-key --config node/node.toml --profile admin.toml --renew
twinledger node rotate-key --config node/node.toml --profile admin.toml --witness --log
""",
)
@click.option("--config", type=FILE, required=True, help="The node's node.toml.")
@click.option("--drop-old", is_flag=True, help="The old key may have leaked: cut it off at once.")
@click.option("--renew", is_flag=True, help="Only let the certificate count for longer.")
@click.option("--witness", is_flag=True, help="Another key to cosign heads with, instead.")
@click.option("--log", is_flag=True, help="Another key for the log's own line, instead.")
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
    witness: bool,
    log: bool,
    valid_days: int,
    as_json: bool,
    connection: Connection,
) -> None:
    """Gives a node a new transport key and certificate, or other keys, while it runs.

    An admin of its member signs. The old certificate counts beside the new one until the next
    change, so that nobody is cut off who has not heard of the new one.

    --witness and --log, alone or together, change those keys and leave the certificate. The node
    hands over and opens its folder anew with them; the old keys never count again.
    """
    if drop_old and renew:
        raise click.UsageError("--renew changes no key, so there is none to drop")
    if (witness or log) and (drop_old or renew):
        raise click.UsageError("--witness and --log are not about certificates")
    part = load_part("twinledger.cli.key_rotation", "node")
    settings = load_part("twinledger.node.configuration", "node").load(config)
    signing = connection.signing_for(part.owner(settings))
    if witness or log:
        _rotate_signing(settings, signing, as_json, witness=witness, log=log)
        return
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


def _rotate_signing(
    settings: Any, connection: Connection, as_json: bool, *, witness: bool, log: bool
) -> None:
    part = load_part("twinledger.cli.signing_key_rotation", "node")
    names = [part.WITNESS] * witness + [part.LOG] * log
    done = part.rotate_signing(settings, connection, names)
    if as_json:
        keys = {name.removesuffix(".key"): key.hex() for name, key in done.keys.items()}
        print_json(
            {
                "node_id": settings.node.id,
                "keys": keys,
                "height": done.height,
                "taken": done.taken,
            }
        )
        return
    for name, key in done.keys.items():
        click.echo(f"Recorded {name} {key.hex()} in block {done.height}.")
    if done.taken is False:
        click.echo("The node does not use it yet; its log says why.")
