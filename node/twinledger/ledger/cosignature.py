"""Signatures under a head: a witness's cosignature/v1, and the log's own line.

c2sp.org/tlog-cosignature and c2sp.org/signed-note. A cosignature says: at this time this was the
greatest consistent head that the witness had seen. The log's line says only who served it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import SIGNATURE_SIZE, verify
from twinledger.ledger.note import COSIGNATURE, ED25519, NoteLine, encode_base64, key_id

MAX_TIMESTAMP_S: Final = (1 << 63) - 1
_TIMESTAMP_SIZE = 8


class HeadSigner(Protocol):
    """A key that signs."""

    @property
    def public_key(self) -> bytes:
        """The 32 public bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature of a message."""
        ...


@dataclass(frozen=True, slots=True)
class Cosignature:
    """What a witness said about a head.

    Attributes:
        name: The witness, ``member/node``.
        timestamp_s: When it signed, seconds since 1970.
        signature: 64 bytes of Ed25519.
    """

    name: str
    timestamp_s: int
    signature: bytes

    def line(self, public_key: bytes) -> NoteLine:
        """The line of a note, for the key that made it."""
        stamp = self.timestamp_s.to_bytes(_TIMESTAMP_SIZE, "big")
        identifier = key_id(self.name, COSIGNATURE, public_key)
        return NoteLine(self.name, identifier, stamp + self.signature)

    @classmethod
    def of_line(cls, line: NoteLine, public_key: bytes) -> Cosignature:
        """Reads the line of a witness that has this key; checks no signature.

        Raises:
            LedgerError: MALFORMED when it is no cosignature, or another key's.
        """
        if line.key_id != key_id(line.name, COSIGNATURE, public_key):
            raise LedgerError(Code.MALFORMED, f"the line of {line.name} names another key")
        if len(line.signature) != _TIMESTAMP_SIZE + SIGNATURE_SIZE:
            raise LedgerError(Code.MALFORMED, f"the line of {line.name} has a wrong length")
        stamp = int.from_bytes(line.signature[:_TIMESTAMP_SIZE], "big")
        return cls(line.name, stamp, line.signature[_TIMESTAMP_SIZE:])


def cosigned_message(checkpoint: Checkpoint, timestamp_s: int) -> bytes:
    """The bytes that a witness signs."""
    return b"cosignature/v1\ntime %d\n" % timestamp_s + checkpoint.encode()


def cosign(signer: HeadSigner, name: str, checkpoint: Checkpoint, timestamp_s: int) -> Cosignature:
    """Signs a head. Whether it may be signed is the caller's to know.

    Args:
        signer: The witness's key.
        name: The witness, ``member/node``.
        checkpoint: The head.
        timestamp_s: Now, seconds since 1970.
    """
    signature = signer.sign(cosigned_message(checkpoint, timestamp_s))
    return Cosignature(name, timestamp_s, signature)


def check_cosignature(public_key: bytes, checkpoint: Checkpoint, cosignature: Cosignature) -> None:
    """Checks what a witness with this key said about a head.

    Raises:
        LedgerError: BAD_SIGNATURE, also for a time that no cosignature may carry.
    """
    if not 0 <= cosignature.timestamp_s <= MAX_TIMESTAMP_S:
        raise LedgerError(Code.BAD_SIGNATURE, f"{cosignature.name} signed at no possible time")
    message = cosigned_message(checkpoint, cosignature.timestamp_s)
    verify(public_key, message, cosignature.signature)


def log_line(signer: HeadSigner, checkpoint: Checkpoint) -> NoteLine:
    """The log's own line, by the key of the node that serves the head."""
    identifier = key_id(checkpoint.origin, ED25519, signer.public_key)
    return NoteLine(checkpoint.origin, identifier, signer.sign(checkpoint.encode()))


def verifier_key(name: str, log_key: bytes) -> str:
    """The key of a log's own line as C2SP's signed notes write one down: name+id+base64."""
    identifier = key_id(name, ED25519, log_key)
    return f"{name}+{identifier.hex()}+{encode_base64(bytes([ED25519]) + log_key)}"


def check_log_line(public_key: bytes, checkpoint: Checkpoint, line: NoteLine) -> None:
    """Checks that a serving node with this key put its line under a head.

    Raises:
        LedgerError: BAD_SIGNATURE.
    """
    if line.name != checkpoint.origin or line.key_id != key_id(line.name, ED25519, public_key):
        raise LedgerError(Code.BAD_SIGNATURE, "the line is another key's")
    verify(public_key, checkpoint.encode(), line.signature)
