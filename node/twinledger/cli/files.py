"""Files that commands read and write whole."""

import os
from pathlib import Path

from twinledger.ledger.errors import Code, LedgerError


def read_file(path: Path, code: Code) -> bytes:
    """The file's bytes.

    Raises:
        LedgerError: `code`, when it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise LedgerError(code, f"{path}: {error.strerror}") from error


def write_new_file(path: Path, content: bytes) -> None:
    """Writes a file that is not there yet.

    Raises:
        LedgerError: CONFIG_INVALID when it is, or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error


def replace_file(path: Path, content: bytes) -> None:
    """Replaces a file's content as one step: an interrupted command leaves the old one.

    Raises:
        LedgerError: CONFIG_INVALID when it cannot be written.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError as error:
        raise LedgerError(Code.CONFIG_INVALID, f"{path}: {error.strerror}") from error
