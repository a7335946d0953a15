"""An identity and its private key, and the file that keeps them.

The file is JSON: `identity` (member/name), `public_key` and `private_key` (64 hex digits each). It
is readable by its owner alone, and a file that others can read is refused: a key that may have been
copied proves nothing.
"""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.keys import SigningKey

_FILE_MODE: Final = 0o600
_FIELDS: Final = ("identity", "public_key", "private_key")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs.

    Attributes:
        name: The full name, member/name.
        key: The private key.
    """

    name: str
    key: SigningKey

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
    def load(cls, path: str | Path) -> "Identity":
        """Reads a key file.

        Raises:
            LedgerError: CONFIG_INVALID, naming the file and what is wrong with it.
        """
        path = Path(path)
        fields = _read_fields(path)
        try:
            identity = cls(
                names.identity(fields["identity"]),
                SigningKey.load(bytes.fromhex(fields["private_key"])),
            )
        except (ValueError, LedgerError) as error:
            raise _unusable(path, str(error)) from error
        if identity.public_key.hex() != fields["public_key"].lower():
            raise _unusable(path, "its public key is not that of its private key")
        return identity

    def save(self, path: str | Path) -> None:
        """Writes a key file that only its owner can read; never over another file.

        Raises:
            LedgerError: CONFIG_INVALID when the file exists or cannot be written.
        """
        path = Path(path)
        fields = (self.name, self.public_key.hex(), self.key.seed.hex())
        text = json.dumps(dict(zip(_FIELDS, fields, strict=True)), indent=2) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Created with its final mode: there is no moment at which others could open it.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError as error:
            raise _unusable(path, "it exists, and keys are never overwritten") from error
        except OSError as error:
            raise _unusable(path, error.strerror or str(error)) from error


def _read_fields(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = json.load(file)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise _unusable(path, f"it is not JSON: {error}") from error
    if mode & 0o077:
        raise _unusable(path, f"its mode is {mode:04o}; run: chmod 600 {path}")
    if not isinstance(content, dict) or sorted(content) != sorted(_FIELDS):
        raise _unusable(path, f"it must hold exactly {', '.join(_FIELDS)}")
    if not all(isinstance(content[field], str) for field in _FIELDS):
        raise _unusable(path, "its fields must be text")
    return content


def _unusable(path: Path, why: str) -> LedgerError:
    return LedgerError(Code.CONFIG_INVALID, f"key file {path}: {why.rstrip('.')}")
