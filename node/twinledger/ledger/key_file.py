"""How private keys are written down: one JSON object a file, sealed with a passphrase or not.

Fields: `purpose`, `name` (whose key it is, member/name), `public_key` (hex), and either
`private_key` (hex) or, sealed, `salt`, `operations`, `memory` (what argon2id is given, memory in
bytes) and `sealed_key` (hex of libsodium's secretbox: nonce || box). A private key of Ed25519 is
its 32-byte seed; one of a transport is PKCS #8 in PEM, and its public half its certificate in DER.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import nacl.exceptions
import nacl.pwhash.argon2id
import nacl.secret
import nacl.utils

from twinledger.ledger.errors import Code, LedgerError

_OPEN_FIELDS: Final = {"purpose", "name", "public_key", "private_key"}
_SEALED_FIELDS: Final = {
    "purpose",
    "name",
    "public_key",
    "salt",
    "operations",
    "memory",
    "sealed_key",
}
# A file that somebody else wrote must not make us spend minutes or all memory.
_OPERATIONS: Final = range(1, 17)
_MEMORY: Final = range(nacl.pwhash.argon2id.MEMLIMIT_MIN, (1 << 30) + 1)


class Purpose(StrEnum):
    """What a key is for; it is used for nothing else."""

    IDENTITY = "identity"
    WITNESS = "witness"
    LOG = "log"
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class SealCost:
    """What a try of a passphrase costs: passes over so many bytes."""

    operations: int = nacl.pwhash.argon2id.OPSLIMIT_MODERATE
    memory: int = nacl.pwhash.argon2id.MEMLIMIT_MODERATE


MODERATE: Final = SealCost()


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What a key file says.

    Attributes:
        purpose: What the key is for.
        name: Whose key it is.
        public_key: Its public half; readable without the passphrase.
        private_key: Its private half; empty while it is sealed.
        seal: What a passphrase opens; None when there is no seal.
    """

    purpose: Purpose
    name: str
    public_key: bytes
    private_key: bytes
    seal: Seal | None = None

    def __repr__(self) -> str:
        return f"StoredKey({self.purpose}, {self.name}, public_key={self.public_key.hex()})"

    def encode(self) -> str:
        """The file's text."""
        fields = {
            "purpose": self.purpose.value,
            "name": self.name,
            "public_key": self.public_key.hex(),
        }
        secret = (
            {"private_key": self.private_key.hex()} if self.seal is None else self.seal.fields()
        )
        return json.dumps({**fields, **secret}, indent=2) + "\n"

    def sealed(self, passphrase: bytes, cost: SealCost = MODERATE) -> StoredKey:
        """The same key, its private half behind a passphrase."""
        salt = nacl.utils.random(nacl.pwhash.argon2id.SALTBYTES)
        box = _box(passphrase, salt, cost)
        seal = Seal(salt, cost, bytes(box.encrypt(self.private_key)))
        return StoredKey(self.purpose, self.name, self.public_key, b"", seal)

    def opened(self, passphrase: bytes) -> StoredKey:
        """The same key with its private half.

        Raises:
            LedgerError: KEY_LOCKED when it is not this passphrase.
        """
        if self.seal is None:
            return self
        try:
            private = _box(passphrase, self.seal.salt, self.seal.cost).decrypt(self.seal.box)
        except nacl.exceptions.CryptoError:
            raise LedgerError(Code.KEY_LOCKED, f"{self.name}: it is another passphrase") from None
        return StoredKey(self.purpose, self.name, self.public_key, bytes(private))

    @classmethod
    def decode(cls, text: str) -> StoredKey:
        """Reads the file's text; nothing is opened and no key is checked.

        Raises:
            LedgerError: CONFIG_INVALID, saying what is wrong.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _invalid(f"it is not JSON: {error}") from None
        if not isinstance(content, dict) or set(content) not in (_OPEN_FIELDS, _SEALED_FIELDS):
            raise _invalid(f"it must hold exactly {', '.join(sorted(_OPEN_FIELDS))}")
        try:
            purpose, name = Purpose(content["purpose"]), content["name"]
            public_key = bytes.fromhex(content["public_key"])
            if not isinstance(name, str):
                raise _invalid("its name must be text")
            if "private_key" in content:
                return cls(purpose, name, public_key, bytes.fromhex(content["private_key"]))
            return cls(purpose, name, public_key, b"", _read_seal(content))
        except (ValueError, TypeError) as error:
            raise _invalid(str(error)) from None


@dataclass(frozen=True, slots=True)
class Seal:
    """A private key behind a passphrase."""

    salt: bytes
    cost: SealCost
    box: bytes

    def fields(self) -> dict[str, str | int]:
        """Its fields of the file."""
        return {
            "salt": self.salt.hex(),
            "operations": self.cost.operations,
            "memory": self.cost.memory,
            "sealed_key": self.box.hex(),
        }


def _read_seal(content: dict[str, Any]) -> Seal:
    cost = SealCost(content["operations"], content["memory"])
    # A range looks for anything but an int one by one, for minutes.
    if type(cost.operations) is not int or type(cost.memory) is not int:
        raise TypeError("what its seal costs is not told in whole numbers")
    salt = bytes.fromhex(content["salt"])
    if cost.operations not in _OPERATIONS or cost.memory not in _MEMORY:
        raise ValueError("its seal asks for more or less work than any of ours")
    if len(salt) != nacl.pwhash.argon2id.SALTBYTES:
        raise ValueError("its salt has a wrong length")
    return Seal(salt, cost, bytes.fromhex(content["sealed_key"]))


def _box(passphrase: bytes, salt: bytes, cost: SealCost) -> nacl.secret.SecretBox:
    key = nacl.pwhash.argon2id.kdf(
        nacl.secret.SecretBox.KEY_SIZE,
        passphrase,
        salt,
        opslimit=cost.operations,
        memlimit=cost.memory,
    )
    return nacl.secret.SecretBox(key)


def _invalid(detail: str) -> LedgerError:
    return LedgerError(Code.CONFIG_INVALID, detail.rstrip("."))
