"""How fast a chain is audited.

    scripts/bench audit --blocks 20000

It makes a chain of one transaction a block straight in the stores of a folder, without a cluster,
and audits it: everything is executed, checked and compared.
"""

import tempfile
import time
from pathlib import Path

import click

from scripts.benchmark.chain import Chain
from twinledger.node.auditing.audit import audit_folder


@click.command()
@click.option("--blocks", default=20_000, show_default=True)
@click.option("--twins", default=1000, show_default=True)
def main(blocks: int, twins: int) -> None:
    """Makes a chain, audits it, prints the rate."""
    with tempfile.TemporaryDirectory() as place:
        folder, started = Path(place) / "data", time.monotonic()
        chain = Chain.create(folder, kept_heights=256)
        chain.grow(blocks, twins)
        chain.close()
        click.echo(f"made {blocks} blocks in {time.monotonic() - started:.1f} s")
        report = audit_folder(folder)
    click.echo(
        f"audited {report.height} blocks, {report.transactions} transactions in "
        f"{report.seconds:.1f} s: {report.blocks_per_second:.0f} blocks a second; "
        f"{report.findings.count} wrong"
    )


if __name__ == "__main__":
    main()
