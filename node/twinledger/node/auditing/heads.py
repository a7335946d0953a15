"""The book of heads held against the chain: is everything in it signed by who had to sign it?

Certificates are not derived from the log, so nothing makes them again. Each is checked by the
witnesses that were in force before its height, and its root against the history that was executed.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from twinledger.consortium.members import Consortium
from twinledger.ledger.checkpoint import head_of, origin_of
from twinledger.ledger.cosignature import check_cosignature
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import check_evidence
from twinledger.ledger.history_tree import root
from twinledger.node.auditing.findings import Finding
from twinledger.storage.chain_reader import ChainReader
from twinledger.storage.database import View
from twinledger.storage.head_mark import HeadMark
from twinledger.storage.head_records import (
    CHANGE_PREFIX,
    EVIDENCE_PREFIX,
    MEMBERS_PREFIX,
    NEWEST_KEY,
    SEEN_PREFIX,
    change_key,
    check_record,
    decode_seen,
    members_key,
    number_of,
    size_of,
)
from twinledger.storage.set_changes import check_certified, set_changes

_STORE: Final = "heads"
_NUMBERED_BYTES: Final = 9
_BEYOND_EVERY_KEY: Final = b"\xff"


def head_faults(book: View, chain: ChainReader, chain_id: bytes, known: int) -> Iterator[Finding]:
    """Yield what is wrong in a book of heads.

    Args:
        book: Its records.
        chain: The chain as executing the log makes it.
        chain_id: Its id.
        known: Up to which height the node's own chain goes: it notes each change of the witnesses
            before the block that made it.

    Raises:
        StorageFailure: the disk gives nothing.
    """
    judge = _Judge(book, chain, chain_id)
    try:
        records = list(book.scan(b"", _BEYOND_EVERY_KEY))
    except LedgerError as error:
        yield Finding(None, _STORE, "the book of heads", error.detail)
        return
    for key, record in records:
        yield from judge.record(key, record)
    yield from judge.missing(known, {key for key, _ in records})


def certificate_faults(
    store: str, certificates: Iterable[bytes], chain: ChainReader, chain_id: bytes
) -> Iterator[Finding]:
    """Yield which of the certificates that go with a snapshot do not hold; `store` is where."""
    certifiers = {change.size: change.certifier for change in set_changes(chain)}
    for raw in certificates:
        size = size_of(raw)
        if size not in certifiers:
            told = "is of a block that changed no witnesses"
            yield Finding(size - 1, store, f"certificate of size {size}", told)
            continue
        try:
            check_certified(raw, certifiers[size], chain, chain_id)
        except LedgerError as error:
            yield Finding(size - 1, store, f"certificate of size {size}", error.detail)


class _Judge:
    """Judges the records of one book."""

    def __init__(self, book: View, chain: ChainReader, chain_id: bytes) -> None:
        self._book, self._chain, self._chain_id = book, chain, chain_id
        self._changes = {change.size: change for change in set_changes(chain)}
        self._kinds: dict[bytes, Callable[[bytes, bytes], None]] = {
            NEWEST_KEY: self._newest,
            CHANGE_PREFIX: self._change,
            MEMBERS_PREFIX: self._members,
            SEEN_PREFIX: self._seen,
            EVIDENCE_PREFIX: self._evidence,
        }

    def record(self, key: bytes, record: bytes) -> Iterator[Finding]:
        """What is wrong with one record."""
        words, height = name_head_record(key), None
        try:
            check_record(key, record)
            height = self._height(key, record)
            self._kinds[key[:1]](key, record)
        except LedgerError as error:
            if error.code is not Code.HEIGHT_NOT_REACHED:  # beyond what was executed here
                yield Finding(height, _STORE, words, error.detail, key)

    def missing(self, known: int, keys: set[bytes]) -> Iterator[Finding]:
        """What must be in the book and is not."""
        certified = self._certified()
        for size, change in self._changes.items():
            if change.height <= known and members_key(change.height) not in keys:
                key = members_key(change.height)
                yield Finding(change.height, _STORE, name_head_record(key), "is missing", key)
            if self._opening() < size < certified and change_key(size) not in keys:
                key = change_key(size)
                yield Finding(change.height, _STORE, name_head_record(key), "is missing", key)

    def _certified(self) -> int:
        """The size of the newest certificate, when it is of the epoch that execution reached.

        While it is of a later one the block that opened that was not reached: a recovery may stand
        for whatever is not in the book.
        """
        newest = self._book.get(NEWEST_KEY)
        try:
            head = None if newest is None else head_of(newest)
        except LedgerError:
            return 0  # told of already
        reached = self._chain.consortium_at(self._chain.applied_height or 0)
        origin = origin_of(self._chain_id, Consortium.decode(reached).epoch)
        return head.size if head is not None and head.origin == origin else 0

    def _opening(self) -> int:
        """The size at which the epoch was opened: a recovery stands for what was certified then."""
        changes = self._changes.values()
        opened = [each.size for each in changes if each.before.epoch != each.after.epoch]
        return max(opened, default=0)

    def _height(self, key: bytes, record: bytes) -> int | None:
        kind = key[:1]
        if kind == MEMBERS_PREFIX:
            return number_of(key)
        if kind == CHANGE_PREFIX:
            return number_of(key) - 1
        return size_of(record) - 1 if kind == NEWEST_KEY else None

    def _newest(self, _: bytes, record: bytes) -> None:
        size = size_of(record)
        height = max(size - 2, 0)
        if height > (self._chain.applied_height or 0):
            raise LedgerError(Code.HEIGHT_NOT_REACHED, f"size {size}")
        change = self._changes.get(size)
        before = Consortium.decode(self._chain.consortium_at(height))
        certifier = change.certifier if change else before
        check_certified(record, certifier, self._chain, self._chain_id)

    def _change(self, key: bytes, record: bytes) -> None:
        size = number_of(key)
        if size > (self._chain.applied_height or 0) + 1:
            raise LedgerError(Code.HEIGHT_NOT_REACHED, f"size {size}")
        change = self._changes.get(size)
        if change is None:
            raise LedgerError(Code.CERTIFICATE_INVALID, "its block changed no witnesses")
        check_certified(record, change.certifier, self._chain, self._chain_id)

    def _members(self, key: bytes, record: bytes) -> None:
        height = number_of(key)
        if height > (self._chain.applied_height or 0):
            raise LedgerError(Code.HEIGHT_NOT_REACHED, f"height {height}")
        change = self._changes.get(height + 1)
        if change is None or change.leaf != record:
            raise LedgerError(Code.DATA_DAMAGED, "is another than the chain's")

    def _seen(self, key: bytes, record: bytes) -> None:
        head = decode_seen(record)
        check_cosignature(key[1:], head.checkpoint, head.cosignature)

    def _evidence(self, key: bytes, record: bytes) -> None:
        """Of any epoch that there was."""
        newest = Consortium.decode(self._chain.consortium_at(self._chain.applied_height or 0))
        for epoch in range(newest.epoch):
            with suppress(LedgerError):
                check_evidence(record, key[1:], origin_of(self._chain_id, epoch))
                return
        check_evidence(record, key[1:], origin_of(self._chain_id, newest.epoch))


def mark_faults(path: Path, chain: ChainReader, chain_id: bytes) -> Iterator[Finding]:
    """Yield what is wrong with the mark of what this node signed.

    Raises:
        StorageFailure: the disk gives nothing.
    """
    try:
        mark = HeadMark.open(path)
    except LedgerError as error:
        yield Finding(None, "head.mark", "the file", error.detail)
        return
    if mark is None:
        return
    mark.close()
    signed = mark.mark
    if not 0 < signed.size <= (chain.applied_height or 0) + 1:
        return
    # Of the epoch that its newest block is of: what an earlier one signed above the fork is gone.
    epoch = Consortium.decode(chain.consortium_at(signed.size - 1)).epoch
    known = signed.origin == origin_of(chain_id, epoch)
    if known and signed.root != root(chain.trees, signed.size):
        told = "is of another history than the log's"
        yield Finding(signed.size - 1, "head.mark", "the newest signed head", told)


def name_head_record(key: bytes) -> str:
    """What a record of the book is, in words."""
    kind = key[:1]
    if kind == NEWEST_KEY:
        return "newest certificate"
    if kind == CHANGE_PREFIX and len(key) == _NUMBERED_BYTES:
        return f"certificate of the change at height {number_of(key) - 1}"
    if kind == MEMBERS_PREFIX and len(key) == _NUMBERED_BYTES:
        return f"consortium after the change at height {number_of(key)}"
    if kind == SEEN_PREFIX:
        return "newest head seen of a witness"
    if kind == EVIDENCE_PREFIX:
        return "evidence against a witness"
    return f"record {key.hex()}"
