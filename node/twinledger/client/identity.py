"""An identity and its private key; `client.key_files` keeps them in files."""

from dataclasses import dataclass
from pathlib import Path

from twinledger.client.key_files import (
    AskPassphrase,
    passphrase_of_environment,
    read_signing_key,
    stored_signing_key,
    unusable,
    write_key,
)
from twinledger.ledger import names
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.key_file import Purpose
from twinledger.ledger.keys import MessageSigner, SigningKey


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs.

    Attributes:
        name: The full name, member/name.
        key: What signs: a private key, or something that keeps one.
    """

    name: str
    key: MessageSigner

    @property
    def member(self) -> str:
        """The member this identity belongs to."""
        return self.name.partition("/")[0]

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that the ledger registers."""
        return self.key.public_key

    @classmethod
    def generate(cls, name: str) -> "Identity":
        """A new key for `name` (member/name).

        Raises:
            LedgerError: BAD_IDENTITY.
        """
        return cls(names.identity(name), SigningKey.generate())

    @classmethod
    def load(
        cls, path: str | Path, passphrase: AskPassphrase = passphrase_of_environment
    ) -> "Identity":
        """Reads a key file.

        Args:
            path: The file.
            passphrase: Gets the passphrase when the file is sealed; by default from
                TWINLEDGER_PASSPHRASE or the file that TWINLEDGER_PASSPHRASE_FILE names.

        Raises:
            LedgerError: KEY_EXPOSED when others can read the file, KEY_LOCKED when the passphrase
                is missing or wrong; CONFIG_INVALID, naming the file and what is wrong with it.
        """
        path = Path(path)
        name, key = read_signing_key(path, Purpose.IDENTITY, passphrase)
        try:
            return cls(names.identity(name), key)
        except LedgerError as error:
            raise unusable(path, str(error)) from error

    def save(self, path: str | Path, passphrase: bytes | None = None) -> None:
        """Writes a key file that only its owner can read; never over another file.

        Args:
            path: The file.
            passphrase: Seals the private key; None leaves it open.

        Raises:
            LedgerError: CONFIG_INVALID when the file exists or cannot be written, or when the key
                is kept elsewhere and cannot be written down.
        """
        path = Path(path)
        if not isinstance(self.key, SigningKey):
            raise unusable(path, "this key is kept elsewhere and cannot be written down")
        write_key(path, stored_signing_key(Purpose.IDENTITY, self.name, self.key), passphrase)
