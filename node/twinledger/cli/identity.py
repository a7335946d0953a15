"""`twinledger identity`: who may sign for a member."""

import time
from pathlib import Path

import click

from twinledger.cli.arguments import hex_bytes, time_of
from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_json, print_table, time_text
from twinledger.cli.passphrases import new_passphrase, sealed_option
from twinledger.cli.rendering import identity_json, receipt_json
from twinledger.client import (
    Identity,
    IdentityRecord,
    Ledger,
    LedgerError,
    OutcomeUnknown,
    Receipt,
)
from twinledger.client.governance_operations import rotate_key
from twinledger.client.operation_json import role_named
from twinledger.ledger.keys import PUBLIC_KEY_SIZE
from twinledger.ledger.operations import Role

_ROLES = [role.name.lower() for role in Role]


def _later(ctx: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """A time that is not over, or 0 for none; a click callback."""
    time_us = time_of(ctx, parameter, text)
    if time_us and time_us <= time.time_ns() // 1000:
        raise click.BadParameter(f"{text} is over already")
    return time_us


@click.group(
    cls=ExampledGroup,
    example="twinledger identity add utility/gateway-1 --role device --devnet D",
)
def identity() -> None:
    """Admits and revokes identities of a member; it takes the member's admin."""


@identity.command(
    example="""
twinledger identity add utility/gateway-1 --role device --devnet D
twinledger identity add utility/gateway-1 --role device --valid-until 2099-01-01T00:00Z --devnet D
twinledger identity add utility/gateway-1 --role device --public-key 64HEX --profile admin.toml
"""
)
@click.argument("name", metavar="MEMBER/NAME")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What it may do.")
@click.option("--public-key", metavar="HEX", help="Its public key, as keygen shows it.")
@click.option("--out", type=FILE, help="Make a key and write it here.")
@click.option(
    "--valid-from",
    default="0",
    callback=time_of,
    metavar="TIME",
    help="Before it, it may not sign: ISO 8601 with a zone, or microseconds since 1970.",
)
@click.option(
    "--valid-until", default="0", callback=_later, metavar="TIME", help="From then on neither."
)
@sealed_option
@json_option
@connection_options
def add(
    name: str,
    role: str,
    public_key: str | None,
    out: Path | None,
    valid_from: int,
    valid_until: int,
    sealed: bool,
    as_json: bool,
    connection: Connection,
) -> None:
    """Admits an identity; block times judge its validity.

    Without --public-key a key is made: in the devnet's keys folder, where `--as` finds it, or in
    the file that --out names. On a devnet the member's own admin signs unless --as says otherwise.
    """
    if public_key is not None and out is not None:
        raise click.UsageError("--public-key says that there is a key; --out makes one")
    out = out or connection.key_file(name)
    if public_key is None and out is None:
        raise click.UsageError("name --public-key, or --out to make a key")
    connection = connection.signing_for(name)
    key = hex_bytes(public_key, PUBLIC_KEY_SIZE, "--public-key") if public_key else None
    if key is None and out is not None:
        made = Identity.generate(name)
        made.save(out, new_passphrase(out, sealed))
        key = made.public_key

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.identities.admit(
            name, key or b"", role_named(role), valid_from=valid_from, valid_until=valid_until
        )

    try:
        receipt = connection.run(work)
    except OutcomeUnknown:
        raise  # the ledger may have the key by now, or later
    except LedgerError:
        # A key that nobody admitted would only be in the way of the next try.
        if public_key is None and out is not None:
            out.unlink(missing_ok=True)
        raise
    if as_json:
        print_json(receipt_json(receipt))
    else:
        click.echo(f"Admitted {name} as {role} in block {receipt.height}.")
        if public_key is None:
            click.echo(f"Its key is in {out}.")


@identity.command("list", example="twinledger identity list --member utility --devnet D")
@click.option("--member", default="", help="Only this member's.")
@json_option
@connection_options
def list_identities(member: str, as_json: bool, connection: Connection) -> None:
    """Lists identities, revoked ones too."""

    async def work(ledger: Ledger) -> list[IdentityRecord]:
        return [record async for record in ledger.identities.list(member=member)]

    found = connection.run(work)
    if as_json:
        print_json({"identities": [identity_json(record) for record in found]})
        return
    print_table(
        ("IDENTITY", "ROLE", "STATE", "FROM", "UNTIL", "PUBLIC KEY"),
        [
            (
                each.identity,
                each.role.name.lower(),
                _state(each, time.time_ns() // 1000),
                time_text(each.valid_from_us or None) or "-",
                time_text(each.valid_until_us or None) or "-",
                each.public_key.hex(),
            )
            for each in found
        ],
    )


def _state(record: IdentityRecord, now_us: int) -> str:
    if record.revoked:
        return "revoked"
    if record.valid_from_us > now_us:
        return "not yet"
    return "expired" if 0 < record.valid_until_us <= now_us else "-"


@identity.command(example="twinledger identity revoke utility/gateway-1 --devnet D")
@click.argument("name", metavar="MEMBER/NAME")
@json_option
@connection_options
def revoke(name: str, as_json: bool, connection: Connection) -> None:
    """Revokes an identity for ever; its name is never used again."""

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.identities.revoke(name)

    receipt = connection.signing_for(name).run(work)
    if as_json:
        print_json(receipt_json(receipt))
    else:
        click.echo(f"Revoked {name} in block {receipt.height}.")


@identity.command(example="twinledger identity rotate utility/admin --out new.key --devnet D")
@click.argument("name", metavar="MEMBER/NAME")
@click.option("--out", type=FILE, required=True, help="Where to write the new key.")
@sealed_option
@json_option
@connection_options
def rotate(name: str, out: Path, sealed: bool, as_json: bool, connection: Connection) -> None:
    """Gives an identity another key; the old one signs nothing more.

    Signed by an admin of the member, or by the identity itself. The new key is written before it
    counts, so that it cannot be lost; when the ledger refuses, the file goes again.
    """
    made = Identity.generate(name)
    made.save(out, new_passphrase(out, sealed))

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.submit(rotate_key(name, made.public_key))

    try:
        receipt = connection.signing_for(name).run(work)
    except OutcomeUnknown:
        raise
    except LedgerError:
        out.unlink(missing_ok=True)
        raise
    if as_json:
        print_json(receipt_json(receipt))
    else:
        click.echo(f"{name} has another key since block {receipt.height}; it is in {out}.")
