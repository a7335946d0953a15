"""`twinledger verify`: check a proof bundle, offline, with nothing but the wheel's base."""

from typing import BinaryIO

import click

from twinledger.cli.exampled import ExampledCommand
from twinledger.cli.options import json_option
from twinledger.cli.output import print_json
from twinledger.proofs.bundle import MAX_BYTES
from twinledger.proofs.proven import Proven
from twinledger.proofs.recovered import check_kept
from twinledger.proofs.verify import check_kept_head, trusted_head, verify_recovery
from twinledger.proofs.verify import verify as verified
from twinledger.proofs.words import time_text

_CHAIN_ID_BYTES = 32


@click.command(
    cls=ExampledCommand,
    example="""
twinledger verify pump-7.proof --chain-id 64HEX
twinledger verify pump-7.proof --trusted-head head.proof --json
twinledger verify receipt.proof --chain-id 64HEX --recovery recovery.json
""",
)
@click.argument("file", type=click.File("rb"))
@click.option("--chain-id", metavar="HEX", help="The chain that the proof must be of.")
@click.option(
    "--trusted-head",
    "head",
    type=click.File("rb"),
    metavar="FILE",
    help="A proof of a head that was verified before; the proof must begin at it.",
)
@click.option(
    "--recovery",
    type=click.File("rb"),
    metavar="FILE",
    help="A recovery file: says PROOF_TRUNCATED when it cut off what the proof proves.",
)
@json_option
def verify(
    file: BinaryIO,
    chain_id: str | None,
    head: BinaryIO | None,
    recovery: BinaryIO | None,
    as_json: bool,
) -> None:
    """Checks a proof bundle and says what it proves, by whom, as of when, and what it does not.

    Needs no network and trusts nothing in the file. Exits 0 when it is proven, 1 with the error's
    name when not. A proof without --chain-id or --trusted-head is at best consistent: somebody
    could have made a whole chain up.
    """
    expected = None if chain_id is None else _chain_id(chain_id)
    trusted = None if head is None else trusted_head(_read(head))
    raw, ended = _read(file), None if recovery is None else _read(recovery)
    if ended is not None and expected is not None and trusted is None:
        check_kept_head(raw, ended, expected)
    proven = verified(raw, expected, trusted)
    if ended is not None:
        opened = verify_recovery(ended, proven.chain_id)
        check_kept(proven.told.header.height, proven.certificate, opened)
    if as_json:
        print_json(proven.as_json())
    else:
        _print(proven)


def _chain_id(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != _CHAIN_ID_BYTES:
        raise click.BadParameter(f"a chain id is {2 * _CHAIN_ID_BYTES} hex digits")
    return found


def _read(file: BinaryIO) -> bytes:
    # One byte more than a bundle may have: what is longer is refused, however long it is.
    return file.read(MAX_BYTES + 1)


def _print(proven: Proven) -> None:
    click.echo("PROVEN")
    for sentence in proven.sentences:
        click.echo(f"  {sentence}")
    head = proven.certificate.checkpoint
    click.echo("BY")
    signed = f"{len(proven.signers)} of {proven.witnesses} witnesses, {proven.quorum} needed"
    click.echo(f"  {signed}, who signed the head of height {head.height}:")
    for name, seconds in proven.signers:
        click.echo(f"  {name} at {time_text(seconds * 1_000_000)}")
    click.echo(f"  of chain {proven.chain_id.hex()}")
    click.echo("NOT PROVEN")
    for sentence in proven.not_proven:
        click.echo(f"  {sentence}")
    _print_facts(proven)


def _print_facts(proven: Proven) -> None:
    twin = proven.told.facts.get("twin", {})
    rows = [*twin.get("properties", ()), *twin.get("relationships", ())]
    if leaf := proven.told.facts.get("leaf"):
        rows.append(leaf)
    if rows:
        click.echo("VALUES")
    for row in rows:
        said = f" = {row['value']}" if "value" in row else ""
        click.echo(f"  {_printable(row['key'] + said)} (by {', '.join(row['authors'])})")
    updates = proven.told.facts.get("updates", ())
    if updates:
        click.echo("UPDATES")
    for update in updates:
        said = "PRUNED" if update["pruned"] else ", ".join(update["authors"])
        click.echo(f"  {update['version']:>6}  {update['time']}  {said}")


def _printable(text: str) -> str:
    """Values come from strangers: what could move a terminal's cursor is shown as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
