"""Runs the benchmark and prints what came of it."""

import asyncio
import json
import os
import platform
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from . import etcd, ledger
from . import failover as failovers
from .load import VALUE_BYTES, Measurement
from .signatures import bound, seconds_per_check

STREAMS, UNARY, ETCD = "SubmitStream", "Submit", "etcd Put"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, and with how many in flight, everything is driven."""

    in_flight: tuple[int, ...]
    seconds: float
    warm_up: float


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured.

    Attributes:
        check_seconds: The time of one signature check.
        rows: The measurements of each way of writing, in the order of the plan.
    """

    check_seconds: float
    rows: dict[str, list[Measurement]]

    def share_of_bound(self, measurement: Measurement) -> float:
        """Which share of what signature checks allow was reached."""
        return measurement.rate / bound(self.check_seconds, ledger.NODES)

    def ratio_to_etcd(self, row: str, place: int) -> float | None:
        """The rate over etcd's with as many in flight; None without etcd."""
        if ETCD not in self.rows or row == ETCD:
            return None
        return self.rows[row][place].rate / self.rows[ETCD][place].rate


@click.command()
@click.option(
    "--in-flight",
    default="1,16,64,256",
    show_default=True,
    help="How many writes are in flight, one run for each number.",
)
@click.option("--seconds", default=5.0, show_default=True, help="How long each run is measured.")
@click.option("--warm-up", default=1.0, show_default=True, help="Seconds before that.")
@click.option("--failover", type=int, metavar="TRIALS", help="Kill the leader so often instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    in_flight: str, seconds: float, warm_up: float, failover: int | None, as_json: bool
) -> None:
    """Drive three nodes of this ledger, and of etcd where installed, with one load."""
    if failover:
        _show_failovers(failover, as_json=as_json)
        return
    plan = Plan(tuple(int(number) for number in in_flight.split(",")), seconds, warm_up)
    report = asyncio.run(_measure(plan))
    if as_json:
        click.echo(json.dumps(_to_json(report)))
    else:
        _show(report)


async def _measure(plan: Plan) -> Report:
    check_seconds = seconds_per_check()
    rows: dict[str, list[Measurement]] = {}
    with tempfile.TemporaryDirectory(prefix="twinledger-bench-") as folder:
        if etcd.installed():
            async with etcd.cluster(Path(folder) / "etcd") as address:
                rows[ETCD] = [
                    await etcd.measure(address, number, plan.seconds, plan.warm_up)
                    for number in plan.in_flight
                ]
        rate_max = bound(check_seconds, ledger.NODES)
        async with ledger.consortium(Path(folder) / "ledger") as client:
            for name, measure in (
                (STREAMS, ledger.measure_streams),
                (UNARY, ledger.measure_unary),
            ):
                rows[name] = [
                    await measure(client, number, plan.seconds, plan.warm_up, rate_max)
                    for number in plan.in_flight
                ]
    return Report(check_seconds, rows)


def _show_failovers(trials: int, *, as_json: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="twinledger-bench-") as folder:
        found = asyncio.run(failovers.measure(Path(folder) / "ledger", trials))
    if as_json:
        click.echo(json.dumps({"machine": machine(), **asdict(found)}))
        return
    ordered = sorted(found.outages)
    click.echo(machine())
    click.echo(f"writes accepted again after, s: {' '.join(f'{each:.2f}' for each in ordered)}")
    click.echo(
        f"within two election timeouts ({2 * found.election_timeout:.2f} s):"
        f" {found.within_two} of {trials}"
    )


def machine() -> str:
    """What this machine is, in a line."""
    pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    memory = round(pages * page_bytes / 2**30)
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {memory} GiB, {platform.system()}, Python {platform.python_version()}"


def _show(report: Report) -> None:
    console = Console()
    console.print(f"{machine()}; {etcd.version() if etcd.installed() else 'etcd is not installed'}")
    check_us = report.check_seconds * 1e6
    allowed = bound(report.check_seconds, ledger.NODES)
    console.print(
        f"One signature check takes {check_us:.1f} us;"
        f" {ledger.NODES} nodes could check {allowed:,.0f} transactions a second here."
    )
    title = f"Writes of {VALUE_BYTES} bytes, three nodes, each write synced to disk"
    table = Table(title=title, box=box.SIMPLE_HEAD)
    for name in ("", "in flight", "a second", "p50, ms", "p99, ms", "/ etcd", "/ bound"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    for name, measurements in report.rows.items():
        for place, measurement in enumerate(measurements):
            table.add_row(*_cells(report, name, place, measurement))
    console.print(table)


def _cells(report: Report, name: str, place: int, measurement: Measurement) -> list[str]:
    ratio = report.ratio_to_etcd(name, place)
    return [
        name,
        str(measurement.in_flight),
        f"{measurement.rate:,.0f}",
        f"{measurement.percentile(0.5) * 1000:.2f}",
        f"{measurement.percentile(0.99) * 1000:.2f}",
        "" if ratio is None else f"{ratio:.2f}",
        "" if name == ETCD else f"{report.share_of_bound(measurement):.1%}",
    ]


def _to_json(report: Report) -> dict[str, Any]:
    return {
        "machine": machine(),
        "etcd": etcd.version() if etcd.installed() else None,
        "signature_check_us": report.check_seconds * 1e6,
        "signature_bound": bound(report.check_seconds, ledger.NODES),
        "rows": [
            {
                "name": name,
                "in_flight": measurement.in_flight,
                "rate": measurement.rate,
                "p50_ms": measurement.percentile(0.5) * 1000,
                "p99_ms": measurement.percentile(0.99) * 1000,
                "over_etcd": report.ratio_to_etcd(name, place),
                "share_of_bound": None if name == ETCD else report.share_of_bound(measurement),
            }
            for name, measurements in report.rows.items()
            for place, measurement in enumerate(measurements)
        ],
    }


if __name__ == "__main__":
    main()
