"""The verbs of `twinledger access` that change a policy; each is a transaction of one operation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from twinledger.cli.arguments import time_of
from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.options import expected_version_option, json_option
from twinledger.cli.signing import also_sign_option, authors_of
from twinledger.cli.twin_writing import report
from twinledger.client import Effect, Ledger, Permission, Receipt
from twinledger.client.access_json import effect_named, permission_named

_PERMISSION = click.Choice([str(each.name).lower() for each in Permission])

_TWIN = click.argument("twin_id", metavar="TWIN")
_SUBJECT = click.argument("subject")
_NAMED = click.argument("named", metavar="PERMISSION...", nargs=-1, required=True, type=_PERMISSION)
_PATH = click.option("--path", default="", help="The part of the twin; left out, the whole.")
_UNTIL = click.option(
    "--until",
    callback=time_of,
    metavar="TIME",
    help="When it ends: ISO 8601 with a zone, or microseconds since 1970.",
)


def _changing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every verb that changes a policy."""
    for decorate in (connection_options, json_option, also_sign_option, expected_version_option):
        command = decorate(command)
    return command


@click.command(
    cls=ExampledCommand,
    example="""
twinledger access grant pump-7 member:maintenance read write --path reported/motor --devnet D
twinledger access grant pump-7 identity:regulator/eve read --until 2027-01-01T00:00Z --devnet D
""",
)
@_TWIN
@_SUBJECT
@_NAMED
@_PATH
@_UNTIL
@_changing
def grant(twin_id: str, subject: str, named: tuple[str, ...], **options: Any) -> None:
    """Grants permissions, in the place of those granted to this subject at this path before."""
    _put(Effect.GRANT, twin_id, subject, named, **options)


@click.command(
    cls=ExampledCommand,
    example="twinledger access revoke pump-7 everyone:device write --path desired --devnet D",
)
@_TWIN
@_SUBJECT
@_NAMED
@_PATH
@_UNTIL
@_changing
def revoke(twin_id: str, subject: str, named: tuple[str, ...], **options: Any) -> None:
    """Revokes permissions that a rule at this path or above it grants.

    That is a rule too: it stays in force until it ends or is dropped. To take back a grant and
    leave everything else as it is, drop the grant.
    """
    _put(Effect.REVOKE, twin_id, subject, named, **options)


def _put(
    effect: Effect,
    twin_id: str,
    subject: str,
    named: tuple[str, ...],
    *,
    path: str,
    until: int | None,
    expected_version: int | None,
    also: tuple[Path, ...],
    as_json: bool,
    connection: Connection,
) -> None:
    permissions = [permission_named(each) for each in named]
    authors = authors_of(connection, also)

    async def work(ledger: Ledger) -> Receipt:
        put = ledger.access.grant if effect is Effect.GRANT else ledger.access.revoke
        return await put(
            twin_id,
            subject,
            permissions,
            path=path,
            expires_at=until,
            expected_version=expected_version,
            authors=authors,
        )

    report(connection, as_json, work)


@click.command(
    cls=ExampledCommand,
    example="twinledger access drop pump-7 member:maintenance --path reported/motor --devnet D",
)
@_TWIN
@_SUBJECT
@_PATH
@click.option(
    "--effect",
    type=click.Choice([each.name.lower() for each in Effect]),
    default="grant",
    show_default=True,
    help="Which of the two rules there may be.",
)
@_changing
def drop(
    twin_id: str,
    subject: str,
    path: str,
    effect: str,
    expected_version: int | None,
    also: tuple[Path, ...],
    as_json: bool,
    connection: Connection,
) -> None:
    """Takes a rule out of the policy: a grant, or with --effect revoke what revokes."""
    authors = authors_of(connection, also)

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.access.drop(
            twin_id,
            subject,
            path=path,
            effect=effect_named(effect),
            expected_version=expected_version,
            authors=authors,
        )

    report(connection, as_json, work)


@click.command(
    "sign-off",
    cls=ExampledCommand,
    example="""
twinledger access sign-off pump-7 2 member:utility member:maintenance --for transfer --devnet D
""",
)
@_TWIN
@click.argument("required", type=click.IntRange(1))
@click.argument("parties", metavar="PARTY...", nargs=-1, required=True)
@click.option(
    "--for",
    "named",
    type=_PERMISSION,
    multiple=True,
    required=True,
    help="What takes the signatures; again for several.",
)
@_PATH
@_UNTIL
@_changing
def sign_off(
    twin_id: str,
    required: int,
    parties: tuple[str, ...],
    named: tuple[str, ...],
    path: str,
    until: int | None,
    expected_version: int | None,
    also: tuple[Path, ...],
    as_json: bool,
    connection: Connection,
) -> None:
    """Demands that REQUIRED of the parties sign; each author counts for one of them.

    A PARTY is member:NAME, member:NAME:ROLE or identity:MEMBER/NAME. Changing what is demanded
    takes the signatures that are demanded now.
    """
    permissions = [permission_named(each) for each in named]
    authors = authors_of(connection, also)

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.access.sign_off(
            twin_id,
            required,
            parties,
            permissions,
            path=path,
            expires_at=until,
            expected_version=expected_version,
            authors=authors,
        )

    report(connection, as_json, work)


@click.command(
    cls=ExampledCommand,
    example="twinledger access lift pump-7 --also-sign D/keys/maintenance.admin.key --devnet D",
)
@_TWIN
@_PATH
@_changing
def lift(
    twin_id: str,
    path: str,
    expected_version: int | None,
    also: tuple[Path, ...],
    as_json: bool,
    connection: Connection,
) -> None:
    """Lifts the sign-off at a path, with the signatures that it demands."""
    authors = authors_of(connection, also)

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.access.lift(
            twin_id, path=path, expected_version=expected_version, authors=authors
        )

    report(connection, as_json, work)


@click.command(
    cls=ExampledCommand,
    example="""
twinledger access transfer pump-7 maintenance \\
    --also-sign D/keys/maintenance.admin.key --devnet D
""",
)
@_TWIN
@click.argument("new_owner", metavar="MEMBER")
@_changing
def transfer(
    twin_id: str,
    new_owner: str,
    expected_version: int | None,
    also: tuple[Path, ...],
    as_json: bool,
    connection: Connection,
) -> None:
    """Hands a twin over to another member, of which an admin or operator must sign too.

    Its rules and sign-offs stay as they are.
    """
    authors = authors_of(connection, also)

    async def work(ledger: Ledger) -> Receipt:
        return await ledger.access.transfer(
            twin_id, new_owner, expected_version=expected_version, authors=authors
        )

    report(connection, as_json, work)
