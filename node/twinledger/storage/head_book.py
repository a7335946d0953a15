"""The book of heads, beside the chain: certificates, and what each witness was seen to sign.

Certificates are not part of the chain: nodes may hold different ones of one head. Kept are the
newest, those of every change of the witnesses for ever (proofs lead through them), the newest head
seen of each witness, and evidence. The newest certificate and the seen heads are not synced: a
power cut leaves older ones, and the members sign on. The rest is synced.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Self

from twinledger.ledger.errors import LedgerError
from twinledger.ledger.evidence import SignedHead
from twinledger.storage.chain_records import after_prefix
from twinledger.storage.damage import damaged
from twinledger.storage.database import Database
from twinledger.storage.failure import os_failure
from twinledger.storage.head_records import (
    CHANGE_PREFIX,
    EVIDENCE_PREFIX,
    MEMBERS_PREFIX,
    MOVE_HEADS,
    NEWEST_KEY,
    SEEN_PREFIX,
    change_key,
    check_record,
    decode_seen,
    encode_seen,
    members_key,
    number_of,
)

_CACHE_BYTES: Final = 1 << 20
MAX_EVIDENCE: Final = 256
"""Keys with evidence against them: one piece each is enough, and no consortium has so many."""


class HeadBook:
    """The book of one node. One thread at a time writes; any thread may read."""

    def __init__(self, database: Database) -> None:
        """Use `create` and `open`."""
        self._database = database

    @classmethod
    def create(cls, path: Path) -> None:
        """Make an empty book.

        Raises:
            StorageFailure: the disk refused.
        """
        Database(path, MOVE_HEADS, create=True, cache_bytes=_CACHE_BYTES).close()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the book and read every record of it. One whose folder is gone is made anew.

        Raises:
            LedgerError: DATA_DAMAGED, DATA_IN_USE.
            StorageFailure: the disk refused.
        """
        if not _exists(path):
            cls.create(path)
        book = cls(Database(path, MOVE_HEADS, cache_bytes=_CACHE_BYTES))
        try:
            book._check()
        except BaseException:
            book.close()
            raise
        return book

    @property
    def newest(self) -> bytes | None:
        """The newest certificate; None before the first."""
        return self._database.get(NEWEST_KEY)

    def change(self, size: int) -> bytes | None:
        """Return the certificate of the head of this size, at which the witnesses changed."""
        return self._database.get(change_key(size))

    def changes(self, after_size: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (size, certificate) of every change of the witnesses above a size, ascending."""
        for key, record in self._scan(CHANGE_PREFIX, change_key(after_size + 1)):
            yield number_of(key), record

    def members(self) -> Iterator[tuple[int, bytes]]:
        """Yield (height, leaf) of the consortium after each change of its witnesses, ascending."""
        for key, record in self._scan(MEMBERS_PREFIX):
            yield number_of(key), record

    def evidence(self) -> tuple[bytes, ...]:
        """Return all evidence."""
        return tuple([record for _, record in self._scan(EVIDENCE_PREFIX)])

    def seen(self) -> dict[bytes, SignedHead]:
        """Return the newest head seen of each witness key."""
        return {key[1:]: decode_seen(record) for key, record in self._scan(SEEN_PREFIX)}

    def note_newest(self, certificate: bytes) -> None:
        """Keep a certificate as the newest.

        Raises:
            StorageFailure: the disk refused.
        """
        self._database.write([(NEWEST_KEY, certificate)], sync=False)

    def note_change(self, size: int, certificate: bytes) -> None:
        """Keep the certificate of a change of the witnesses, for ever, durably.

        Raises:
            StorageFailure: the disk refused.
        """
        self._database.write([(change_key(size), certificate)], sync=True)

    def note_members(self, height: int, leaf: bytes) -> None:
        """Keep the consortium after a block that changed the witnesses, durably.

        Called before that block goes into the chain, so that the book never knows of fewer changes.

        Raises:
            StorageFailure: the disk refused.
        """
        self._database.write([(members_key(height), leaf)], sync=True)

    def note_evidence(self, public_key: bytes, evidence: bytes) -> None:
        """Keep evidence, durably; what there is against a key already stays.

        Raises:
            StorageFailure: the disk refused.
        """
        key = EVIDENCE_PREFIX + public_key
        if self._database.get(key) is None and len(self.evidence()) < MAX_EVIDENCE:
            self._database.write([(key, evidence)], sync=True)

    def note_seen(self, heads: Mapping[bytes, SignedHead], gone: Iterable[bytes] = ()) -> None:
        """Keep the newest head of witness keys; forget keys that witness no more.

        Raises:
            StorageFailure: the disk refused.
        """
        changes: list[tuple[bytes, bytes | None]] = [(SEEN_PREFIX + key, None) for key in gone]
        changes += [(SEEN_PREFIX + key, encode_seen(head)) for key, head in heads.items()]
        self._database.write(changes, sync=False)

    def close(self) -> None:
        """Close the files. Closing twice is harmless."""
        self._database.close()

    def _scan(self, prefix: bytes, start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        return self._database.scan(start or prefix, after_prefix(prefix))

    def _check(self) -> None:
        for key, record in self._database.scan(b"", b"\xff"):
            try:
                check_record(key, record)
            except LedgerError as error:
                told = f"The book of heads is damaged at {key[:9].hex()} ({error.detail})"
                raise damaged(told, MOVE_HEADS) from error


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise os_failure("look at the folder 'heads'", error) from error
