"""`twinledger block`: read blocks."""

import click

from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.options import json_option
from twinledger.cli.output import print_fields, print_json, print_table, time_text
from twinledger.cli.rendering import block_json, operation_text
from twinledger.client import Block, Ledger
from twinledger.client.chain_records import body_of
from twinledger.ledger.errors import Code, LedgerError

_HEAD = "head"


@click.group(cls=ExampledGroup, example="twinledger block get 12 --devnet D")
def block() -> None:
    """Reads blocks."""


@block.command(
    example="""
twinledger block get 12 --devnet D
twinledger block get head --json --devnet D
"""
)
@click.argument("height", metavar="HEIGHT|head")
@json_option
@connection_options
def get(height: str, as_json: bool, connection: Connection) -> None:
    """Shows a block: its header and its transactions; height 0 is genesis."""
    if height != _HEAD and not height.isdecimal():
        raise LedgerError(Code.BAD_REQUEST, f"a height is a number or head, not {height!r}")

    async def work(ledger: Ledger) -> Block:
        wanted = (await ledger.head()).height if height == _HEAD else int(height)
        return await ledger.block(wanted)

    found = connection.run(work)
    if as_json:
        print_json(block_json(found))
    else:
        _print(found)


def _print(found: Block) -> None:
    print_fields(
        [
            ("height", found.height),
            ("hash", found.header_hash.hex()),
            *([("kind", found.kind)] if found.kind else []),
            ("term", found.header.term),
            ("time", time_text(found.header.time_us)),
            ("parent", found.header.parent_hash.hex()),
            ("state root", found.header.state_root.hex()),
        ]
    )
    if found.transactions:
        click.echo()
        print_table(("INDEX", "TRANSACTION", "OUTCOME", "OPERATIONS"), map(_row, _each(found)))


def _each(found: Block) -> list[tuple[int, bytes, str]]:
    pairs = zip(found.transactions, found.receipts, strict=True)
    return [(index, raw, receipt.outcome) for index, (raw, receipt) in enumerate(pairs)]


def _row(each: tuple[int, bytes, str]) -> tuple[object, ...]:
    index, raw, outcome = each
    found = body_of(raw)
    if found is None:
        return index, None, outcome, "not a transaction"
    transaction_id, body = found
    texts = [operation_text(operation) for operation in body.operations]
    return index, transaction_id.hex(), outcome, "; ".join(texts)
