"""`node transfer-leadership` and `node drain`: what is asked of a node before it is stopped."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from twinledger.cli.connection import find_target
from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.options import DIRECTORY, FILE, SECONDS, json_option
from twinledger.cli.output import print_json
from twinledger.cli.passphrases import ask_passphrase
from twinledger.client import Identity, OperatedNode, connect
from twinledger.client.nodes import endpoints_of
from twinledger.client.profile import Profile
from twinledger.devnet.layout import DEFAULT_IDENTITY
from twinledger.ledger.errors import Code, LedgerError

Command = TypeVar("Command", bound=Callable[..., Any])
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Operated:
    """The node that a command is for, and who asks."""

    name: str
    trusted: Profile
    identity: Identity | None
    timeout_seconds: float

    def run(self, work: Callable[[OperatedNode], Awaitable[Result]]) -> Result:
        """Connects to this node alone, does the work, and disconnects."""

        async def connected() -> Result:
            async with connect(
                self._address(),
                profile=self.trusted,
                identity=self.identity,
                timeout_seconds=self.timeout_seconds,
                discover=False,
            ) as ledger:
                return await work(ledger.node(self.name))

        return asyncio.run(connected())

    def _address(self) -> str:
        for way in endpoints_of(self.trusted):
            if self.name in (way.node_id, way.address):
                return way.address
        known = ", ".join(node.node_id for node in self.trusted.nodes)
        raise LedgerError(Code.NO_SUCH_NODE, f"{self.name}; the profile names {known}")


def operated_options(command: Command) -> Callable[..., Any]:
    """`--node` and who asks; the command gets `operated`."""

    @click.option("--node", "name", metavar="NODE", required=True, help="Its id or client address.")
    @click.option("--devnet", type=DIRECTORY, help="The devnet it belongs to.")
    @click.option("--profile", type=FILE, help="The profile that names it.")
    @click.option("--key", type=FILE, help="Call as the identity of this key file.")
    @click.option(
        "--timeout",
        "timeout_seconds",
        type=SECONDS,
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to try.",
    )
    @functools.wraps(command)
    def with_operated(
        *args: Any,
        name: str,
        devnet: Path | None,
        profile: Path | None,
        key: Path | None,
        timeout_seconds: float,
        **kwargs: Any,
    ) -> Any:
        found = _find(name, devnet, profile, key, timeout_seconds)
        return command(*args, operated=found, **kwargs)

    return with_operated


def _find(
    name: str, devnet: Path | None, profile: Path | None, key: Path | None, timeout_seconds: float
) -> Operated:
    """On a devnet the admin of the node's own member asks, unless a key is named."""
    target = find_target(devnet, None, profile)
    identity = Identity.load(key, ask_passphrase) if key else target.identity
    if key is None and target.devnet is not None:
        for node in target.devnet.nodes:
            if name in (node.name, node.client_address):
                identity = target.devnet.identity(f"{node.member}/{DEFAULT_IDENTITY}")
    return Operated(name, target.trusted, identity, timeout_seconds)


@click.command(
    "transfer-leadership",
    cls=ExampledCommand,
    example="""
twinledger node transfer-leadership --node utility-1 --devnet D
twinledger node transfer-leadership --node 10.0.0.1:7101 --to sensors-1 --profile operator.toml
twinledger node transfer-leadership --node sensors-1 --call --profile operator.toml
""",
)
@click.option("--to", metavar="NODE_ID", help="Who shall lead. [default: who is furthest]")
@click.option("--call", is_flag=True, help="Of a node that follows: call for another leader.")
@json_option
@operated_options
def transfer_leadership(to: str | None, call: bool, as_json: bool, operated: Operated) -> None:
    """Has the leading node hand leadership to another, and waits until that leads.

    An admin or operator of the node's own member may ask. With --call the node does not lead, but
    calls for another leader than the one it follows; that one goes when a majority of the nodes
    that order call.
    """
    if call and to is not None:
        raise click.UsageError("a call names nobody: those who call elect whom they can")
    done = operated.run(
        lambda node: node.call_for_another_leader() if call else node.transfer_leadership(to)
    )
    if as_json:
        print_json({"leader_id": done.leader_id, "term": done.term})
    else:
        click.echo(f"{done.leader_id} leads term {done.term}.")


@click.command(
    cls=ExampledCommand,
    example="""
twinledger node drain --node utility-1 --devnet D
twinledger node drain --node utility-1 --undo --profile operator.toml
""",
)
@click.option("--undo", is_flag=True, help="Take writes again instead.")
@json_option
@operated_options
def drain(undo: bool, as_json: bool, operated: Operated) -> None:
    """Prepares a node for being stopped: no writes, no leadership, nothing left half done.

    Waits until it is safe to stop; when it is not within --timeout, fails with NOT_DRAINED and says
    why, and the node goes on draining. Starting the node again ends it, as does --undo.
    """
    operated.run(lambda node: node.take_writes() if undo else node.drain())
    if as_json:
        print_json({"draining": not undo, "safe_to_stop": not undo})
    elif undo:
        click.echo(f"{operated.name} takes writes.")
    else:
        click.echo(f"{operated.name} takes no writes and has ended what it began: safe to stop.")
