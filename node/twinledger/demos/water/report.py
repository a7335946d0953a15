"""Shows a result to a person: the table the demonstration ends with, and what was read back."""

from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.table import Table

from twinledger.demos.water.result import Downstream, LevelReading, Result

_HISTORY_ROWS = 9
_TRACE_LEVELS = 12
_LEVEL_WIDTH = 6
_HEAD_DIGITS = 16


def show(result: Result, console: Console) -> None:
    """Prints the result; the claims come first."""
    console.print(_nodes(result), _claims(result), sep="\n")
    console.print(_history(result.tank, result.history))
    console.print(_trace(result.downstream))


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)


def _nodes(result: Result) -> Table:
    table = _table("Four companies' nodes, counted from the blocks that each of them serves")
    for name in ("node", "member"):
        table.add_column(name)
    table.add_column("height", justify="right")
    table.add_column("head")
    table.add_column("")
    first = next(iter(result.tally.chains.values()))
    for name, chain in result.tally.chains.items():
        same = (chain.height, chain.head) == (first.height, first.head)
        mark = "[green]equal[/]" if same else "[bold red]differs[/]"
        head = chain.head.hex()[:_HEAD_DIGITS] + "…"
        table.add_row(name, result.members[name], f"{chain.height:,}", head, mark)
    return table


def _claims(result: Result) -> Table:
    tally, loss = result.tally, result.loss
    table = Table(box=box.SIMPLE_HEAD, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    table.add_row("transactions acknowledged", f"{tally.acknowledged:,}")
    table.add_row("found on the ledger", _must(tally.found, tally.acknowledged), "on all nodes")
    table.add_row("lost", _must(len(tally.lost), 0))
    table.add_row("duplicated", _must(len(tally.duplicated), 0))
    sent = f"of {result.readings_sent:,} sent"
    table.add_row("readings on the ledger", _must(tally.updates, result.readings_sent), sent)
    table.add_row("readings a second", f"{result.readings_per_second:,.0f}")
    killed = f"{loss.killed} was killed with SIGKILL, {loss.successor} took over"
    table.add_row("time without a leader", f"{loss.seconds_without_leader:.2f} s", killed)
    table.add_row(
        "longest pause", f"{loss.longest_pause_seconds:.2f} s", "between acknowledgements"
    )
    return table


def _must(found: int, expected: int) -> str:
    return f"[green]{found:,}[/]" if found == expected else f"[bold red]{found:,}[/]"


def _history(tank: str, history: tuple[LevelReading, ...]) -> Table:
    """Some entries, evenly spread, the first and the last among them."""
    table = _table(f"History of {tank}, as the regulator reads it from its own node")
    for name in ("version", "device time", "level, m", "block"):
        table.add_column(name, justify="right")
    table.add_column("signed by")
    for place in _spread(len(history)):
        entry = history[place]
        time = datetime.fromtimestamp(entry.observed_at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
        level, block = f"{entry.level_m:.3f}", f"{entry.height:,}"
        table.add_row(str(entry.version), time, level, block, entry.author)
    return table


def _spread(count: int) -> list[int]:
    shown = min(count, _HISTORY_ROWS)
    return [round(row * (count - 1) / max(shown - 1, 1)) for row in range(shown)]


def _trace(downstream: Downstream) -> Table:
    table = _table(f"What lies downstream of {downstream.twin_id}: {downstream.count} twins")
    table.add_column("steps", justify="right")
    table.add_column("twins")
    for depth, level in enumerate(downstream.levels[:_TRACE_LEVELS]):
        more = len(level) - _LEVEL_WIDTH
        shown = ", ".join(level[:_LEVEL_WIDTH]) + (f" and {more} more" if more > 0 else "")
        table.add_row(str(depth), shown)
    if len(downstream.levels) > _TRACE_LEVELS:
        table.add_row("…", f"to {len(downstream.levels) - 1} steps away")
    return table
