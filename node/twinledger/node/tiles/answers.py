"""What lies at each path: the checkpoint, the tiles and the entries of one node's history tree."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from twinledger.consortium.witnesses import Certificate
from twinledger.ledger.cosignature import log_line
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_tree import Place
from twinledger.ledger.keys import MessageSigner
from twinledger.ledger.note import SignedNote
from twinledger.node.tiles.naming import HEIGHT, Tile
from twinledger.storage import ChainStore

CHECKPOINT: Final = "checkpoint"
_LENGTH: Final = struct.Struct(">H")


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes at a path, and whether they stay the same for ever."""

    content: bytes
    media_type: str
    immutable: bool


@dataclass(frozen=True, slots=True)
class Tiles:
    """Answers under the newest certified head. May be used from any thread."""

    chain: ChainStore
    signer: MessageSigner
    """The log's key."""
    certificate: Callable[[], Certificate | None]
    """The newest certificate."""

    def answer(self, path: str) -> Answer:
        """Return what lies at a path below the log's prefix.

        Raises:
            LedgerError: TILE_NOT_FOUND; NOT_CERTIFIED, before the first head is.
        """
        certificate = self.certificate()
        if certificate is None:
            raise LedgerError(Code.NOT_CERTIFIED)
        if path == CHECKPOINT:
            return Answer(self._checkpoint(certificate), "text/plain; charset=utf-8", False)
        size = certificate.checkpoint.size
        tile = Tile.parse(path)
        if tile is None:
            raise LedgerError(Code.TILE_NOT_FOUND, "the path names no tile")
        if not tile.within(size):
            raise LedgerError(Code.TILE_NOT_FOUND, f"the certified tree has {size} leaves")
        content = self._entries(tile) if tile.level is None else self._hashes(tile, tile.level)
        return Answer(content, "application/octet-stream", True)

    def _checkpoint(self, certificate: Certificate) -> bytes:
        """The certified head, with the log's own line before the cosignatures."""
        note = SignedNote.parse(certificate.raw)
        own = log_line(self.signer, certificate.checkpoint)
        return SignedNote(note.text, (own, *note.lines)).encode()

    def _hashes(self, tile: Tile, level: int) -> bytes:
        history, numbers = self.chain.trees, range(tile.first, tile.first + tile.width)
        return b"".join(history.history_hash(Place(HEIGHT * level, each)) for each in numbers)

    def _entries(self, tile: Tile) -> bytes:
        headers = map(self.chain.header_bytes, range(tile.first, tile.first + tile.width))
        return b"".join(_LENGTH.pack(len(header)) + header for header in headers)
