"""How `tx submit` reads its lines and tells what became of each."""

import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Self

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from twinledger.cli.failures import error_json
from twinledger.cli.output import print_json_line
from twinledger.cli.rendering import status_json
from twinledger.client import Ledger, LedgerError, Operation, Outcome, Wait
from twinledger.client.json_values import parse_json
from twinledger.client.operation_json import operation_from_json


class Report:
    """Counts and prints outcomes; shows progress where a person can see it."""

    def __init__(self, *, as_json: bool, title: str) -> None:
        self._as_json = as_json
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=as_json or not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task(title, total=None)
        self._numbers: list[int] = []
        self.done = 0
        self.failed = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
        if not self._as_json:
            click.echo(f"{self.done} done, {self.failed} failed.")

    def sent(self, line: int) -> None:
        """The transaction of this line has been handed over; positions count up from 0."""
        self._numbers.append(line)
        self._progress.update(self._task, total=len(self._numbers))

    def take(self, outcome: Outcome) -> None:
        """Prints what became of one transaction."""
        line = self._numbers[outcome.position]
        self._progress.advance(self._task)
        if outcome.error is None:
            self.done += 1
        else:
            self.failed += 1
        if self._as_json:
            print_json_line(_outcome_json(line, outcome))
        elif outcome.error is not None:
            said = f"line {line}: {outcome.error}\n  Next: {outcome.error.next_step}"
            click.echo(said, err=True)


def _outcome_json(line: int, outcome: Outcome) -> dict[str, Any]:
    known: dict[str, Any] = {"stage": None, "receipt": None}
    if outcome.status is not None:
        known = status_json(outcome.status)
    return {
        "line": line,
        **known,
        "transaction_id": outcome.transaction.id.hex(),
        "error": error_json(outcome.error) if outcome.error else None,
    }


async def submit_lines(
    ledger: Ledger, lines: Iterable[str], report: Report, *, wait: Wait, window: int
) -> None:
    """Submits every line; a line that is not right ends it, once those before have outcomes.

    Raises:
        LedgerError: naming the line that is not right.
    """

    async def items() -> AsyncIterator[Sequence[Operation]]:
        for number, line in enumerate(lines, 1):
            if line.strip():
                item = operations_of(number, line)
                report.sent(number)
                yield item

    async for outcome in ledger.submit_many(items(), window=window, wait=wait):
        report.take(outcome)


def operations_of(number: int, line: str) -> list[Operation]:
    """The operations of one line.

    Raises:
        LedgerError: what is wrong, and in which line.
    """
    try:
        content = parse_json(line)
        operations = content if isinstance(content, list) else [content]
        return [operation_from_json(each) for each in operations]
    except LedgerError as error:
        detail = f"line {number}: {error.detail}" if error.detail else f"line {number}"
        raise LedgerError(error.code, detail) from error
