"""The canonical encoding: the table of docs/formats, one encoding for a value, hostile bytes."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger.refusals import refused
from twinledger.ledger.canonical import MAX_DEPTH, MapForm, Timestamp, decode, encode
from twinledger.ledger.errors import Code, LedgerError

ints = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | ints
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.binary(max_size=8)
    | st.builds(Timestamp, ints)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def typed(value: Any) -> Any:
    """The value with its types, because True == 1 == 1.0 and 0.0 == -0.0 in Python."""
    if isinstance(value, list):
        return [typed(item) for item in value]
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return type(value), repr(value)


def is_refused_or_canonical(raw: bytes) -> bool:
    """Whether bytes earn MALFORMED, or are the one encoding of what they mean."""
    try:
        return encode(decode(raw)) == raw
    except LedgerError as error:
        return error.code is Code.MALFORMED


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (None, "00"),
        (False, "01"),
        (True, "02"),
        (1, "03 0000000000000001"),
        (-2, "03 fffffffffffffffe"),
        (1.5, "04 3ff8000000000000"),
        (-0.0, "04 8000000000000000"),
        ("é", "05 00000002 c3a9"),
        (b"\xff", "06 00000001 ff"),
        (Timestamp(-1), "07 ffffffffffffffff"),
        ([], "08 00000000"),
        ([None, [True]], "08 00000002 00 08 00000001 02"),
        ({}, "09 00000000"),
        ({"b": 1, "a": None}, "09 00000002 00000001 61 00 00000001 62 03 0000000000000001"),
    ],
)
def test_each_kind_is_encoded_as_the_table_says(value: Any, encoded: str):
    assert encode(value) == bytes.fromhex(encoded)
    assert typed(decode(bytes.fromhex(encoded))) == typed(value)


@given(values)
def test_a_value_comes_back_with_its_type(value: Any):
    assert typed(decode(encode(value))) == typed(value)


@given(st.dictionaries(texts, scalars), st.randoms())
def test_the_order_of_a_dict_does_not_matter(entries: dict[str, Any], random: Any):
    shuffled = list(entries.items())
    random.shuffle(shuffled)
    assert encode(dict(shuffled)) == encode(entries)


@given(st.binary(max_size=64))
def test_hostile_bytes_are_refused_or_are_the_encoding_of_what_they_mean(raw: bytes):
    assert is_refused_or_canonical(raw)


@given(values, st.data())
def test_damaged_bytes_are_refused_or_are_the_encoding_of_what_they_mean(
    value: Any, data: st.DataObject
):
    raw = bytearray(encode(value))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255))
    assert is_refused_or_canonical(bytes(raw))


@given(values)
def test_no_shorter_and_no_longer_bytes_are_taken(value: Any):
    raw = encode(value)
    with refused(Code.MALFORMED):
        decode(raw[:-1])
    with refused(Code.MALFORMED):
        decode(raw + b"\x00")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "too early"),
        ("0a", "kind 10 is unknown"),
        ("ff", "kind 255 is unknown"),
        ("04 7ff8000000000000", "not finite"),
        ("04 fff0000000000000", "not finite"),
        ("05 ffffffff 61", "past the end"),
        ("05 00000003 eda080", "not UTF-8"),
        ("05 00000002 c080", "not UTF-8"),
        ("08 ffffffff", "too early"),
        ("09 00000002 00000001 62 00 00000001 61 00", "ascending"),
        ("09 00000002 00000001 61 00 00000001 61 00", "ascending"),
        ("09 00000001 00000001 ff 00", "not UTF-8"),
    ],
)
def test_what_no_encoder_writes_is_refused(raw: str, why: str):
    with refused(Code.MALFORMED, why):
        decode(bytes.fromhex(raw))


def test_sixteen_levels_nest_and_no_more():
    raw = encode(nested(MAX_DEPTH))
    assert decode(raw) == nested(MAX_DEPTH)
    with refused(Code.VALUE_TOO_DEEP):
        encode(nested(MAX_DEPTH + 1))
    with refused(Code.MALFORMED, "nest"):
        decode(b"\x08\x00\x00\x00\x01" + raw)
    with refused(Code.MALFORMED, "nest"):
        decode(b"\x09\x00\x00\x00\x01\x00\x00\x00\x00" + raw)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(number: float):
    with refused(Code.NOT_FINITE):
        encode(number)


@pytest.mark.parametrize(
    "value",
    [2**63, -(2**63) - 1, Timestamp(2**63), "\ud800", {"\ud800": 1}, {1: 2}, (1, 2), 1j, object()],
)
def test_what_has_no_encoding_is_refused(value: Any):
    with refused(Code.BAD_VALUE):
        encode(value)
    with refused(Code.BAD_VALUE):
        encode([value])


def test_keys_are_ordered_by_their_bytes_and_not_by_their_characters():
    # U+FF61 stands before U+10000 in UTF-8; in UTF-16, as JavaScript sorts, after it.
    assert encode({"\U00010000": 2, "\uff61": 1}).index(b"\xef\xbd\xa1") == 9


FORM = MapForm(any=object, flag=bool, number=int, text=str)


@given(scalars, st.booleans(), ints, texts)
def test_a_form_writes_and_reads_what_the_general_encoding_does(
    first: Any, flag: bool, number: int, text: str
):
    raw = encode({"any": first, "flag": flag, "number": number, "text": text})
    assert FORM.encode(first, flag, number, text) == raw
    assert FORM.join(encode(first), encode(flag), encode(number), encode(text)) == raw
    assert typed(FORM.split(raw)) == typed([first, flag, number, text])


@pytest.mark.parametrize(
    "record",
    [
        {"any": 1, "flag": True, "number": 2},
        {"any": 1, "flag": True, "number": 2, "text": "", "zero": 0},
        {"any": 1, "flag": True, "number": 2, "test": ""},
        {"any": 1, "flag": 1, "number": 2, "text": ""},
        {"any": 1, "flag": True, "number": True, "text": ""},
        {"any": 1, "flag": True, "number": 2.0, "text": ""},
        [1, True, 2, ""],
    ],
)
def test_a_form_takes_no_other_keys_and_no_other_types(record: Any):
    with refused(Code.MALFORMED):
        FORM.split(encode(record))


def test_a_form_takes_no_short_and_no_surplus_bytes():
    raw = FORM.encode(None, True, 1, "x")
    with refused(Code.MALFORMED):
        FORM.split(raw[:-1])
    with refused(Code.MALFORMED):
        FORM.split(raw + b"\x00")


def test_a_form_knows_how_many_values_it_has():
    with pytest.raises(ValueError, match="size"):
        FORM.encode(None, True, 1)


def test_a_form_refuses_keys_out_of_order():
    with refused(Code.INTERNAL, "ascending"):
        MapForm(b=int, a=int)


def test_json_text_and_canonical_bytes_agree_on_what_a_double_is():
    # Shortest repr round trips, so a vector file may show doubles as JSON numbers.
    assert encode(json.loads("0.1")) == bytes.fromhex("043fb999999999999a")
