"""Block bodies: what a log entry's payload means."""

from dataclasses import replace

import pytest

from tests.unit.ledger.refusals import refused
from twinledger.ledger.block import EMPTY, BlockBody, encode_body
from twinledger.ledger.errors import Code
from twinledger.ledger.limits import DEFAULT_LIMITS

UNKNOWN_FIELD = bytes.fromhex("980601")  # field 99, a varint
SMALL = replace(DEFAULT_LIMITS, max_block_transactions=2, max_block_bytes=2_048)


def test_a_body_comes_back():
    body = BlockBody(5, (b"one", b"", b"two"))
    assert BlockBody.decode(body.encode(), DEFAULT_LIMITS) == body


def test_an_empty_payload_is_an_empty_block():
    assert BlockBody.decode(b"", DEFAULT_LIMITS) == EMPTY


BAD = {
    "garbage": (b"\xff\xff", Code.MALFORMED),
    "an unknown field": (encode_body(5, [b"x"]) + UNKNOWN_FIELD, Code.UNKNOWN_FIELD),
    "too many transactions": (encode_body(5, [b"x"] * 3), Code.TOO_LARGE),
    "too many bytes": (encode_body(5, [b"x" * 2_048]), Code.TOO_LARGE),
}


@pytest.mark.parametrize(("payload", "code"), BAD.values(), ids=BAD)
def test_what_is_no_body_is_refused_and_counts_as_an_empty_one(payload: bytes, code: Code):
    with refused(code):
        BlockBody.decode(payload, SMALL)
    assert BlockBody.decode_or_empty(payload, SMALL) == EMPTY


def test_a_block_may_be_as_large_as_the_limits_say():
    payload = encode_body(5, [b"x" * 1_000, b"y" * 1_000])
    limits = replace(SMALL, max_block_bytes=len(payload))
    assert BlockBody.decode_or_empty(payload, limits).transactions == (b"x" * 1_000, b"y" * 1_000)
