"""Private keys in files: readable by their owner alone, checked when read, never overwritten.

A file that others can read is refused: a key that may have been copied proves nothing. What stands
in a file is told by `ledger.key_file`. The passphrase of a sealed one comes from the environment
(or, with the command line, from a prompt), never from an argument: everybody can read arguments.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.key_file import Purpose, StoredKey
from twinledger.ledger.keys import SigningKey

VARIABLE: Final = "TWINLEDGER_PASSPHRASE"
FILE_VARIABLE: Final = "TWINLEDGER_PASSPHRASE_FILE"
_FILE_MODE: Final = 0o600
_FILE_BYTES_MAX: Final = 65_536

AskPassphrase: TypeAlias = Callable[[Path], bytes]
"""Gets the passphrase of a key file, or raises KEY_LOCKED."""


def passphrase_of_environment(path: Path) -> bytes:
    """The passphrase: in TWINLEDGER_PASSPHRASE, or in the file of TWINLEDGER_PASSPHRASE_FILE.

    Raises:
        LedgerError: KEY_LOCKED when neither is set, or the file is empty; KEY_EXPOSED or
            CONFIG_INVALID for the file.
    """
    if text := os.environ.get(VARIABLE):
        return text.encode()
    if name := os.environ.get(FILE_VARIABLE):
        if text := _read_private(Path(name)).rstrip("\r\n"):
            return text.encode()
        # Whoever seals with nothing believes that the key is sealed.
        raise LedgerError(Code.KEY_LOCKED, f"{path}: {name} holds no passphrase")
    raise LedgerError(Code.KEY_LOCKED, str(path))


def read_key(
    path: Path, purpose: Purpose, ask: AskPassphrase = passphrase_of_environment
) -> StoredKey:
    """Reads a key with its private half.

    Raises:
        LedgerError: KEY_EXPOSED, KEY_LOCKED; CONFIG_INVALID, naming the file and what is wrong.
    """
    stored = read_public(path, purpose)
    if stored.seal is None:
        return stored
    passphrase = ask(path)
    try:
        return stored.opened(passphrase)
    except LedgerError as error:
        # A command may open several files: the passphrase fits one and not the other.
        raise LedgerError(error.code, f"{path}: {error.detail}") from error


def read_public(path: Path, purpose: Purpose) -> StoredKey:
    """Reads a key as its file has it: a sealed one stays sealed.

    Raises:
        LedgerError: KEY_EXPOSED; CONFIG_INVALID, naming the file and what is wrong.
    """
    try:
        stored = StoredKey.decode(_read_private(path))
    except LedgerError as error:
        if error.code is not Code.CONFIG_INVALID or str(path) in error.detail:
            raise
        raise unusable(path, error.detail) from error
    if stored.purpose is not purpose:
        raise unusable(path, f"it is a key for {stored.purpose}, not for {purpose}")
    return stored


def read_signing_key(
    path: Path, purpose: Purpose, ask: AskPassphrase = passphrase_of_environment
) -> tuple[str, SigningKey]:
    """Reads an Ed25519 key: whose it is, and the key.

    Raises:
        LedgerError: KEY_EXPOSED, KEY_LOCKED; CONFIG_INVALID, naming the file and what is wrong.
    """
    stored = read_key(path, purpose, ask)
    try:
        key = SigningKey.load(stored.private_key)
    except LedgerError as error:
        raise unusable(path, error.detail) from error
    if key.public_key != stored.public_key:
        raise unusable(path, "its public key is not that of its private key")
    return stored.name, key


def stored_signing_key(purpose: Purpose, name: str, key: SigningKey) -> StoredKey:
    """An Ed25519 key as a file keeps it."""
    return StoredKey(purpose, name, key.public_key, key.seed)


def write_key(path: Path, key: StoredKey, passphrase: bytes | None = None) -> None:
    """Writes a key file that only its owner can read, sealed when there is a passphrase.

    Raises:
        LedgerError: CONFIG_INVALID when the file exists or cannot be written.
    """
    text = (key if passphrase is None else key.sealed(passphrase)).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Created with its final mode: there is no moment at which others could open it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise unusable(path, "it exists, and keys are never overwritten") from error
    except OSError as error:
        raise unusable(path, error.strerror or str(error)) from error


def unusable(path: Path, why: str) -> LedgerError:
    """The refusal of a key file."""
    return LedgerError(Code.CONFIG_INVALID, f"key file {path}: {why.rstrip('.')}")


def _read_private(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            raw = file.read(_FILE_BYTES_MAX)
    except OSError as error:
        raise unusable(path, error.strerror or str(error)) from error
    if mode & 0o077:
        raise LedgerError(Code.KEY_EXPOSED, f"the mode of {path} is {mode:04o}")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise unusable(path, "it is not UTF-8") from error
