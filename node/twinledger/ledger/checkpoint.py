"""The head of a ledger: a checkpoint as c2sp.org/tlog-checkpoint says, without extension lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.note import SignedNote, decode_base64, encode_base64, is_key_name

ROOT_SIZE: Final = 32
MAX_SIZE: Final = (1 << 63) - 1

_LINES = 3
_SIZE = re.compile(r"[1-9][0-9]{0,18}")


def origin_of(chain_id: bytes, epoch: int = 0) -> str:
    """The name of a chain's log; every recovery of a lost quorum begins another epoch."""
    chain = f"twinledger/{chain_id.hex()}"
    return f"{chain}/epoch-{epoch}" if epoch else chain


def head_of(note: bytes) -> Checkpoint:
    """The head that a signed note is of; its lines are not checked.

    Raises:
        LedgerError: when it is no note, or not of a head.
    """
    return Checkpoint.decode(SignedNote.parse(note).text)


def epoch_of(origin: str) -> int:
    """The epoch that an origin names; 0 when it names none."""
    _, marked, number = origin.rpartition("/epoch-")
    return int(number) if marked and number.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head: how many headers the history tree has, and its root.

    Attributes:
        origin: Which log it is of.
        size: The tree's size, the newest height + 1; at least 1, as genesis is always there.
        root: The tree's root, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    @property
    def height(self) -> int:
        """The height of the newest block below this head."""
        return self.size - 1

    def encode(self) -> bytes:
        """The text that is signed: three lines."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n".encode("ascii")

    @classmethod
    def decode(cls, raw: bytes) -> Checkpoint:
        """Reads a checkpoint's text, and only what ``encode`` could have written.

        Raises:
            LedgerError: MALFORMED.
        """
        try:
            lines = raw.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise LedgerError(Code.MALFORMED, "a checkpoint is ASCII") from None
        if len(lines) != _LINES + 1 or lines[_LINES]:
            _refuse(f"a checkpoint has {_LINES} lines")
        origin, size, root = lines[:_LINES]
        if not is_key_name(origin):
            _refuse("a checkpoint's origin is printable ASCII without spaces")
        return cls(origin, _read_size(size), _read_root(root))


def _read_size(text: str) -> int:
    if not _SIZE.fullmatch(text) or int(text) > MAX_SIZE:
        _refuse(f"a checkpoint's size is a plain number from 1 to {MAX_SIZE}")
    return int(text)


def _read_root(text: str) -> bytes:
    root = decode_base64(text)
    if len(root) != ROOT_SIZE:
        _refuse(f"a checkpoint's root has {ROOT_SIZE} bytes")
    return root


def _refuse(why: str) -> NoReturn:
    raise LedgerError(Code.MALFORMED, why)
