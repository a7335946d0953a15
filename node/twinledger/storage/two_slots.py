"""A small file of two slots, 4096 bytes apart, written in turn: a torn write spoils only one.

A slot, big endian:

    u64   generation: the greater one counts; an even one goes into the first slot
    N     the content, always of the same length in one file
    32    SHA-256 of the bytes before
"""

import hashlib
import os
import struct
from pathlib import Path
from typing import Final, Self

from twinledger.storage.damage import damaged
from twinledger.storage.durable_file import write_durably
from twinledger.storage.failure import os_failure

_GENERATION: Final = struct.Struct(">Q")
_DIGEST_BYTES: Final = 32
_SLOT_BYTES: Final = 4096


class TwoSlots:
    """The open file."""

    def __init__(self, name: str, file: int, generation: int, content: bytes) -> None:
        """Use `create` or `open`."""
        self._name = name
        self._file = file
        self._generation = generation
        self.content = content

    @classmethod
    def create(cls, path: Path, content: bytes) -> None:
        """Make the file, durably.

        Raises:
            StorageFailure: the disk refused.
        """
        write_durably(path, bytes(_SLOT_BYTES) + _slot(1, content).ljust(_SLOT_BYTES, b"\0"))

    @classmethod
    def open(cls, path: Path, content_bytes: int) -> Self:
        """Open the file and read its newest whole slot.

        Raises:
            LedgerError: DATA_DAMAGED.
            StorageFailure: the disk refused.
        """
        try:
            file = os.open(path, os.O_RDWR)
            raw = os.read(file, 2 * _SLOT_BYTES)
        except FileNotFoundError as error:
            raise damaged(f"The file {path.name} is missing") from error
        except OSError as error:
            raise os_failure(f"read {path.name}", error) from error
        slots = [_read(raw[start:], content_bytes) for start in (0, _SLOT_BYTES)]
        whole = [slot for slot in slots if slot is not None]
        if not whole:
            os.close(file)
            raise damaged(f"Neither slot of the file {path.name} is whole")
        return cls(path.name, file, *max(whole, key=lambda slot: slot[0]))

    def write(self, content: bytes, *, sync: bool) -> None:
        """Put a content in the place of the older one.

        Raises:
            StorageFailure: the disk refused.
        """
        self._generation += 1
        slot, place = _slot(self._generation, content), self._generation % 2 * _SLOT_BYTES
        try:
            os.pwrite(self._file, slot, place)
            if sync:
                os.fdatasync(self._file)
        except OSError as error:
            raise os_failure(f"write {self._name}", error) from error
        self.content = content

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _slot(generation: int, content: bytes) -> bytes:
    fields = _GENERATION.pack(generation) + content
    return fields + hashlib.sha256(fields).digest()


def _read(raw: bytes, content_bytes: int) -> tuple[int, bytes] | None:
    """Return a slot's generation and content, or None for one that is empty or torn."""
    end = _GENERATION.size + content_bytes
    fields, digest = raw[:end], raw[end : end + _DIGEST_BYTES]
    if len(digest) != _DIGEST_BYTES or hashlib.sha256(fields).digest() != digest:
        return None
    return _GENERATION.unpack_from(fields)[0], fields[_GENERATION.size :]
