"""Cosignatures and the log's line: what exactly is signed, and what no signature may say."""

import pytest
from nacl.signing import VerifyKey

from tests.unit.ledger.heads import NOW_S, ORIGIN, witness_key
from tests.unit.ledger.refusals import refused
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.cosignature import (
    MAX_TIMESTAMP_S,
    Cosignature,
    check_cosignature,
    check_log_line,
    cosign,
    log_line,
)
from twinledger.ledger.errors import Code
from twinledger.ledger.note import NoteLine

NAME = "utility/utility-1"
KEY = witness_key(NAME)
HEAD = Checkpoint(ORIGIN, 7, bytes(32))
MADE = cosign(KEY, NAME, HEAD, NOW_S)


def test_a_witness_signs_the_time_and_the_whole_text():
    message = f"cosignature/v1\ntime {NOW_S}\n{ORIGIN}\n7\n{'A' * 43}=\n".encode()
    VerifyKey(KEY.public_key).verify(message, MADE.signature)
    check_cosignature(KEY.public_key, HEAD, MADE)


def test_a_line_holds_key_id_time_and_signature_and_is_read_back():
    line = MADE.line(KEY.public_key)
    assert line.signature == NOW_S.to_bytes(8, "big") + MADE.signature
    assert Cosignature.of_line(line, KEY.public_key) == MADE


@pytest.mark.parametrize(
    ("head", "made"),
    [
        (Checkpoint(ORIGIN, 8, bytes(32)), MADE),
        (Checkpoint(ORIGIN, 7, b"\1" * 32), MADE),
        (Checkpoint(ORIGIN + "/epoch-1", 7, bytes(32)), MADE),
        (HEAD, Cosignature(NAME, NOW_S + 1, MADE.signature)),
        (HEAD, Cosignature(NAME, NOW_S, MADE.signature[:-1] + b"\0")),
        (HEAD, Cosignature(NAME, NOW_S, MADE.signature[:-1])),
        (HEAD, cosign(KEY, NAME, HEAD, MAX_TIMESTAMP_S + 1)),
        (HEAD, cosign(KEY, NAME, HEAD, -1)),
    ],
)
def test_another_head_time_or_signature_is_refused(head: Checkpoint, made: Cosignature):
    with refused(Code.BAD_SIGNATURE):
        check_cosignature(KEY.public_key, head, made)


def test_a_line_of_another_key_kind_or_length_is_no_cosignature():
    line = MADE.line(KEY.public_key)
    with refused(Code.MALFORMED, "another key"):
        Cosignature.of_line(line, witness_key("maker/maker-1").public_key)
    with refused(Code.MALFORMED, "another key"):
        Cosignature.of_line(NoteLine("other", line.key_id, line.signature), KEY.public_key)
    with refused(Code.MALFORMED, "another key"):
        Cosignature.of_line(log_line(KEY, HEAD), KEY.public_key)
    with refused(Code.MALFORMED, "length"):
        Cosignature.of_line(NoteLine(NAME, line.key_id, line.signature + b"\0"), KEY.public_key)


def test_the_log_signs_the_text_alone_under_its_origin():
    line = log_line(KEY, HEAD)
    assert line.name == ORIGIN
    VerifyKey(KEY.public_key).verify(HEAD.encode(), line.signature)
    check_log_line(KEY.public_key, HEAD, line)


def test_a_log_line_of_another_key_head_or_name_is_refused():
    line = log_line(KEY, HEAD)
    with refused(Code.BAD_SIGNATURE):
        check_log_line(witness_key("other").public_key, HEAD, line)
    with refused(Code.BAD_SIGNATURE):
        check_log_line(KEY.public_key, Checkpoint(ORIGIN, 8, bytes(32)), line)
    with refused(Code.BAD_SIGNATURE):
        check_log_line(KEY.public_key, HEAD, NoteLine("other", line.key_id, line.signature))
