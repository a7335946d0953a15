"""The book of heads: what it keeps for ever, what it replaces, and what it finds when opened."""

from pathlib import Path

import pytest

from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.cosignature import Cosignature, cosign
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import Evidence, SignedHead
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.note import encode_note
from twinledger.storage.database import Database
from twinledger.storage.head_book import MAX_EVIDENCE, HeadBook
from twinledger.storage.head_records import encode_seen

ORIGIN = f"twinledger/{'ab' * 32}"
KEY = SigningKey.load(bytes(32))
NAME = "maker/maker-1"


def head(size: int, root: int = 1) -> SignedHead:
    checkpoint = Checkpoint(ORIGIN, size, bytes([root]) * 32)
    return SignedHead(checkpoint, cosign(KEY, NAME, checkpoint, 1000 + size))


def certificate(size: int) -> bytes:
    signed = head(size)
    return encode_note(signed.checkpoint.encode(), [signed.cosignature.line(KEY.public_key)])


def evidence(key: bytes) -> bytes:
    return Evidence(key, head(3, 1), head(3, 2), bytes([2]) * 32, ()).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    HeadBook.create(tmp_path / "heads")
    return tmp_path / "heads"


def test_an_empty_book_has_nothing(path: Path) -> None:
    book = HeadBook.open(path)
    assert book.newest is None
    assert not book.seen()
    assert not book.evidence()
    assert not list(book.changes())
    book.close()


def test_everything_noted_is_read_back_after_opening_again(path: Path) -> None:
    book = HeadBook.open(path)
    for size in (4, 300, 70_000):
        book.note_change(size, certificate(size))
        book.note_newest(certificate(size))
        book.note_members(size - 1, b"leaf %d" % size)
    book.note_seen({KEY.public_key: head(9)})
    book.note_evidence(KEY.public_key, evidence(KEY.public_key))
    book.close()
    book = HeadBook.open(path)
    assert book.newest == certificate(70_000)
    assert [size for size, _ in book.changes()] == [4, 300, 70_000]
    assert [size for size, _ in book.changes(4)] == [300, 70_000]
    assert book.change(300) == certificate(300)
    assert list(book.members()) == [(3, b"leaf 4"), (299, b"leaf 300"), (69_999, b"leaf 70000")]
    assert book.seen() == {KEY.public_key: head(9)}
    assert book.evidence() == (evidence(KEY.public_key),)
    book.close()


def test_seen_heads_are_replaced_and_forgotten(path: Path) -> None:
    book = HeadBook.open(path)
    book.note_seen({KEY.public_key: head(9), b"k" * 32: head(2)})
    book.note_seen({KEY.public_key: head(12)}, gone=[b"k" * 32])
    assert book.seen() == {KEY.public_key: head(12)}
    book.close()


def test_evidence_is_bounded_and_the_first_against_a_key_stays(path: Path) -> None:
    book = HeadBook.open(path)
    keys = [number.to_bytes(32, "big") for number in range(MAX_EVIDENCE + 3)]
    for key in keys:
        book.note_evidence(key, evidence(key))
    book.note_evidence(keys[0], evidence(keys[1]))
    assert book.evidence() == tuple(evidence(key) for key in keys[:MAX_EVIDENCE])
    book.close()


def test_a_book_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    book = HeadBook.open(tmp_path / "heads")
    assert book.newest is None
    book.close()


@pytest.mark.parametrize(
    ("key", "record"),
    [
        (b"c", b"no note"),
        (b"s" + (5).to_bytes(8, "big"), certificate(4)),
        (b"s12", certificate(4)),
        (b"w" + bytes(32), encode_seen(head(3))[:-1]),
        (b"w" + bytes(32), b""),
        (b"e" + bytes(32), evidence(bytes(32))[:-1]),
        (b"x", b""),
    ],
)
def test_a_record_that_does_not_read_stops_the_node(path: Path, key: bytes, record: bytes) -> None:
    database = Database(path, "", cache_bytes=1 << 20)
    database.write([(key, record)], sync=True)
    database.close()
    with pytest.raises(LedgerError) as raised:
        HeadBook.open(path)
    assert raised.value.code is Code.DATA_DAMAGED
    assert "folders 'heads' and 'chain'" in raised.value.next_step


def test_seen_heads_keep_every_field(path: Path) -> None:
    book = HeadBook.open(path)
    seen = SignedHead(
        Checkpoint(f"{ORIGIN}/epoch-3", 2**62, bytes(range(32))),
        Cosignature("m" * 60 + "/" + "n" * 60, 2**62, bytes(range(64))),
    )
    book.note_seen({b"k" * 32: seen})
    assert book.seen() == {b"k" * 32: seen}
    book.close()
