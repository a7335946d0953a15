"""A witness beside the log: how far the log was when it last acknowledged anything.

LevelDB opens without a word when its newest log file is gone or cut short. The marker lies outside
of it and says what must be there. It is written after each sync of the log and never synced itself:
an old marker asks for less than the log holds, which is harmless. Only before a truncation it is
lowered and synced first; else a power cut could leave it asking for entries rightly removed.

The file is of two slots (`two_slots`); the content of one, big endian:

    u64      the log's sequence: how many synced writes it had seen
    u64 u64  last index and its term
    32       rolling hash of the entry at the last index
    u64      term of the hard state
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from twinledger.consensus import Index, Term
from twinledger.storage.two_slots import TwoSlots

_FIELDS: Final = struct.Struct(">QQQ32sQ")


@dataclass(frozen=True, slots=True)
class Mark:
    """What the log must at least hold."""

    sequence: int
    index: Index
    term: Term
    hash: bytes
    hard_term: Term

    def encode(self) -> bytes:
        """Return the content of a slot."""
        return _FIELDS.pack(self.sequence, self.index, self.term, self.hash, self.hard_term)

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read the content of a slot."""
        sequence, index, term, entry_hash, hard_term = _FIELDS.unpack(content)
        return cls(sequence, Index(index), Term(term), entry_hash, Term(hard_term))


class Marker:
    """The open marker file."""

    def __init__(self, slots: TwoSlots) -> None:
        """Use `create` or `open`."""
        self._slots = slots
        self.mark = Mark.decode(slots.content)

    @classmethod
    def create(cls, path: Path, mark: Mark) -> None:
        """Make the file, durably.

        Raises:
            StorageFailure: the disk refused.
        """
        TwoSlots.create(path, mark.encode())

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file and read its newest whole slot.

        Raises:
            LedgerError: DATA_DAMAGED.
            StorageFailure: the disk refused.
        """
        return cls(TwoSlots.open(path, _FIELDS.size))

    def write(self, mark: Mark, *, sync: bool = False) -> None:
        """Put a mark in the place of the older one.

        Raises:
            StorageFailure: the disk refused.
        """
        self._slots.write(mark.encode(), sync=sync)
        self.mark = mark

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        self._slots.close()
