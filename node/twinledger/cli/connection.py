"""How a command finds its nodes and its identity: a devnet, a profile, or the environment."""

import asyncio
import functools
import os
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from twinledger.cli.options import DIRECTORY, FILE
from twinledger.cli.passphrases import ask_passphrase
from twinledger.client import Identity, Ledger, connect
from twinledger.devnet.layout import DEFAULT_IDENTITY, Layout
from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError

Command = TypeVar("Command", bound=Callable[..., Any])
Result = TypeVar("Result")

DEVNET_VARIABLE: Final = "TWINLEDGER_DEVNET"
PROFILE_VARIABLE: Final = "TWINLEDGER_PROFILE"

_PROFILE_KEYS: Final = {"addresses", "chain_id", "key"}


@dataclass(frozen=True, slots=True)
class Profile:
    """Where a client connects and as whom.

    Attributes:
        addresses: Client addresses of nodes.
        chain_id: The chain that is meant, 64 hex digits; None trusts the first node.
        identity: Who signs; None only reads.
        devnet: The devnet this comes from, if any.
        identity_named: Whether the identity was asked for, and is not only the usual one.
    """

    addresses: tuple[str, ...]
    chain_id: str | None
    identity: Identity | None
    devnet: Layout | None = None
    identity_named: bool = True


@dataclass(frozen=True, slots=True)
class Connection:
    """A profile with the command's deadline."""

    profile: Profile
    timeout_seconds: float

    def key_file(self, identity: str) -> Path | None:
        """Where a new key for this identity belongs; None when no devnet says so.

        Raises:
            LedgerError: BAD_IDENTITY: the name becomes part of a path.
        """
        devnet = self.profile.devnet
        return devnet.key_file(names.identity(identity)) if devnet else None

    def signing_for(self, identity: str) -> "Connection":
        """On a devnet, unless an identity was named: as the admin of that identity's member."""
        profile = self.profile
        member = identity.partition("/")[0]
        if profile.devnet is None or profile.identity_named or member not in profile.devnet.members:
            return self
        admin = profile.devnet.identity(f"{member}/{DEFAULT_IDENTITY}")
        return replace(self, profile=replace(profile, identity=admin))

    def run(self, work: Callable[[Ledger], Awaitable[Result]]) -> Result:
        """Connects, does the work, and disconnects."""

        async def connected() -> Result:
            async with connect(
                self.profile.addresses,
                identity=self.profile.identity,
                chain_id=self.profile.chain_id,
                timeout_seconds=self.timeout_seconds,
            ) as ledger:
                return await work(ledger)

        return asyncio.run(connected())


def connection_options(command: Command) -> Callable[..., Any]:
    """`--devnet`, `--as`, `--profile` and `--timeout`; the command gets `connection`."""

    @click.option("--devnet", type=DIRECTORY, help="Use this devnet's nodes and keys.")
    @click.option("--as", "identity", metavar="MEMBER/NAME", help="Sign as this identity.")
    @click.option("--profile", type=FILE, help="Use the nodes and the key that this file names.")
    @click.option(
        "--timeout",
        "timeout_seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="How long each call tries.",
    )
    @functools.wraps(command)
    def with_connection(
        *args: Any,
        devnet: Path | None,
        identity: str | None,
        profile: Path | None,
        timeout_seconds: float,
        **kwargs: Any,
    ) -> Any:
        found = find_profile(devnet, identity, profile)
        return command(*args, connection=Connection(found, timeout_seconds), **kwargs)

    return with_connection


def find_profile(devnet: Path | None, identity: str | None, profile: Path | None) -> Profile:
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
    return read_profile(profile)


def _from_environment(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def _of_devnet(folder: Path, identity: str | None) -> Profile:
    layout = Layout.load(folder)
    return Profile(
        addresses=layout.client_addresses,
        chain_id=layout.chain_id.hex(),
        identity=layout.identity(identity),
        devnet=layout,
        identity_named=identity is not None,
    )


def read_profile(path: Path) -> Profile:
    """Reads a profile: `addresses`, `chain_id` and `key`, the last relative to the file.

    Raises:
        LedgerError: CONFIG_INVALID, naming the key and what is wrong with it.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error}") from error
    unknown = sorted(content.keys() - _PROFILE_KEYS)
    if unknown:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: unknown key {unknown[0]}")
    match content:
        case {"addresses": [str(), *_] as addresses} if all(
            isinstance(each, str) for each in addresses
        ):
            key = _text(path, content, "key")
            identity = Identity.load(path.resolve().parent / key, ask_passphrase) if key else None
            return Profile(tuple(addresses), _text(path, content, "chain_id"), identity)
    raise LedgerError(Code.CONFIG_INVALID, f"{path}: addresses is a list of host:port")


def _text(path: Path, content: dict[str, Any], key: str) -> str | None:
    value = content.get(key)
    if value is not None and not isinstance(value, str):
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {key} is text")
    return value
