"""Properties: set, delete, increment, and where they may stand."""

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.execution.chain import Chain
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import create, delete, increment, set_, update
from twinledger.ledger.canonical import Timestamp, encode
from twinledger.ledger.errors import Code
from twinledger.ledger.limits import DEFAULT_LIMITS
from twinledger.ledger.names import TwinId
from twinledger.twins.reading import load_twin, properties
from twinledger.v1.operation_pb2 import SECTION_DESIRED, PropertyChange

PUMP = TwinId("pump")


@pytest.fixture
def chain() -> Chain:
    chain = Chain()
    chain.submit(create("pump"))
    return chain


def values(chain: Chain) -> dict[str, Any]:
    return {f"{p.section}/{p.path}": p.value for p in properties(chain.state, PUMP)}


def outcome(chain: Chain, *changes: PropertyChange) -> str:
    """The outcome of an update; when it is rejected nothing may have changed."""
    before = dict(chain.state.leaves)
    result = chain.outcome(update("pump", *changes))
    assert (chain.state.leaves == before) == (result != "COMMITTED")
    assert load_twin(chain.state, PUMP).property_count == len(properties(chain.state, PUMP))
    return result


@pytest.mark.parametrize(
    "value",
    [None, True, -7, -0.0, "text", b"\0", Timestamp(5), [1, [2.0]], {"a": {"b": None}}],
)
def test_a_property_holds_the_value_it_was_set_to(chain: Chain, value: Any):
    assert outcome(chain, set_("x", value)) == "COMMITTED"
    (found,) = properties(chain.state, PUMP)
    assert encode(found.value) == encode(value)


def test_a_property_may_change_its_type_when_it_is_set(chain: Chain):
    assert outcome(chain, set_("x", 1)) == "COMMITTED"
    assert outcome(chain, set_("x", "one")) == "COMMITTED"
    assert values(chain) == {"reported/x": "one"}


def test_reported_and_desired_are_apart(chain: Chain):
    assert outcome(chain, set_("x", 1), set_("x/y", 2, SECTION_DESIRED)) == "COMMITTED"
    assert values(chain) == {"desired/x/y": 2, "reported/x": 1}
    desired = PropertyChange(path="x/y", section=SECTION_DESIRED, delete=True)
    assert outcome(chain, desired) == "COMMITTED"
    assert values(chain) == {"reported/x": 1}


def test_changes_happen_in_their_order(chain: Chain):
    assert outcome(chain, set_("x", 1), increment("x", 2), set_("y", 0), delete("y")) == "COMMITTED"
    assert values(chain) == {"reported/x": 3}


def test_a_deleted_property_must_be_there(chain: Chain):
    assert outcome(chain, delete("x")) == "PROPERTY_NOT_FOUND"
    assert outcome(chain, set_("x", 1)) == "COMMITTED"
    assert outcome(chain, delete("x"), delete("x")) == "PROPERTY_NOT_FOUND"
    assert outcome(chain, delete("x")) == "COMMITTED"
    assert values(chain) == {}


def test_an_absent_property_counts_as_zero(chain: Chain):
    assert outcome(chain, increment("n", 5), increment("d", -0.5)) == "COMMITTED"
    assert values(chain) == {"reported/n": 5, "reported/d": -0.5}
    assert outcome(chain, increment("n", -7), increment("d", 0.25)) == "COMMITTED"
    assert values(chain) == {"reported/n": -2, "reported/d": -0.25}


@pytest.mark.parametrize(
    ("before", "amount"), [(1, 1.0), (1.0, 1), (True, 1), ("1", 1), (None, 1), (Timestamp(1), 1)]
)
def test_an_amount_must_have_the_propertys_type(chain: Chain, before: Any, amount: Any):
    assert outcome(chain, set_("x", before)) == "COMMITTED"
    assert outcome(chain, increment("x", amount)) == "WRONG_TYPE"


@pytest.mark.parametrize(
    ("before", "amount", "result"),
    [
        (2**63 - 1, 1, "INCREMENT_OVERFLOW"),
        (-(2**63), -1, "INCREMENT_OVERFLOW"),
        (2**63 - 2, 1, "COMMITTED"),
        (1 - 2**63, -1, "COMMITTED"),
        (1.7e308, 1.7e308, "INCREMENT_OVERFLOW"),
        (-1.7e308, -1.7e308, "INCREMENT_OVERFLOW"),
        (math.nextafter(math.inf, 0), -1.0, "COMMITTED"),
    ],
)
def test_a_sum_must_fit(chain: Chain, before: Any, amount: Any, result: str):
    assert outcome(chain, set_("x", before)) == "COMMITTED"
    assert outcome(chain, increment("x", amount)) == result


@pytest.mark.parametrize(
    ("there", "wanted"),
    [("a", "a/b"), ("a", "a/b/c"), ("a/b", "a/b/c/d"), ("a/b", "a"), ("a/b/c", "a")],
)
def test_no_property_lies_below_another(chain: Chain, there: str, wanted: str):
    assert outcome(chain, set_(there, 1)) == "COMMITTED"
    assert outcome(chain, set_(wanted, 1)) == "PATH_CONFLICT"
    assert outcome(chain, increment(wanted, 1)) == "PATH_CONFLICT"
    assert outcome(chain, delete(there), set_(wanted, 1)) == "COMMITTED"
    assert values(chain) == {f"reported/{wanted}": 1}


def test_conflicts_are_seen_within_one_operation_and_at_birth(chain: Chain):
    assert outcome(chain, set_("a/b", 1), set_("a", 1)) == "PATH_CONFLICT"
    assert chain.outcome(create("tank", set_("a", 1), set_("a/b", 1))) == "PATH_CONFLICT"


@pytest.mark.parametrize("longer", ["ab", "a-b", "a.b", "a0", "a_b/c"])
def test_paths_that_only_begin_alike_do_not_conflict(chain: Chain, longer: str):
    assert outcome(chain, set_("a", 1), set_(longer, 1)) == "COMMITTED"
    assert outcome(chain, delete("a")) == "COMMITTED"
    assert outcome(chain, set_("a", 1)) == "COMMITTED"  # now with the longer one there before


def test_another_twins_properties_do_not_conflict(chain: Chain):
    assert outcome(chain, set_("a", 1)) == "COMMITTED"
    assert chain.outcome(create("pump-2", set_("a/b", 1))) == "COMMITTED"


def test_a_twin_has_no_more_properties_than_allowed():
    chain = Chain(replace(DEFAULT_LIMITS, max_properties=2))
    three = [set_("a", 1), set_("b", 1, SECTION_DESIRED), set_("c", 1)]
    assert chain.outcome(create("pump", *three)) == "TOO_MANY_PROPERTIES"
    assert chain.outcome(create("pump", *three[:2])) == "COMMITTED"
    assert outcome(chain, three[2]) == "TOO_MANY_PROPERTIES"
    assert outcome(chain, set_("a", 2), three[2], delete("a")) == "COMMITTED"
    assert outcome(chain, delete("c")) == "COMMITTED"
    assert outcome(chain, set_("a", 1)) == "COMMITTED"
    assert outcome(chain, three[2]) == "TOO_MANY_PROPERTIES"


def test_a_damaged_property_stops_the_node(chain: Chain):
    chain.submit(update("pump", set_("x", 1)))
    chain.state.leaves[b"property/pump/reported/x"] = encode({"value": 1})
    with refused(Code.DATA_DAMAGED):
        chain.submit(update("pump", increment("x", 1)))
