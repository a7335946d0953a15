"""`twinledger access`: who may do what to a twin, and why."""

import click

from twinledger.cli import access_changing
from twinledger.cli.access_rendering import (
    explanation_json,
    policy_json,
    print_explanation,
    print_policy,
)
from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.options import json_option
from twinledger.cli.output import print_json
from twinledger.client import Explanation, Ledger, TwinPolicy


@click.group(
    cls=ExampledGroup,
    example="""
twinledger access grant pump-7 member:maintenance read write --path reported/motor --devnet D
twinledger access explain maintenance/admin pump-7 reported/motor --devnet D
""",
)
def access() -> None:
    """Grants, revokes and explains who may do what to a twin.

    SUBJECT is everyone, everyone:ROLE, member:NAME, member:NAME:ROLE or identity:MEMBER/NAME. A
    path is reported, desired or relationship, and perhaps what lies below: reported/motor/speed.
    """


@access.command("list", example="twinledger access list pump-7 --devnet D")
@click.argument("twin_id", metavar="TWIN")
@json_option
@connection_options
def list_rules(twin_id: str, as_json: bool, connection: Connection) -> None:
    """Shows a twin's rules and sign-offs, as far as you may see them."""

    async def work(ledger: Ledger) -> TwinPolicy:
        return await ledger.access.policy(twin_id)

    found = connection.run(work)
    if as_json:
        print_json(policy_json(found))
    else:
        print_policy(twin_id, found)


@access.command(
    example="""
twinledger access explain maintenance/admin pump-7 reported/motor --devnet D
twinledger access explain utility/gateway-1 pump-7 --devnet D
"""
)
@click.argument("about", metavar="IDENTITY")
@click.argument("twin_id", metavar="TWIN")
@click.argument("path", default="")
@json_option
@connection_options
def explain(about: str, twin_id: str, path: str, as_json: bool, connection: Connection) -> None:
    """Tells what an identity may do at a path of a twin, and the rule that decides it.

    Without a PATH it is about the whole twin. About others than yourself you may ask when you
    administer the twin, or read everything.
    """

    async def work(ledger: Ledger) -> Explanation:
        return await ledger.access.explain(twin_id, path, identity=about)

    found = connection.run(work)
    if as_json:
        print_json({"identity": about, "twin": twin_id, "path": path, **explanation_json(found)})
        return
    click.echo(f"{about}, of {path or 'the whole'} of {twin_id}, at height {found.height}")
    print_explanation(found)


for _command in (
    access_changing.grant,
    access_changing.revoke,
    access_changing.drop,
    access_changing.sign_off,
    access_changing.lift,
    access_changing.transfer,
):
    access.add_command(_command)
