"""What a proven read costs over one that a node merely answers.

    scripts/bench reads --in-flight 1,16 --seconds 5

Both kinds are read in one run from the same three nodes, first nothing else going on, then while
another client writes: then every proof is of a newer head, and a client checks that one first.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from scripts.benchmark.load import Measurement, closed_loop
from scripts.benchmark.main import machine
from twinledger.client import Ledger, connect
from twinledger.client.operations import create_twin, increment_property, update_twin
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create

NODES = 3
TWINS = 1_000


@dataclass(frozen=True, slots=True)
class Reads:
    """Both kinds of read with as many in flight."""

    while_written: bool
    answered: Measurement
    proven: Measurement

    @property
    def ratio(self) -> float:
        """The rate of proven reads over that of answered ones."""
        return self.proven.rate / self.answered.rate


@click.command()
@click.option("--in-flight", default="1,16", show_default=True, help="One run for each number.")
@click.option("--seconds", default=5.0, show_default=True, help="How long each run is measured.")
@click.option("--warm-up", default=1.0, show_default=True, help="Seconds before that.")
def main(in_flight: str, seconds: float, warm_up: float) -> None:
    """Reads one twin after the other, of a thousand, and prints rates and their ratio."""
    numbers = tuple(int(number) for number in in_flight.split(","))
    with tempfile.TemporaryDirectory(prefix="twinledger-bench-") as folder:
        rows = asyncio.run(measure(Path(folder) / "ledger", numbers, seconds, warm_up))
    click.echo(machine())
    click.echo("| meanwhile | in flight | answered a second | proven a second | ratio |")
    click.echo("|---|--:|--:|--:|--:|")
    for row in rows:
        click.echo(
            f"| {'one writes' if row.while_written else 'nothing'} | {row.proven.in_flight} "
            f"| {row.answered.rate:,.0f} | {row.proven.rate:,.0f} | {row.ratio:.2f} |"
        )


async def measure(
    folder: Path, in_flight: tuple[int, ...], seconds: float, warm_up: float
) -> list[Reads]:
    """Read as answered and as proven, for each number in flight, without and with writes."""
    devnet = Devnet(create(folder, NODES, name="reads"))
    try:
        await devnet.up()
        async with _client(devnet, verify=False) as plain, _client(devnet, verify=True) as light:
            await light.submit(
                *(create_twin(_twin(number)) for number in range(TWINS)), certified=True
            )
            rows = list[Reads]()
            for written in (False, True):
                async with _writing(plain, written):
                    for number in in_flight:
                        both = [
                            await closed_loop(_get(ledger), number, seconds, warm_up)
                            for ledger in (plain, light)
                        ]
                        rows.append(Reads(written, *both))
            return rows
    finally:
        devnet.down()


def _client(devnet: Devnet, *, verify: bool) -> AbstractAsyncContextManager[Ledger]:
    layout = devnet.layout
    return connect(
        layout.nodes[0].client_address,
        profile=layout.profile,
        identity=layout.identity(),
        discover=False,
        verify=verify,
    )


def _twin(number: int) -> str:
    return f"bench-{number % TWINS:04}"


def _get(ledger: Ledger) -> Callable[[int], Awaitable[None]]:
    async def get(number: int) -> None:
        await ledger.twins.get(_twin(number))

    return get


@asynccontextmanager
async def _writing(ledger: Ledger, wanted: bool) -> AsyncIterator[None]:
    """Write one after the other, meanwhile, if wanted; a write that fails fails the run."""
    over = asyncio.Event()

    async def write() -> None:
        while wanted and not over.is_set():
            await ledger.submit(update_twin(_twin(0), [increment_property("count", 1)]))

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        yield
        over.set()


if __name__ == "__main__":
    main()
