"""Values, their JSON, and what is refused."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinledger.client import Code, LedgerError, Timestamp
from twinledger.client.json_values import parse_json, value_from_json, value_to_json
from twinledger.client.values import from_message, microseconds, to_message

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.binary(max_size=20)
    | st.builds(Timestamp, st.integers(-(2**63), 2**63 - 1))
)
KEYS = st.text("abc$é", min_size=1, max_size=5)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)


def same(left: Any, right: Any) -> bool:
    """Equal, and of equal types all the way down: 1, 1.0 and True are three values."""
    return repr(left) == repr(right) or (
        isinstance(left, dict)
        and isinstance(right, dict)
        and left.keys() == right.keys()
        and all(same(left[key], right[key]) for key in left)
    )


@given(VALUES)
def test_a_value_comes_back_from_the_wire_as_it_was(value: Any) -> None:
    assert same(from_message(to_message(value)), _sorted(value))


@given(VALUES)
def test_a_value_comes_back_from_json_as_it_was(value: Any) -> None:
    text = json.dumps(value_to_json(value), allow_nan=False)
    assert same(value_from_json(parse_json(text)), value)


def _sorted(value: Any) -> Any:
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=str.encode)}
    return value


def test_tuples_and_datetimes_are_written_too() -> None:
    zone = timezone(timedelta(hours=2))
    time = datetime(1970, 1, 1, 2, 0, 1, 5, tzinfo=zone)
    assert from_message(to_message((1, time))) == [1, Timestamp(1_000_005)]


def test_a_time_before_1970_is_exact() -> None:
    assert microseconds(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


NESTED: list[Any] = []
NESTED.append(NESTED)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (float("nan"), Code.NOT_FINITE),
        ([float("inf")], Code.NOT_FINITE),
        (2**63, Code.BAD_VALUE),
        (-(2**63) - 1, Code.BAD_VALUE),
        ("\ud800", Code.BAD_VALUE),
        ({"a", "b"}, Code.BAD_VALUE),
        ({1: 2}, Code.BAD_VALUE),
        (object(), Code.BAD_VALUE),
        (datetime(2026, 1, 1), Code.BAD_VALUE),  # noqa: DTZ001 - that is what is refused
        (NESTED, Code.VALUE_TOO_DEEP),
    ],
)
def test_what_no_typed_value_can_hold_is_refused(value: Any, code: Code) -> None:
    with pytest.raises(LedgerError) as raised:
        to_message(value)
    assert raised.value.code is code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NaN", Code.NOT_FINITE),
        ("[-Infinity]", Code.NOT_FINITE),
        ('{"a": 1, "a": 2}', Code.BAD_REQUEST),
        ("{", Code.BAD_REQUEST),
        ("[" * 100_000, Code.VALUE_TOO_DEEP),
    ],
)
def test_json_is_read_strictly(text: str, code: Code) -> None:
    with pytest.raises(LedgerError) as raised:
        parse_json(text)
    assert raised.value.code is code


@pytest.mark.parametrize(
    "content",
    [
        {"$bytes": "not base64!"},
        {"$bytes": 5},
        {"$bytes": "aGk=", "more": 1},
        {"$time_us": 1.5},
        {"$time_us": True},
        {"$other": 1},
        {"$map": []},
    ],
)
def test_a_dollar_form_that_is_not_ours_is_refused(content: Any) -> None:
    with pytest.raises(LedgerError) as raised:
        value_from_json(content)
    assert raised.value.code is Code.BAD_VALUE
