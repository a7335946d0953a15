"""Passphrases of key files: from the environment, else from a prompt, never from an argument."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from twinledger.client.key_files import FILE_VARIABLE, VARIABLE, passphrase_of_environment

Command = TypeVar("Command", bound=Callable[..., Any])


def sealed_option(command: Command) -> Command:
    """`--sealed`, for verbs that write private keys."""
    option = click.option(
        "--sealed",
        is_flag=True,
        help=f"Seal the private keys with a passphrase: {VARIABLE}, {FILE_VARIABLE}, or a prompt.",
    )
    return option(command)


def ask_passphrase(path: Path) -> bytes:
    """The passphrase of a key file that is read; a prompt only where somebody can answer.

    Raises:
        LedgerError: KEY_LOCKED when the environment has none and this is no terminal.
    """
    if _is_set() or not sys.stdin.isatty():
        return passphrase_of_environment(path)
    return _prompt(f"Passphrase of {path}", twice=False)


def new_passphrase(path: Path, sealed: bool) -> bytes | None:
    """The passphrase of a key file that is written; None when it shall not be sealed.

    Raises:
        LedgerError: KEY_LOCKED when the environment has none and this is no terminal.
    """
    if not sealed:
        return None
    if _is_set() or not sys.stdin.isatty():
        return passphrase_of_environment(path)
    return _prompt("New passphrase", twice=True)


def _is_set() -> bool:
    return bool(os.environ.get(VARIABLE) or os.environ.get(FILE_VARIABLE))


def _prompt(text: str, *, twice: bool) -> bytes:
    answer = click.prompt(text, hide_input=True, confirmation_prompt=twice, err=True)
    return str(answer).encode()
