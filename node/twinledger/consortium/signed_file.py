"""Files that people hand around and sign: a body, an empty line, a line for each signature.

A line is an em dash, the signer's name and the base64 of a 64-byte Ed25519 signature, with one
space between; lines are sorted by name (bytes). The body ends in one newline and holds no empty
line, so that the two parts can be told apart without understanding either.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from twinledger.consortium.strict_json import base64_bytes
from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import SIGNATURE_SIZE

MAX_BYTES: Final = 1_048_576
_DASH: Final = "\u2014 ".encode()


@dataclass(frozen=True, slots=True, order=True)
class SignatureLine:
    """Who signed, and the signature."""

    name: str
    signature: bytes

    def encode(self) -> bytes:
        """The line with its newline."""
        return _DASH + self.name.encode() + b" " + base64.b64encode(self.signature) + b"\n"


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A file taken apart; nothing is checked but its form."""

    body: bytes
    lines: tuple[SignatureLine, ...]

    def encode(self) -> bytes:
        """The file's bytes; without lines it is the body alone."""
        if not self.lines:
            return self.body
        return self.body + b"\n" + b"".join(line.encode() for line in self.lines)

    def with_line(self, line: SignatureLine) -> SignedFile:
        """The file with one signature more."""
        return SignedFile(self.body, sorted_lines((*self.lines, line)))

    @classmethod
    def parse(cls, raw: bytes, code: Code) -> SignedFile:
        """Takes a file apart.

        Raises:
            LedgerError: `code`, when it is not of this form.
        """
        if len(raw) > MAX_BYTES:
            raise LedgerError(code, f"the file has more than {MAX_BYTES} bytes")
        body, empty, rest = raw.partition(b"\n\n")
        if not empty:
            return cls(raw, ())
        lines = tuple(_line(each, code) for each in rest.splitlines(keepends=True))
        if not lines or lines != sorted_lines(lines):
            raise LedgerError(code, "its signatures are missing or not in the order of names")
        return cls(body + b"\n", lines)


def sorted_lines(lines: Iterable[SignatureLine]) -> tuple[SignatureLine, ...]:
    """The lines in the order in which a file has them."""
    return tuple(sorted(lines, key=lambda line: line.name.encode()))


def _line(raw: bytes, code: Code) -> SignatureLine:
    name, _, text = raw.removeprefix(_DASH).removesuffix(b"\n").partition(b" ")
    signature = base64_bytes(text)
    if signature is not None and len(signature) == SIGNATURE_SIZE and name.isascii():
        line = SignatureLine(name.decode(), signature)
        if line.encode() == raw:
            return line
    raise LedgerError(code, f"{names.shown(raw.decode(errors='replace'))} is no signature line")
