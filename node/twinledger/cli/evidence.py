"""`consortium evidence`: what convicts witnesses of signing two histories."""

from pathlib import Path
from typing import Any

import click

from twinledger.cli.connection import Connection, connection_options
from twinledger.cli.exampled import ExampledGroup
from twinledger.cli.files import read_file, write_new_file
from twinledger.cli.options import FILE, json_option
from twinledger.cli.output import print_fields, print_json, print_table, time_text
from twinledger.cli.rendering import receipt_json
from twinledger.client import Ledger, ListedEvidence, Receipt
from twinledger.client.evidence import check_for_chain
from twinledger.client.governance_operations import submit_evidence
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import Evidence, SignedHead

_KEY_DIGITS = 16


@click.group(cls=ExampledGroup, example="twinledger consortium evidence list --devnet D")
def evidence() -> None:
    """Shows who signed two histories, and disqualifies the key that did.

    Nodes find evidence by themselves and keep it, but never submit it: whether and when a key is
    disqualified is for the members to decide.
    """


@evidence.command("list", example="twinledger consortium evidence list --devnet D")
@json_option
@connection_options
def list_(as_json: bool, connection: Connection) -> None:
    """Lists all evidence that the node has; each piece is checked here."""
    found = connection.run(_read)
    if as_json:
        print_json({"evidence": [_json(each) for each in found]})
        return
    print_table(
        ("WITNESS", "KEY", "SIZES", "DISQUALIFIED IN BLOCK"),
        [
            (
                each.witness,
                each.public_key.hex()[:_KEY_DIGITS],
                _sizes(each.evidence),
                _height(each),
            )
            for each in found
        ],
    )


@evidence.command(example="twinledger consortium evidence show maker/maker-1 --devnet D")
@click.argument("witness")
@click.option("--out", type=FILE, help="Write the evidence there, for others to check.")
@json_option
@connection_options
def show(witness: str, out: Path | None, as_json: bool, connection: Connection) -> None:
    """Shows the two heads that convict a WITNESS: its name, or the first digits of its key."""
    found = _of(connection, witness)
    if out is not None:
        write_new_file(out, found.content)
    if as_json:
        print_json(_json(found))
    else:
        print_fields(_fields(found))


@evidence.command(example="twinledger consortium evidence submit maker/maker-1 --devnet D")
@click.argument("witness", required=False)
@click.option("--file", type=FILE, help="Evidence as `show --out` writes it.")
@json_option
@connection_options
def submit(witness: str | None, file: Path | None, as_json: bool, connection: Connection) -> None:
    """Disqualifies the key of a WITNESS, or of the one that a file convicts.

    From the next block on the key counts in no certificate. The member stays, and so does the
    quorum; its admin may register another witness key. It takes an admin or operator of any member.
    """
    if (witness is None) == (file is None):
        raise click.UsageError("Name either a WITNESS or a --file.")
    content = _of(connection, witness or "").content if file is None else _read_file(file)

    async def work(ledger: Ledger) -> Receipt:
        check_for_chain(content, ledger.chain_id)
        return await ledger.submit(submit_evidence(content))

    receipt = connection.run(work)
    if as_json:
        print_json(receipt_json(receipt))
    else:
        named = receipt.events[0].subject
        click.echo(f"Disqualified the witness key of {named} in block {receipt.height}.")


async def _read(ledger: Ledger) -> list[ListedEvidence]:
    return await ledger.evidence()


def _read_file(path: Path) -> bytes:
    return read_file(path, Code.EVIDENCE_INVALID)


def _of(connection: Connection, witness: str) -> ListedEvidence:
    """The one piece that is meant; of several, the one that was not submitted.

    Raises:
        LedgerError: EVIDENCE_NOT_FOUND, also when it is not clear which: a witness may have had
            several keys that lied.
    """
    found = [each for each in connection.run(_read) if each.fits(witness)]
    waiting = [each for each in found if each.disqualified_height is None]
    chosen = waiting if len(found) > 1 else found
    if len(chosen) != 1:
        keys = ", ".join(each.public_key.hex()[:_KEY_DIGITS] for each in found)
        detail = f"{witness} means the keys {keys}: name one" if found else witness
        raise LedgerError(Code.EVIDENCE_NOT_FOUND, detail)
    return chosen[0]


def _sizes(evidence: Evidence) -> str:
    return f"{evidence.smaller.checkpoint.size}, {evidence.larger.checkpoint.size}"


def _height(listed: ListedEvidence) -> str:
    return (
        "not submitted" if listed.disqualified_height is None else str(listed.disqualified_height)
    )


def _fields(listed: ListedEvidence) -> list[tuple[str, str]]:
    evidence = listed.evidence
    size, within = evidence.smaller.checkpoint.size, evidence.root_within.hex()
    return [
        ("witness", listed.witness),
        ("key", listed.public_key.hex()),
        ("ledger", evidence.larger.checkpoint.origin),
        ("signed", _head_text(evidence.smaller)),
        ("and signed", _head_text(evidence.larger)),
        ("although", f"the second tree had the root {within} at size {size}"),
        ("disqualified", _height(listed)),
    ]


def _head_text(head: SignedHead) -> str:
    when = time_text(head.cosignature.timestamp_s * 1_000_000)
    return f"size {head.checkpoint.size}, root {head.checkpoint.root.hex()}, at {when}"


def _json(listed: ListedEvidence) -> dict[str, Any]:
    return {
        "witness": listed.witness,
        "public_key": listed.public_key.hex(),
        "origin": listed.evidence.larger.checkpoint.origin,
        "heads": [_head_json(head) for head in (listed.evidence.smaller, listed.evidence.larger)],
        "root_within": listed.evidence.root_within.hex(),
        "disqualified_height": listed.disqualified_height,
        "content": listed.content.hex(),
    }


def _head_json(head: SignedHead) -> dict[str, Any]:
    return {
        "size": head.checkpoint.size,
        "root": head.checkpoint.root.hex(),
        "timestamp_s": head.cosignature.timestamp_s,
    }
