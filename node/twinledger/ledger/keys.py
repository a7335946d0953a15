"""Ed25519 keys, exactly as libsodium checks them (signature suite 1).

Only PyNaCl is used. Other libraries decide edge cases differently (small-order and non-canonical
points), and a signature that one node accepts and another refuses would fork the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import nacl.bindings
import nacl.exceptions
import nacl.signing

from twinledger.ledger.errors import Code, LedgerError

SUITE_ED25519 = 1
SEED_SIZE = 32
PUBLIC_KEY_SIZE = 32
SIGNATURE_SIZE = 64


class MessageSigner(Protocol):
    """Whatever signs with Ed25519: a key in memory, or one that never leaves its device."""

    @property
    def public_key(self) -> bytes:
        """The 32 public bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of a message (RFC 8032, the plain one)."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key. Its printed form never shows the secret."""

    _key: nacl.signing.SigningKey

    @classmethod
    def generate(cls) -> SigningKey:
        """A new random key."""
        return cls(nacl.signing.SigningKey.generate())

    @classmethod
    def load(cls, seed: bytes) -> SigningKey:
        """The key of a 32-byte seed, or BAD_KEY."""
        if len(seed) != SEED_SIZE:
            raise LedgerError(Code.BAD_KEY, f"a private key has {SEED_SIZE} bytes")
        return cls(nacl.signing.SigningKey(bytes(seed)))

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes, for keeping in a key file."""
        return bytes(self._key)

    @property
    def public_key(self) -> bytes:
        """The 32 public bytes."""
        return bytes(self._key.verify_key)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of a message (RFC 8032, the plain one)."""
        return self._key.sign(message).signature

    def __repr__(self) -> str:
        return f"SigningKey(public_key={self.public_key.hex()})"


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Checks a signature.

    Raises:
        LedgerError: BAD_SIGNATURE, also for keys and signatures of a wrong length.
    """
    if len(public_key) != PUBLIC_KEY_SIZE or len(signature) != SIGNATURE_SIZE:
        raise LedgerError(Code.BAD_SIGNATURE, "a key or a signature has a wrong length")
    try:
        # The binding itself: it releases the interpreter lock, and nacl.signing.VerifyKey adds
        # only checks that were made above.
        nacl.bindings.crypto_sign_open(signature + message, public_key)
    except nacl.exceptions.BadSignatureError:
        raise LedgerError(Code.BAD_SIGNATURE) from None


def check_public_key(public_key: bytes) -> None:
    """Refuses, with BAD_KEY, a public key that no signature could ever be checked with."""
    if len(public_key) != PUBLIC_KEY_SIZE:
        raise LedgerError(Code.BAD_KEY, f"a public key has {PUBLIC_KEY_SIZE} bytes")
    if not nacl.bindings.crypto_core_ed25519_is_valid_point(public_key):
        raise LedgerError(Code.BAD_KEY, "it is no point of the curve's main group")
