"""A group of commands whose modules are imported when they run, not when they are listed."""

import errno
from dataclasses import dataclass
from typing import Any, Final

import click

from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.failures import report, use_json, wants_json
from twinledger.cli.parts import load_part, missing
from twinledger.ledger.errors import Code, LedgerError

_UNWRITTEN: Final = {
    errno.ENOSPC: Code.DISK_FULL,
    errno.EDQUOT: Code.DISK_FULL,
    errno.EIO: Code.DISK_FAILED,
}
"""What keeps output from being written: it may be a file on a disk."""


@dataclass(frozen=True, slots=True)
class Verb:
    """Where a command is found.

    Attributes:
        module: The module that holds it.
        attribute: Its name there.
        extra: The extra that brings what the module needs.
        help: One line for the list of commands; the command has its own text.
    """

    module: str
    attribute: str
    extra: str
    help: str


class LazyGroup(ExampledGroup):
    """A group that knows its commands by name; the outermost one reports errors."""

    def __init__(self, *args: Any, verbs: dict[str, Verb], **kwargs: Any) -> None:
        """`verbs` in the order in which they are listed."""
        super().__init__(*args, **kwargs)
        self._verbs = verbs

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self._verbs)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command.

        Raises:
            LedgerError: MISSING_EXTRA, naming it.
        """
        verb = self._verbs.get(cmd_name)
        if verb is None:
            return None
        command = getattr(load_part(verb.module, verb.extra), verb.attribute)
        if not isinstance(command, click.Command):
            raise LedgerError(Code.INTERNAL, f"{verb.module}.{verb.attribute} is no command")
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in self._verbs.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; an error of ours ends the outermost one with exit code 1.

        With --json wrong usage is told as an object as well, whose exit code stays 2.
        """
        if ctx.parent is not None:
            return self._invoke(ctx)
        if "--json" in ctx.args:
            use_json(ctx)  # also when the command line is too wrong for the option to be read
        try:
            return self._invoke(ctx)
        except LedgerError as error:
            report(error, ctx)
            ctx.exit(1)
        except click.UsageError as error:
            if not wants_json(ctx):
                raise
            report(LedgerError(Code.BAD_REQUEST, error.format_message().rstrip(".")), ctx)
            ctx.exit(2)
        except OSError as error:
            if error.errno not in _UNWRITTEN:
                raise
            report(LedgerError(_UNWRITTEN[error.errno], f"output: {error.strerror}"), ctx)
            ctx.exit(1)

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            # Some commands import what is slow only once they run.
            verb = self._verbs.get(ctx.invoked_subcommand or "")
            raise missing(verb.extra if verb else "client", error) from error
