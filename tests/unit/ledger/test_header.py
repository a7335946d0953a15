"""Headers: 185 bytes, as docs/formats lays them out."""

from hashlib import sha256

import pytest

from tests.unit.ledger.refusals import refused
from twinledger.ledger.errors import Code
from twinledger.ledger.header import SIZE, BlockHeader, header_hash

HEADER = BlockHeader(
    height=1,
    term=2,
    time_us=3,
    parent_hash=b"p" * 32,
    transactions_root=b"t" * 32,
    receipts_root=b"r" * 32,
    state_root=b"s" * 32,
    consortium_hash=b"c" * 32,
)


def test_a_header_is_laid_out_as_the_page_says():
    raw = HEADER.encode()
    assert len(raw) == SIZE == 185
    numbers = "01" + "0000000000000001" + "0000000000000002" + "0000000000000003"
    assert raw == bytes.fromhex(numbers) + b"".join(c * 32 for c in (b"p", b"t", b"r", b"s", b"c"))


def test_a_header_comes_back():
    assert BlockHeader.decode(HEADER.encode()) == HEADER


def test_the_hash_is_of_the_bytes_in_their_domain():
    assert HEADER.hash() == header_hash(HEADER.encode())
    assert HEADER.hash() == sha256(b"twinledger/v1/header\0" + HEADER.encode()).digest()


@pytest.mark.parametrize("raw", [b"", HEADER.encode()[:-1], HEADER.encode() + b"\0"])
def test_other_sizes_are_refused(raw: bytes):
    with refused(Code.MALFORMED, "185"):
        BlockHeader.decode(raw)


def test_other_formats_are_refused():
    with refused(Code.MALFORMED, "format 2"):
        BlockHeader.decode(b"\x02" + HEADER.encode()[1:])
