"""How a command finds its nodes and its identity: a devnet, a profile, or the environment."""

import asyncio
import functools
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from twinledger.cli.options import DIRECTORY, FILE, SECONDS
from twinledger.cli.passphrases import ask_passphrase
from twinledger.client import Identity, Ledger, Profile, connect
from twinledger.devnet.layout import DEFAULT_IDENTITY, Layout
from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError

Command = TypeVar("Command", bound=Callable[..., Any])
Result = TypeVar("Result")

DEVNET_VARIABLE: Final = "TWINLEDGER_DEVNET"
PROFILE_VARIABLE: Final = "TWINLEDGER_PROFILE"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a command connects and as whom.

    Attributes:
        trusted: The chain, and the nodes with their certificates.
        identity: Who signs; None only reads.
        devnet: The devnet this comes from, if any.
        identity_named: Whether the identity was asked for, and is not only the usual one.
        file: The profile's file, if one was named: it follows the ledger.
    """

    trusted: Profile
    identity: Identity | None
    devnet: Layout | None = None
    identity_named: bool = True
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A target with the command's deadline, and whether what is read must be proven."""

    target: Target
    timeout_seconds: float
    verify: bool = True

    def key_file(self, identity: str) -> Path | None:
        """Where a new key for this identity belongs; None when no devnet says so.

        Raises:
            LedgerError: BAD_IDENTITY: the name becomes part of a path.
        """
        devnet = self.target.devnet
        return devnet.key_file(names.identity(identity)) if devnet else None

    def signing_for(self, identity: str) -> "Connection":
        """On a devnet, unless an identity was named: as the admin of that identity's member."""
        target = self.target
        member = identity.partition("/")[0]
        if target.devnet is None or target.identity_named or member not in target.devnet.members:
            return self
        admin = target.devnet.identity(f"{member}/{DEFAULT_IDENTITY}", ask_passphrase)
        return replace(self, target=replace(target, identity=admin))

    def run(self, work: Callable[[Ledger], Awaitable[Result]]) -> Result:
        """Connects, does the work, and disconnects."""

        async def connected() -> Result:
            async with connect(
                profile=self.target.file or self.target.trusted,
                identity=self.target.identity,
                timeout_seconds=self.timeout_seconds,
                verify=self.verify,
            ) as ledger:
                return await work(ledger)

        return asyncio.run(connected())


def connection_options(command: Command) -> Callable[..., Any]:
    """`--devnet`, `--as`, `--profile`, `--timeout`, `--unverified`; it gets `connection`."""

    @click.option("--devnet", type=DIRECTORY, help="Use this devnet's nodes and keys.")
    @click.option("--as", "identity", metavar="MEMBER/NAME", help="Sign as this identity.")
    @click.option("--profile", type=FILE, help="Use the nodes and the key that this file names.")
    @click.option(
        "--timeout",
        "timeout_seconds",
        type=SECONDS,
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="How long each call tries.",
    )
    @click.option(
        "--unverified",
        is_flag=True,
        help="Take the node at its word instead of having it prove what it answers.",
    )
    @functools.wraps(command)
    def with_connection(
        *args: Any,
        devnet: Path | None,
        identity: str | None,
        profile: Path | None,
        timeout_seconds: float,
        unverified: bool,
        **kwargs: Any,
    ) -> Any:
        found = find_target(devnet, identity, profile)
        connection = Connection(found, timeout_seconds, verify=not unverified)
        return command(*args, connection=connection, **kwargs)

    return with_connection


def find_target(devnet: Path | None, identity: str | None, profile: Path | None) -> Target:
    """What the options say, else what the environment says.

    Raises:
        LedgerError: CONFIG_INVALID when neither says anything, or what it says is wrong.
        click.UsageError: both a devnet and a profile are named.
    """
    if devnet is None and profile is None:
        devnet, profile = _from_environment(DEVNET_VARIABLE), _from_environment(PROFILE_VARIABLE)
    if devnet is not None and profile is not None:
        raise click.UsageError("name a devnet or a profile, not both")
    if devnet is not None:
        return _of_devnet(devnet, identity)
    if profile is None:
        raise LedgerError(
            Code.CONFIG_INVALID,
            "no node is named: use --devnet DIR, --profile FILE, or the environment"
            f" ({DEVNET_VARIABLE} or {PROFILE_VARIABLE})",
        )
    if identity is not None:
        raise click.UsageError("--as goes with a devnet; a profile names its key itself")
    trusted = Profile.load(profile)
    identity_of_key = Identity.load(trusted.key, ask_passphrase) if trusted.key else None
    return Target(trusted, identity_of_key, file=profile)


def names_a_node() -> bool:
    """Whether the environment names a devnet or a profile."""
    return any(_from_environment(name) for name in (DEVNET_VARIABLE, PROFILE_VARIABLE))


def _from_environment(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def _of_devnet(folder: Path, identity: str | None) -> Target:
    layout = Layout.load(folder)
    return Target(
        layout.profile,
        layout.identity(identity, ask_passphrase),
        devnet=layout,
        identity_named=identity is not None,
    )
