"""Reading twins from a state, and the leaves they are read from."""

from typing import Any

import pytest

from tests.unit.execution.chain import START_US, UTILITY, Chain
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import create, relate, retire, set_, update
from twinledger.ledger.canonical import Timestamp, decode, encode
from twinledger.ledger.errors import Code
from twinledger.ledger.names import TwinId
from twinledger.twins.reading import (
    find_twin,
    load_active_twin,
    load_twin,
    properties,
    relationships,
    twins,
)
from twinledger.v1.operation_pb2 import SECTION_DESIRED

PUMP = TwinId("pump")


@pytest.fixture
def chain() -> Chain:
    chain = Chain()
    chain.submit(
        create("pump", set_("b", 1), set_("a/x", 2), set_("c", 3, SECTION_DESIRED)),
        create("pump-2", set_("zz", 9)),
        create("Tank"),
        relate("pump", "feeds", "Tank"),
    )
    return chain


def test_a_twin_that_is_not_there_is_not_found(chain: Chain):
    assert find_twin(chain.state, TwinId("ghost")) is None
    with refused(Code.TWIN_NOT_FOUND, "ghost"):
        load_twin(chain.state, TwinId("ghost"))
    with refused(Code.TWIN_NOT_FOUND, "ghost"):
        load_active_twin(chain.state, TwinId("ghost"))


def test_a_retired_twin_is_loaded_but_not_as_an_active_one(chain: Chain):
    chain.submit(retire("pump"))
    assert load_twin(chain.state, PUMP).retired
    with refused(Code.TWIN_RETIRED, "pump"):
        load_active_twin(chain.state, PUMP)


def test_twins_are_listed_by_id_and_prefix(chain: Chain):
    assert [twin.twin_id for twin in twins(chain.state)] == ["Tank", "pump", "pump-2"]
    assert [twin.twin_id for twin in twins(chain.state, "pump")] == ["pump", "pump-2"]
    assert list(twins(chain.state, "x")) == []


def test_properties_are_ordered_by_section_and_path(chain: Chain):
    found = [(p.section.value, p.path, p.value) for p in properties(chain.state, PUMP)]
    assert found == [("desired", "c", 3), ("reported", "a/x", 2), ("reported", "b", 1)]


def test_relationships_are_those_that_go_out(chain: Chain):
    assert [(r.name, r.target_id) for r in relationships(chain.state, PUMP)] == [("feeds", "Tank")]
    assert relationships(chain.state, TwinId("Tank")) == ()


def test_the_leaves_are_the_maps_of_the_page(chain: Chain):
    receipt = chain.submit(update("pump", set_("b", 4), observed=7))
    twin: Any = decode(chain.state.leaves[b"twin/pump"])
    assert [len(twin.pop(name)) for name in ("history", "property_root")] == [32, 32]
    assert twin == {
        "model": "",
        "owner": "utility",
        "version": 3,
        "retired": False,
        "successor": "",
        "properties": 3,
        "property_height": 2,
    }
    origin = {
        "transaction": receipt.transaction_id,
        "authors": [UTILITY.identity],
        "observed_at": Timestamp(7),
        "block_time": Timestamp(START_US),
        "height": 2,
        "index": 0,
    }
    leaf: Any = decode(chain.state.leaves[b"property/pump/reported/b"])
    assert len(leaf.pop("salt")) == 16
    assert leaf == {"value": 4, "origin": origin}
    related: Any = decode(chain.state.leaves[b"relationship/pump/feeds/Tank"])
    assert list(related) == ["origin", "salt"]
    assert related["origin"]["observed_at"] is None


@pytest.mark.parametrize(
    ("key", "leaf"),
    [
        (b"twin/pump", None),
        (b"twin/pump", {"model": "", "owner": "utility"}),
        (b"property/pump/reported/b", {"value": 1}),
        (b"property/pump/reported/b", {"origin": {}, "value": 1}),
        (b"property/pump/reported/b", {"origin": {}, "salt": bytes(16), "value": 1}),
        (b"relationship/pump/feeds/Tank", {"origin": {"height": 1}}),
        (b"relationship/pump/feeds/Tank", {"origin": {}, "salt": bytes(16)}),
    ],
)
def test_a_leaf_that_is_not_well_formed_is_damage(chain: Chain, key: bytes, leaf: Any):
    chain.state.leaves[key] = encode(leaf)
    with refused(Code.DATA_DAMAGED):
        load_twin(chain.state, PUMP)
        properties(chain.state, PUMP)
        relationships(chain.state, PUMP)
