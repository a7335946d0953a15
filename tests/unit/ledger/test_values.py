"""Property values between the wire and the state."""

import math
from typing import Any

import pytest
from hypothesis import given

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.test_canonical import nested, typed, values
from twinledger.ledger.canonical import Timestamp
from twinledger.ledger.errors import Code
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.values import from_wire, to_wire
from twinledger.v1.value_pb2 import ListValue, MapEntry, MapValue, Value


def entries(*keys: str) -> Value:
    one = Value(int_value=1)
    return Value(map_value=MapValue(entries=[MapEntry(key=key, value=one) for key in keys]))


@given(values.filter(lambda value: "''" not in repr(value)))
def test_a_value_comes_back_from_the_wire_with_its_type(value: Any):
    assert typed(from_wire(to_wire(value), DEFAULT_LIMITS)) == typed(value)


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        (Value(null_value=True), None),
        (Value(bool_value=False), False),
        (Value(int_value=-1), -1),
        (Value(double_value=0), 0.0),
        (Value(string_value=""), ""),
        (Value(bytes_value=b"\0"), b"\0"),
        (Value(timestamp_value=7), Timestamp(7)),
        (Value(list_value=ListValue()), []),
        (Value(map_value=MapValue()), {}),
    ],
)
def test_every_kind_has_its_type(wire: Value, value: Any):
    assert typed(from_wire(wire, DEFAULT_LIMITS)) == typed(value)
    assert to_wire(value) == wire


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused_at_any_depth(number: float):
    for wire in (Value(double_value=number), to_wire([{"a": number}])):
        with refused(Code.NOT_FINITE):
            from_wire(wire, DEFAULT_LIMITS)


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        (Value(), "no kind"),
        (Value(null_value=False), "must be true"),
        (Value(list_value=ListValue(items=[Value()])), "no kind"),
        (entries(""), "1 to 128"),
        (entries("k" * 129), "1 to 128"),
        (entries("é" * 65), "1 to 128"),
        (entries("b", "a"), "ascending"),
        (entries("a", "a"), "ascending"),
        (entries("\U00010000", "\uff61"), "ascending"),  # ascending only as UTF-16
    ],
)
def test_values_that_are_not_well_formed_are_refused(wire: Value, why: str):
    with refused(Code.BAD_VALUE, why):
        from_wire(wire, DEFAULT_LIMITS)


def test_keys_of_128_bytes_in_the_order_of_their_bytes_pass():
    wire = entries("k" * 128, "\uff61", "\U00010000")
    read = from_wire(wire, DEFAULT_LIMITS)
    assert isinstance(read, dict)
    assert list(read) == ["k" * 128, "\uff61", "\U00010000"]


def test_eight_levels_nest_and_no_more():
    assert from_wire(to_wire(nested(8)), DEFAULT_LIMITS) == nested(8)
    with refused(Code.VALUE_TOO_DEEP):
        from_wire(to_wire(nested(9)), DEFAULT_LIMITS)
    with refused(Code.VALUE_TOO_DEEP):
        from_wire(to_wire({"a": nested(8)}), DEFAULT_LIMITS)


@pytest.mark.parametrize("value", [2**63, "\ud800", {1: 2}, {"\ud800": 1}, (1,), object(), [1j]])
def test_what_the_wire_cannot_carry_is_refused(value: Any):
    with refused(Code.BAD_VALUE):
        to_wire(value)
