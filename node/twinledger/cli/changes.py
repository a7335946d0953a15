"""`consortium plan` and `consortium propose`: the same changes, looked at or put to the vote."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import click

from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledCommand, ExampledGroup
from twinledger.cli.files import read_file
from twinledger.cli.governance_rendering import plan_json, print_plan, receipt_text
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_json
from twinledger.cli.rendering import receipt_json
from twinledger.client import Ledger, Receipt
from twinledger.client.governance_operations import propose as propose_operation
from twinledger.consensus import NodeId
from twinledger.consortium.plan import Plan
from twinledger.consortium.rules import RULE_RANGES
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.governance_operations import (
    AdmitMember,
    Change,
    ChangeProtocol,
    ChangeRules,
    RemoveMember,
)
from twinledger.ledger.limits import RANGES
from twinledger.ledger.names import MemberName

Act = Callable[[Change, bool, Connection], None]


def changes(name: str, act: Act, said: str) -> click.Group:
    """A group with a command for each kind of change, all of which do `act`."""
    group = ExampledGroup(
        name, help=said, example=f"twinledger consortium {name} admit join.json --devnet D"
    )
    for command in (_admit, _remove, _rules, _protocol):
        group.add_command(command(name, act))
    return group


def _admit(group: str, act: Act) -> click.Command:
    def admit(join_file: Path, as_json: bool, connection: Connection) -> None:
        """Admits the member of a join file."""
        act(AdmitMember(read_file(join_file, Code.JOIN_INVALID)), as_json, connection)

    arguments = click.argument("join_file", type=FILE)
    return _command(arguments(admit), f"twinledger consortium {group} admit join.json --devnet D")


def _remove(group: str, act: Act) -> click.Command:
    def remove(member: str, as_json: bool, connection: Connection) -> None:
        """Removes a member with its node and its identities."""
        act(RemoveMember(MemberName(member)), as_json, connection)

    argument = click.argument("member")
    return _command(argument(remove), f"twinledger consortium {group} remove maker --devnet D")


def _rules(group: str, act: Act) -> click.Command:
    def rules(numbers: tuple[str, ...], as_json: bool, connection: Connection) -> None:
        """Changes rules and limits, each as NAME=N."""
        act(_changed(numbers), as_json, connection)

    argument = click.argument("numbers", nargs=-1, required=True, metavar="NAME=N...")
    example = f"twinledger consortium {group} rules remove_member_percent=66 --devnet D"
    return _command(argument(rules), example)


def _protocol(group: str, act: Act) -> click.Command:
    def protocol(version: int, height: int, as_json: bool, connection: Connection) -> None:
        """Changes the protocol version from a height on; nodes that do not know it stop there."""
        act(ChangeProtocol(version, height), as_json, connection)

    with_height = click.argument("height", type=click.IntRange(1, 2**63 - 1))(protocol)
    with_both = click.argument("version", type=click.IntRange(1, 2**32 - 1))(with_height)
    return _command(with_both, f"twinledger consortium {group} protocol 2 100000 --devnet D")


def _command(function: Callable[..., Any], example: str) -> click.Command:
    decorated = json_option(connection_options(function))
    return click.command(cls=ExampledCommand, example=example)(decorated)


def _changed(numbers: tuple[str, ...]) -> ChangeRules:
    rules: dict[str, int] = {}
    limits: dict[str, int] = {}
    for text in numbers:
        name, _, number = text.partition("=")
        into = rules if name in RULE_RANGES else limits
        if name not in RULE_RANGES.keys() | RANGES.keys() or not number.isdecimal():
            known = ", ".join((*RULE_RANGES, *RANGES))
            raise LedgerError(Code.BAD_REQUEST, f"{text!r} is not NAME=N; there are {known}")
        into[name] = int(number)
    return ChangeRules(tuple(sorted(rules.items())), tuple(sorted(limits.items())))


def show_plan(change: Change, as_json: bool, connection: Connection) -> None:
    """Plans a change and tells what it would do."""

    async def work(ledger: Ledger) -> tuple[Plan, Collection[NodeId]]:
        planned = (await ledger.governed()).plan(change)
        status = await ledger.status()
        answering = {NodeId(p.node_id) for p in status.peers if p.connected}
        return planned, answering | {NodeId(status.node_id)}

    planned, answering = connection.run(work)
    if as_json:
        print_json(plan_json(planned, answering))
    else:
        print_plan(planned, answering)


def propose(change: Change, as_json: bool, connection: Connection) -> None:
    """Plans a change and proposes exactly that."""

    async def work(ledger: Ledger) -> Receipt:
        planned = (await ledger.governed()).plan(change)
        return await ledger.submit(propose_operation(planned.ground, planned.change))

    receipt = connection.run(work)
    if as_json:
        print_json(receipt_json(receipt))
    else:
        click.echo(receipt_text(receipt))
