"""`--also-sign`: transactions that take the signatures of several identities."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from twinledger.cli.connection import Connection
from twinledger.cli.options import FILE
from twinledger.cli.passphrases import ask_passphrase
from twinledger.client import Identity

Command = TypeVar("Command", bound=Callable[..., Any])


def also_sign_option(command: Command) -> Command:
    """`--also-sign KEY`, as often as wanted; the command gets `also`, key files."""
    option = click.option(
        "--also-sign",
        "also",
        type=FILE,
        multiple=True,
        metavar="KEY",
        help="Another identity's key file, which signs too.",
    )
    return option(command)


def authors_of(connection: Connection, also: tuple[Path, ...]) -> tuple[Identity, ...]:
    """Who signs: the connection's own identity first.

    Raises:
        LedgerError: KEY_EXPOSED, KEY_LOCKED or CONFIG_INVALID, naming the file.
    """
    own = connection.target.identity
    others = [Identity.load(path, ask_passphrase) for path in also]
    return (own, *others) if own else tuple(others)
