"""Writes the error catalogue as a page for people: ``docs/errors.md``."""

from __future__ import annotations

from twinledger.ledger.catalogue import SECTIONS
from twinledger.ledger.catalogue.entry import Entry
from twinledger.ledger.codes import Code

_HEAD = """# Errors

Every refusal carries a stable code: in the details of a gRPC error, in a receipt, in the output of
every command with `--json`. Codes are never renamed. What follows the sentence, in the particular
case, is cut off after 512 bytes where a call is answered with it. This page is written from the
table in `twinledger.ledger.catalogue`; a test holds it to that:

    python -m twinledger.ledger.error_page > docs/errors.md
"""


def render() -> str:
    """The catalogue as the text of ``docs/errors.md``."""
    return "\n".join([_HEAD, *(_render_section(*section) for section in SECTIONS.items())])


def _render_section(title: str, entries: dict[Code, Entry]) -> str:
    rows = [
        f"| `{code}` | {entry.sentence}. | {entry.next_step} | {entry.status} |"
        f" {'yes' if entry.waiting_helps else 'no'} |"
        for code, entry in entries.items()
    ]
    head = ["| code | what happened | what to do | gRPC status | waiting helps |", "|---" * 5 + "|"]
    return "\n".join([f"## {title}", "", *head, *rows, ""])


if __name__ == "__main__":
    import sys

    sys.stdout.write(render())
