"""A witness beside the log: how far the log was when it last acknowledged anything.

LevelDB opens without a word when its newest log file is gone or cut short. The marker lies outside
of it and says what must be there. It is written after each sync of the log and never synced itself:
an old marker asks for less than the log holds, which is harmless. Only before a truncation it is
lowered and synced first; else a power cut could leave it asking for entries rightly removed.

The file: two slots, 4096 bytes apart, written in turn, so that a torn write spoils only one: an
even generation goes into the first.
A slot, big endian:

    u64      generation: the greater one counts
    u64      the log's sequence: how many synced writes it had seen
    u64 u64  last index and its term
    32       rolling hash of the entry at the last index
    u64      term of the hard state
    32       SHA-256 of the bytes before
"""

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from twinledger.consensus import Index, Term
from twinledger.storage.damage import damaged
from twinledger.storage.durable_file import write_durably
from twinledger.storage.failure import os_failure

_FIELDS: Final = struct.Struct(">QQQQ32sQ")
_DIGEST_BYTES: Final = 32
_SLOT_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Mark:
    """What the log must at least hold."""

    sequence: int
    index: Index
    term: Term
    hash: bytes
    hard_term: Term


class Marker:
    """The open marker file."""

    def __init__(self, file: int, generation: int, mark: Mark) -> None:
        """Use `create` or `open`."""
        self._file = file
        self._generation = generation
        self.mark = mark

    @classmethod
    def create(cls, path: Path, mark: Mark) -> None:
        """Make the file, durably.

        Raises:
            StorageFailure: the disk refused.
        """
        write_durably(path, bytes(_SLOT_BYTES) + _slot(1, mark).ljust(_SLOT_BYTES, b"\0"))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file and read its newest whole slot.

        Raises:
            LedgerError: DATA_DAMAGED.
            StorageFailure: the disk refused.
        """
        try:
            file = os.open(path, os.O_RDWR)
            content = os.read(file, 2 * _SLOT_BYTES)
        except FileNotFoundError as error:
            raise damaged(f"The file {path.name} is missing") from error
        except OSError as error:
            raise os_failure(f"read {path.name}", error) from error
        slots = [_read(content[start : start + _SLOT_BYTES]) for start in (0, _SLOT_BYTES)]
        whole = [slot for slot in slots if slot is not None]
        if not whole:
            os.close(file)
            raise damaged(f"Neither slot of the file {path.name} is whole")
        return cls(file, *max(whole, key=lambda slot: slot[0]))

    def write(self, mark: Mark, *, sync: bool = False) -> None:
        """Put a mark in the place of the older one.

        Raises:
            StorageFailure: the disk refused.
        """
        self._generation += 1
        try:
            os.pwrite(self._file, _slot(self._generation, mark), self._generation % 2 * _SLOT_BYTES)
            if sync:
                os.fdatasync(self._file)
        except OSError as error:
            raise os_failure("write the log's marker", error) from error
        self.mark = mark

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _slot(generation: int, mark: Mark) -> bytes:
    fields = _FIELDS.pack(
        generation, mark.sequence, mark.index, mark.term, mark.hash, mark.hard_term
    )
    return fields + hashlib.sha256(fields).digest()


def _read(slot: bytes) -> tuple[int, Mark] | None:
    """Return a slot's generation and mark, or None for one that is empty or torn."""
    fields, digest = slot[: _FIELDS.size], slot[_FIELDS.size : _FIELDS.size + _DIGEST_BYTES]
    if len(digest) != _DIGEST_BYTES or hashlib.sha256(fields).digest() != digest:
        return None
    generation, sequence, index, term, entry_hash, hard_term = _FIELDS.unpack(fields)
    return generation, Mark(sequence, Index(index), Term(term), entry_hash, Term(hard_term))
