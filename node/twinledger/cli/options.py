"""Options that many commands share."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from twinledger.cli.failures import use_json

Command = TypeVar("Command", bound=Callable[..., Any])


class _Seconds(click.FloatRange):
    """More than none; not a number is none."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value} is not a time.", param, ctx)
        return seconds


SECONDS = _Seconds()
FILE = click.Path(dir_okay=False, path_type=Path)
DIRECTORY = click.Path(file_okay=False, path_type=Path)


def _note_json(ctx: click.Context, _parameter: click.Parameter, value: bool) -> bool:
    if value:
        use_json(ctx)
    return value


def json_option(command: Command) -> Command:
    """`--json`, which also makes errors one JSON object on standard error."""
    option = click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,
        expose_value=True,
        callback=_note_json,
        help="Print JSON; errors too, as one object on standard error.",
    )
    return option(command)


def devnet_dir_option(command: Command) -> Command:
    """`--dir`, the folder of a devnet."""
    option = click.option(
        "--dir",
        "folder",
        type=DIRECTORY,
        required=True,
        envvar="TWINLEDGER_DEVNET",
        help="The devnet's folder. [environment: TWINLEDGER_DEVNET]",
    )
    return option(command)


def expected_version_option(command: Command) -> Command:
    """`--expected-version`, compare-and-set."""
    option = click.option(
        "--expected-version",
        type=click.IntRange(min=0),
        metavar="N",
        help="Fail with VERSION_MISMATCH unless the twin has this version now.",
    )
    return option(command)
