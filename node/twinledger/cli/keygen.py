"""`twinledger keygen`."""

from pathlib import Path

import click

from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_fields, print_json
from twinledger.cli.passphrases import new_passphrase, sealed_option
from twinledger.client import Identity


@click.command(cls=ExampledCommand, example="twinledger keygen utility/gateway-1 --out gateway.key")
@click.argument("identity", metavar="MEMBER/NAME")
@click.option("--out", type=FILE, help="Where to write it. [default: MEMBER.NAME.key]")
@sealed_option
@json_option
def keygen(identity: str, out: Path | None, sealed: bool, as_json: bool) -> None:
    """Makes a key for an identity and writes it to a file that only you can read.

    Hand the public key to an admin of the member, who admits the identity with it. A file that
    exists is never overwritten.
    """
    made = Identity.generate(identity)
    out = out or Path(f"{identity.replace('/', '.')}.key")
    made.save(out, new_passphrase(out, sealed))
    fields = {"identity": made.name, "public_key": made.public_key.hex(), "file": str(out)}
    if as_json:
        print_json(fields)
    else:
        print_fields(fields.items())
