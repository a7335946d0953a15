"""Signed notes, as c2sp.org/signed-note says: a text, an empty line, signature lines.

Stricter than the specification where it leaves room, so that a note has one encoding and a bounded
size: names are printable ASCII, base64 is canonical, and there are at most 128 lines.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NoReturn

from twinledger.ledger.errors import Code, LedgerError

MAX_BYTES: Final = 65_536
MAX_LINES: Final = 128
KEY_ID_SIZE: Final = 4

ED25519: Final = 0x01
"""The signature type of a log's own line."""
COSIGNATURE: Final = 0x04
"""The signature type of a witness's line."""

_NAME = re.compile(r"[!-*,-~]{1,255}")  # printable ASCII without space and plus
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_SEPARATOR = b"\n\n"
_DASH = "\u2014 "
_MOST_OF_SIGNATURE = 8_192


@dataclass(frozen=True, slots=True)
class NoteLine:
    """One signature line.

    Attributes:
        name: The key's name.
        key_id: The first 4 bytes of the hash that names key and kind.
        signature: What the key made: its form is the kind's.
    """

    name: str
    key_id: bytes
    signature: bytes

    def encode(self) -> bytes:
        """The line with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n".encode()


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note: the text with its final newline, and at least one line."""

    text: bytes
    lines: tuple[NoteLine, ...]

    def encode(self) -> bytes:
        """The note's bytes."""
        return encode_note(self.text, self.lines)

    @classmethod
    def parse(cls, raw: bytes) -> SignedNote:
        """Reads a note without checking any signature.

        Raises:
            LedgerError: MALFORMED, also for what the specification lets pass but this project
                never writes.
        """
        if len(raw) > MAX_BYTES:
            _refuse(f"a note has at most {MAX_BYTES} bytes")
        text, separator, tail = raw.rpartition(_SEPARATOR)
        if not text or not separator or not tail.endswith(b"\n"):
            _refuse("a note is a text, an empty line and signature lines")
        _check_text(raw)
        rows = tail[:-1].decode().split("\n")
        if len(rows) > MAX_LINES:
            _refuse(f"a note has at most {MAX_LINES} signature lines")
        return cls(text + b"\n", tuple([_read_line(row) for row in rows]))


def encode_note(text: bytes, lines: Iterable[NoteLine]) -> bytes:
    """A note's bytes, from its text and its lines in their order."""
    return text + b"\n" + b"".join(line.encode() for line in lines)


def key_id(name: str, kind: int, public_key: bytes) -> bytes:
    """The 4 bytes that, with the name, tell a verifier which key made a line and how."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:KEY_ID_SIZE]


def is_key_name(text: str) -> bool:
    """Whether a text may name a key: 1 to 255 of printable ASCII without space and plus."""
    return _NAME.fullmatch(text) is not None


def encode_base64(raw: bytes) -> str:
    """RFC 4648, section 4, with padding."""
    return base64.b64encode(raw).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Reads base64, and only what ``encode_base64`` could have written.

    Raises:
        LedgerError: MALFORMED.
    """
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise LedgerError(Code.MALFORMED, "it is no base64") from None
    if encode_base64(raw) != text:
        _refuse("it is no canonical base64")
    return raw


def _read_line(row: str) -> NoteLine:
    name, separator, content = row.removeprefix(_DASH).partition(" ")
    if not row.startswith(_DASH) or not separator or not is_key_name(name):
        _refuse("a signature line is a dash, a key's name and base64")
    raw = decode_base64(content)
    if not KEY_ID_SIZE < len(raw) <= _MOST_OF_SIGNATURE:
        _refuse("a signature line holds a key id and a signature")
    return NoteLine(name, raw[:KEY_ID_SIZE], raw[KEY_ID_SIZE:])


def _check_text(raw: bytes) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise LedgerError(Code.MALFORMED, "a note is not UTF-8") from None
    if _CONTROL.search(raw):
        _refuse("a note holds a control character")


def _refuse(why: str) -> NoReturn:
    raise LedgerError(Code.MALFORMED, why)
