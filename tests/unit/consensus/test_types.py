import hashlib

from twinledger.consensus import Entry, EntryKind, Index, Term, entry_hash, make_entry

GENESIS = bytes(range(32))


def test_the_rolling_hash_is_the_documented_one() -> None:
    payload = b"payload"
    expected = hashlib.sha256(
        b"twinledger/v1/entry\x00"
        + GENESIS
        + (7).to_bytes(8, "big")
        + (3).to_bytes(8, "big")
        + b"\x01"
        + hashlib.sha256(payload).digest()
    ).digest()
    assert entry_hash(GENESIS, Index(7), Term(3), EntryKind.BLOCK, payload) == expected


def test_the_rolling_hash_has_a_vector_that_must_never_change() -> None:
    entry = make_entry(b"\x00" * 32, Index(1), Term(1), EntryKind.BLOCK, b"")
    assert entry.hash.hex() == VECTOR


def test_every_field_is_covered() -> None:
    base = (GENESIS, Index(1), Term(1), EntryKind.BLOCK, b"x")
    others = (bytes(32), Index(2), Term(2), EntryKind.CONFIGURATION, b"y")
    hashes = {entry_hash(*base)}
    for place, other in enumerate(others):
        changed = (*base[:place], other, *base[place + 1 :])
        hashes.add(entry_hash(*changed))  # type: ignore[arg-type]
    assert len(hashes) == len(others) + 1


def test_an_empty_entry_is_not_free() -> None:
    assert Entry(Index(1), Term(1), EntryKind.BLOCK, b"", b"").size == 64


VECTOR = "f6201708287cfc6a89b208ca127b30af450590d22334bdee2d67a1f1ac32a977"
