"""Heads as checkpoints: three lines with one encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger.heads import CHAIN_ID, ORIGIN
from tests.unit.ledger.refusals import only_refused, refused
from twinledger.ledger.checkpoint import MAX_SIZE, Checkpoint, origin_of
from twinledger.ledger.errors import Code
from twinledger.ledger.note import SignedNote, encode_base64

ROOT = encode_base64(bytes(32))
# The example of c2sp.org/tlog-checkpoint.
PUBLISHED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
    "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()


def test_the_published_example_is_read_and_written_to_the_byte():
    text = SignedNote.parse(PUBLISHED).text
    checkpoint = Checkpoint.decode(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.encode() == text


def test_the_origin_names_the_chain_and_its_epoch():
    assert origin_of(CHAIN_ID) == f"twinledger/{CHAIN_ID.hex()}"
    assert origin_of(CHAIN_ID, 3) == f"twinledger/{CHAIN_ID.hex()}/epoch-3"


@given(st.integers(1, MAX_SIZE), st.binary(min_size=32, max_size=32))
def test_a_head_that_was_written_is_read_back(size: int, root: bytes):
    checkpoint = Checkpoint(ORIGIN, size, root)
    assert Checkpoint.decode(checkpoint.encode()) == checkpoint
    assert checkpoint.height == size - 1


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_whatever_is_read_is_written_back_the_same_or_refused(text: str):
    with only_refused(Code.MALFORMED):
        assert Checkpoint.decode(text.encode()).encode() == text.encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "3 lines"),
        (f"o\n1\n{ROOT}", "3 lines"),
        (f"o\n1\n{ROOT}\nextension\n", "3 lines"),
        (f"\n1\n{ROOT}\n", "origin"),
        (f"o o\n1\n{ROOT}\n", "origin"),
        (f"ö\n1\n{ROOT}\n", "ASCII"),
        (f"o\n0\n{ROOT}\n", "plain number"),
        (f"o\n01\n{ROOT}\n", "plain number"),
        (f"o\n+1\n{ROOT}\n", "plain number"),
        (f"o\n1 \n{ROOT}\n", "plain number"),
        (f"o\n1_0\n{ROOT}\n", "plain number"),
        (f"o\n{MAX_SIZE + 1}\n{ROOT}\n", "plain number"),
        (f"o\n{'9' * 5000}\n{ROOT}\n", "plain number"),
        ("o\n1\nAAAA\n", "32 bytes"),
        (f"o\n1\n{ROOT[:-2]}B=\n", "canonical"),
    ],
)
def test_what_is_no_head_of_ours_is_refused(text: str, why: str):
    with refused(Code.MALFORMED, why):
        Checkpoint.decode(text.encode())
