"""The newest head this node ever signed: what it must never contradict, whatever happens to it.

It is written and synced before a signature leaves. It is also the right to sign: a witness key
signs only in the folder that has its mark. `node init` makes the mark together with the folder; it
belongs to the first key that signs with it, until a key that was made for this folder follows
(`NextSigner`), and nothing makes it again. A backup leaves it out, so
a restored folder runs without signing, and so does one whose mark was deleted: what was signed
after it was copied is not known in it.

The file is of two slots (`two_slots`); the content of one, big endian:

    32       the witness key, zeros while nothing was signed
    u64      size of the newest head signed, 0 while nothing was
    32       its root
    u64      when it was signed last, seconds since 1970
    u8 127   length of the log's origin, and the origin, filled up with zeros
"""

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import invariant
from twinledger.storage.damage import damaged
from twinledger.storage.durable_file import sync_directory, write_durably
from twinledger.storage.two_slots import TwoSlots

_FIELDS: Final = struct.Struct(">32sQ32sQ128p")
_NO_KEY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class SignedMark:
    """What was signed last, by which key and when; `size` is 0 while nothing was."""

    key: bytes
    origin: str
    size: int
    root: bytes
    timestamp_s: int

    @property
    def head(self) -> Checkpoint | None:
        """The head; None while nothing was signed."""
        return Checkpoint(self.origin, self.size, self.root) if self.size else None

    def allows(self, following: Self) -> bool:
        """Whether another mark may follow: of this key and log, and of no smaller or other head."""
        if not self.size:
            return following.size > 0
        if (self.key, self.origin) != (following.key, following.origin):
            return False
        if following.timestamp_s < self.timestamp_s:
            return False
        return following.size > self.size or (
            following.size == self.size and following.root == self.root
        )

    def encode(self) -> bytes:
        """Return the content of a slot."""
        origin = self.origin.encode("ascii")
        return _FIELDS.pack(self.key, self.size, self.root, self.timestamp_s, origin)

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Read the content of a slot."""
        key, size, root, timestamp_s, origin = _FIELDS.unpack(content)
        return cls(key, origin.decode("ascii"), size, root, timestamp_s)


NOTHING_SIGNED: Final = SignedMark(_NO_KEY, "", 0, bytes(32), 0)


class HeadMark:
    """The open file. One thread writes."""

    def __init__(self, slots: TwoSlots) -> None:
        """Use `create` or `open`."""
        self._slots = slots
        self.mark = SignedMark.decode(slots.content)

    @classmethod
    def create(cls, path: Path) -> None:
        """Make the mark of a key that has signed nothing, durably. Only for a new key.

        Raises:
            StorageFailure: the disk refused.
        """
        TwoSlots.create(path, NOTHING_SIGNED.encode())

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Open the mark; None where there is none: then nothing may be signed here.

        Raises:
            LedgerError: DATA_DAMAGED.
            StorageFailure: the disk refused.
        """
        if not path.exists():
            return None
        try:
            return cls(TwoSlots.open(path, _FIELDS.size))
        except UnicodeDecodeError as error:
            raise damaged(f"The file {path.name} names no log") from error

    def advance(self, mark: SignedMark) -> None:
        """Let what is about to be signed be the newest, on the disk when this returns.

        Raises:
            StorageFailure: the disk refused; then nothing may be signed.
        """
        invariant(self.mark.allows(mark), "a signed head is never contradicted")
        self._slots.write(mark.encode(), sync=True)
        self.mark = mark

    def hand_over(self, key: bytes) -> None:
        """Let another key sign from here on, which must go on where the one before ended.

        Only for a key that was made for this folder and never signed: see `NextSigner`.

        Raises:
            StorageFailure: the disk refused; then nothing may be signed.
        """
        self._slots.write(replace(self.mark, key=key).encode(), sync=True)
        self.mark = replace(self.mark, key=key)

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        self._slots.close()


@dataclass(frozen=True, slots=True)
class NextSigner:
    """The right of a new witness key to follow the old one in a folder, in a file of its own.

    It is made together with the key and used once. So a folder that was put back from before has
    none, and a key that signed somewhere else never signs there.
    """

    path: Path

    def allow(self, key: bytes) -> None:
        """Let this key, which has signed nothing, follow.

        Raises:
            StorageFailure: the disk refused.
        """
        write_durably(self.path, key.hex().encode())

    def take_over(self, mark: HeadMark, key: bytes) -> None:
        """Hand the mark over to this key if it may follow; the right is gone then.

        Raises:
            StorageFailure: the disk refused.
        """
        if not self.path.exists() or self.path.read_bytes() != key.hex().encode():
            return
        if mark.mark.size and mark.mark.key != key:
            mark.hand_over(key)
        self.path.unlink()
        sync_directory(self.path.parent)
