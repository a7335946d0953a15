"""Signed notes: the published example, one encoding only, bounded sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger.refusals import only_refused, refused
from twinledger.ledger.errors import Code
from twinledger.ledger.note import (
    ED25519,
    MAX_BYTES,
    MAX_LINES,
    NoteLine,
    SignedNote,
    decode_base64,
    encode_base64,
    key_id,
)

# The example of c2sp.org/signed-note.
PUBLISHED = (
    "Ognuno sta solo sul cuor della terra\n"
    "trafitto da un raggio di sole:\n"
    "\n"
    "ed è subito sera.\n"
    "\n"
    "\u2014 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKON"
    "rMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()
LINE = NoteLine("a/b", b"1234", b"signature")
NOTE = SignedNote(b"text\n", (LINE,))

lines = st.builds(
    NoteLine,
    st.from_regex(r"[!-*,-~]{1,255}", fullmatch=True),
    st.binary(min_size=4, max_size=4),
    st.binary(min_size=1, max_size=100),
)
texts = st.text(st.characters(min_codepoint=32, codec="utf-8"), min_size=1)


def test_the_published_example_is_read_and_written_to_the_byte():
    note = SignedNote.parse(PUBLISHED)
    assert note.text.endswith("ed è subito sera.\n".encode())
    assert [line.name for line in note.lines] == ["quasimodo.example/salvatore"]
    assert note.lines[0].key_id.hex() == "367ba04b"
    assert len(note.lines[0].signature) == 64
    assert note.encode() == PUBLISHED


@given(texts, st.lists(lines, min_size=1, max_size=5).map(tuple))
def test_a_note_that_was_written_is_read_back(text: str, made: tuple[NoteLine, ...]):
    note = SignedNote(text.encode() + b"\n", made)
    assert SignedNote.parse(note.encode()) == note


@given(
    st.binary(max_size=60)
    | st.builds(lambda a, b: a + NOTE.encode()[b:], st.binary(), st.integers(0, 30))
)
def test_whatever_is_read_is_written_back_the_same_or_refused(raw: bytes):
    with only_refused(Code.MALFORMED):
        assert SignedNote.parse(raw).encode() == raw


def written(row: str, text: str = "text\n") -> bytes:
    return f"{text}\n{row}".encode()


GOOD = LINE.encode().decode()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty line"),
        (b"text\n\n", "empty line"),
        (b"\n\n" + LINE.encode(), "empty line"),
        (b"text\n" + LINE.encode(), "empty line"),
        (NOTE.encode()[:-1], "empty line"),
        (NOTE.encode() + b"\n", "empty line"),
        (NOTE.encode() + b"more", "empty line"),
        (b"\xff" + NOTE.encode(), "UTF-8"),
        (b"a\rb" + NOTE.encode(), "control"),
        (b"a\tb" + NOTE.encode(), "control"),
        (b"a\0b" + NOTE.encode(), "control"),
        (written(GOOD.replace("\u2014", "-")), "a dash"),
        (written(GOOD.replace("\u2014 ", "\u2014")), "a dash"),
        (written(GOOD.replace("a/b", "")), "a dash"),
        (written(GOOD.replace("a/b", "a+b")), "a dash"),
        (written(GOOD.replace("a/b", "a\u00a0b")), "a dash"),
        (written(GOOD.replace("a/b", "a" * 256)), "a dash"),
        (written("\u2014 a/b\n"), "a dash"),
        (written(GOOD.replace("\n", " \n")), "base64"),
        (written("\u2014 a/b \n"), "key id"),
        (written("\u2014 a/b MTIzNA==\n"), "key id"),
        (written("\u2014 a/b MTIzNHM\n"), "base64"),
        (written("\u2014 a/b MTIzNHN=\n"), "base64"),
        (written("\u2014 a/b MTIzN-Nz\n"), "base64"),
        (written("\u2014 a/b MTIzNHNé\n"), "base64"),
        (written(GOOD * (MAX_LINES + 1)), "128 signature lines"),
        (b"x" * MAX_BYTES + NOTE.encode(), "65536"),
        (NoteLine("a", b"1234", bytes(9_000)).encode().join([b"text\n\n", b""]), "key id"),
    ],
)
def test_what_is_no_note_of_ours_is_refused(raw: bytes, why: str):
    with refused(Code.MALFORMED, why):
        SignedNote.parse(raw)


def test_as_many_lines_as_are_allowed_are_read():
    assert len(SignedNote.parse(written(GOOD * MAX_LINES)).lines) == MAX_LINES


def test_base64_has_one_form():
    assert decode_base64(encode_base64(b"\xfb\xff")) == b"\xfb\xff"
    for text in ("+/9=", "-_8=", "+/8", "+/8=\n", " +/8=", "+/8==", "=", "A"):
        with refused(Code.MALFORMED, "base64"):
            decode_base64(text)


def test_a_key_id_names_the_key_its_name_and_its_kind():
    # A published verifier key: PeterNeumann+c74f20a3+ and then this.
    public_key = decode_base64("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert public_key[0] == ED25519
    assert key_id("PeterNeumann", ED25519, public_key[1:]).hex() == "c74f20a3"
