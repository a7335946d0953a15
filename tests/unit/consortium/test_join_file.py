"""The join file: signed by every key it names, refused when one byte of it changes."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.execution.chain import member, signer
from tests.unit.ledger.refusals import refused
from twinledger.consortium.join_file import LOG_LINE, WITNESS_LINE, JoinFile, build_join
from twinledger.ledger.errors import Code
from twinledger.ledger.keys import verify

SIGNERS = {
    "maker/admin": signer("maker/admin").key,
    LOG_LINE: signer("maker-1 log").key,
    WITNESS_LINE: signer("maker-1 witness").key,
}
RAW = build_join(member("maker", 7100), SIGNERS)
BODY = RAW[: RAW.index(b"\n\n") + 1]


def test_a_join_file_comes_back():
    assert JoinFile.parse(RAW) == JoinFile(RAW, member("maker", 7100))
    assert list(json.loads(BODY)) == ["format", "name", "admins", "node"]


def test_every_key_of_it_signs_the_body_in_its_own_domain():
    lines = [line.split(b" ") for line in RAW[len(BODY) + 1 :].splitlines()]
    assert [line[1] for line in lines] == [b"log_key", b"maker/admin", b"witness_key"]
    for _, name, signature in lines:
        key = SIGNERS[name.decode()].public_key
        verify(key, b"twinledger/v1/sign-join\0" + BODY, base64.b64decode(signature))


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_one_altered_byte_is_refused(place: int, change: int):
    altered = bytearray(RAW)
    altered[place] ^= change
    with refused(Code.JOIN_INVALID):
        JoinFile.parse(bytes(altered))


@given(st.integers(0, len(RAW) - 1))
def test_a_file_that_is_cut_short_is_refused(length: int):
    with refused(Code.JOIN_INVALID):
        JoinFile.parse(RAW[:length])


@pytest.mark.parametrize("missing", SIGNERS)
def test_every_key_must_have_signed(missing: str):
    with refused(Code.JOIN_INVALID, "must be signed by exactly"):
        build_join(member("maker", 7100), {n: k for n, k in SIGNERS.items() if n != missing})


@pytest.mark.parametrize("stolen", SIGNERS)
def test_a_key_that_the_maker_does_not_have_is_refused(stolen: str):
    with refused(Code.JOIN_INVALID, "does not fit"):
        build_join(member("maker", 7100), {**SIGNERS, stolen: signer("thief").key})


def test_an_unknown_format_is_refused():
    with refused(Code.JOIN_INVALID, "format 2 is unknown"):
        JoinFile.parse(RAW.replace(b'"format": 1', b'"format": 2'))
