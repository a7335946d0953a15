"""The certificates of all changes of the witnesses: a file that goes with a snapshot or backup.

They are not part of a snapshot's content: nodes may hold different ones of one head, and a
snapshot is the same for all. Each proves itself, by the witnesses that the headers lead to.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from twinledger.ledger.canonical import decode, encode
from twinledger.ledger.errors import LedgerError
from twinledger.storage.chain_reader import ChainReader
from twinledger.storage.durable_file import write_durably
from twinledger.storage.failure import os_failure
from twinledger.storage.head_book import HeadBook
from twinledger.storage.head_records import size_of
from twinledger.storage.set_changes import check_certified, set_changes
from twinledger.storage.snapshot_format import snapshot_invalid

CERTIFICATES_NAME: Final = "certificates"
MAX_CERTIFICATES_BYTES: Final = 64 << 20


def encode_certificates(certificates: Iterable[bytes]) -> bytes:
    """Return the file of certificates, which stand in the order of their sizes."""
    return encode(list(certificates))


def decode_certificates(raw: bytes) -> tuple[bytes, ...]:
    """Read such a file; what the certificates are worth is for whoever verifies them.

    Raises:
        LedgerError: SNAPSHOT_INVALID.
    """
    try:
        found = decode(raw)
        if isinstance(found, list) and all(isinstance(each, bytes) for each in found):
            notes = tuple(bytes(each) for each in found if isinstance(each, bytes))
            sizes = [size_of(each) for each in notes]
            if sizes == sorted(set(sizes)):
                return notes
    except LedgerError as error:
        raise snapshot_invalid(f"its certificates: {error.detail}") from error
    raise snapshot_invalid("its certificates are no list of notes with ascending sizes")


def write_certificates(folder: Path, certificates: Iterable[bytes]) -> None:
    """Keep certificates in a folder, durably.

    Raises:
        StorageFailure: the disk refused.
    """
    write_durably(folder / CERTIFICATES_NAME, encode_certificates(certificates))


def read_certificates(folder: Path) -> tuple[bytes, ...]:
    """Return those in a folder; none when it has no such file yet.

    Raises:
        LedgerError: SNAPSHOT_INVALID.
        StorageFailure: the disk refused.
    """
    path = folder / CERTIFICATES_NAME
    try:
        if path.stat().st_size > MAX_CERTIFICATES_BYTES:
            raise snapshot_invalid("the file of its certificates is too large")
        raw = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise os_failure(f"read {CERTIFICATES_NAME}", error) from error
    return decode_certificates(raw)


def complete_book(
    book: HeadBook, chain: ChainReader, chain_id: bytes, certificates: Iterable[bytes]
) -> None:
    """Have a book know every change of the witnesses that its chain holds.

    A chain that was made of a snapshot was not executed, so nothing told the book of the changes in
    it. Certificates that do not hold are left out: the node then asks others for them.

    Raises:
        LedgerError: DATA_DAMAGED.
        StorageFailure: the disk refused.
    """
    known = {height for height, _ in book.members()}
    given = {size_of(each): each for each in certificates}
    for change in set_changes(chain):
        if change.height not in known:
            book.note_members(change.height, change.leaf)
        raw = given.get(change.size)
        if raw is not None and book.change(change.size) is None:
            with suppress(LedgerError):
                check_certified(raw, change.certifier, chain, chain_id)
                book.note_change(change.size, raw)
