"""The live table of `devnet up`, and the sign that something is under way."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console
from rich.live import Live
from rich.table import Table

from twinledger.devnet.layout import Layout
from twinledger.devnet.status import NodeView, view_nodes

_REFRESH_SECONDS = 0.5
_COLUMNS = ("node", "member", "role", "term", "height", "certified", "head", "pool", "lag")


def waiting(what: str) -> AbstractContextManager[object]:
    """Shows that something is under way, where a person can see it."""
    console = Console(stderr=True)
    return console.status(what) if console.is_terminal else nullcontext()


async def follow(layout: Layout, *, live: bool) -> None:
    """Shows the nodes until it is cancelled; without `live` it only keeps waiting."""
    if not live:
        await asyncio.Event().wait()
    with Live(console=Console(), auto_refresh=False) as display:
        while True:
            display.update(table(await view_nodes(layout)), refresh=True)
            await asyncio.sleep(_REFRESH_SECONDS)


def table(views: Sequence[NodeView]) -> Table:
    """How the nodes are now; lag is in blocks behind the highest applied one."""
    shown = Table(title="twinledger devnet", caption="Ctrl-C takes everything down")
    for column in _COLUMNS:
        shown.add_column(column)
    highest = max((view.status.applied_height for view in views if view.status), default=0)
    for view in views:
        shown.add_row(*cells(view, highest))
    return shown


def cells(view: NodeView, highest: int) -> tuple[str, ...]:
    """One node's row."""
    status = view.status
    if status is None:
        state = "down" if view.pid is None else "silent"
        return (view.entry.name, view.entry.member, state, *("-" * 6))
    return (
        view.entry.name,
        view.entry.member,
        str(status.role),
        str(status.term),
        str(status.applied_height),
        "-" if status.certified_height is None else str(status.certified_height),
        status.head.hex()[:12],
        str(status.pool_transactions),
        str(highest - status.applied_height),
    )
