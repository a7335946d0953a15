"""A twin's life: create, update, relate, unrelate, retire."""

from hashlib import sha256

import pytest

from tests.unit.execution.chain import MAKER, START_US, UTILITY, Chain
from tests.unit.ledger.wire import create, relate, retire, set_, unrelate, update
from twinledger.ledger.canonical import Timestamp, encode
from twinledger.ledger.names import TwinId
from twinledger.ledger.receipt import Event, EventKind
from twinledger.ledger.transaction import TransactionId
from twinledger.twins.reading import find_twin, load_twin, properties, relationships
from twinledger.twins.records import Origin, Twin
from twinledger.v1.operation_pb2 import Operation

PUMP = TwinId("pump")


@pytest.fixture
def chain() -> Chain:
    chain = Chain()
    chain.submit(create("pump"), create("tank"))
    return chain


def pump(chain: Chain) -> Twin:
    return load_twin(chain.state, PUMP)


def test_a_new_twin_belongs_to_the_first_authors_member():
    chain = Chain()
    receipt = chain.submit(create("pump", model="dtmi:example:pump;1"), by=[MAKER, UTILITY])
    assert receipt.events == (Event(EventKind.TWIN_CREATED, "pump", 1),)
    twin = pump(chain)
    assert (twin.model, twin.owner, twin.version) == ("dtmi:example:pump;1", "maker", 1)
    assert (twin.retired, twin.successor_id, twin.property_count) == (False, None, 0)


def test_an_id_is_used_once_even_after_the_twin_was_retired(chain: Chain):
    assert chain.outcome(create("pump")) == "TWIN_EXISTS"
    chain.submit(retire("pump"))
    assert chain.outcome(create("pump")) == "TWIN_EXISTS"


EVENTS: list[tuple[Operation, EventKind]] = [
    (update("pump", set_("x", 1)), EventKind.TWIN_UPDATED),
    (relate("pump", "feeds", "tank"), EventKind.RELATED),
    (unrelate("pump", "feeds", "tank"), EventKind.UNRELATED),
    (retire("pump"), EventKind.TWIN_RETIRED),
]


def test_every_update_raises_the_version_by_one(chain: Chain):
    for version, (operation, kind) in enumerate(EVENTS, start=2):
        assert chain.submit(operation).events == (Event(kind, "pump", version),)
        assert pump(chain).version == version
    assert load_twin(chain.state, TwinId("tank")).version == 1


def test_the_history_head_is_the_hash_chain_of_the_page():
    created = Chain()
    receipt = created.submit(create("tank"), create("pump"))
    update_1 = encode(["pump", 1, receipt.transaction_id, 1, 1, Timestamp(START_US)])
    head = sha256(b"twinledger/v1/history\0" + bytes(32) + update_1).digest()
    assert pump(created).history_head == head
    created.append(time_us=START_US + 9)
    receipt = created.submit(update("pump", set_("x", 1)))
    update_2 = encode(["pump", 2, receipt.transaction_id, 0, 3, Timestamp(START_US + 9)])
    head = sha256(b"twinledger/v1/history\0" + head + update_2).digest()
    assert pump(created).history_head == head


EXPECTING: list[Operation] = [
    update("pump", set_("x", 1), expected=2),
    relate("pump", "feeds", "tank", expected=2),
    unrelate("pump", "feeds", "tank", expected=2),
    retire("pump", expected=2),
    update("pump", set_("x", 1), expected=0),
]


@pytest.mark.parametrize("operation", EXPECTING)
def test_another_version_than_the_expected_one_is_refused(chain: Chain, operation: Operation):
    assert chain.outcome(operation) == "VERSION_MISMATCH"
    assert pump(chain).version == 1


def test_the_expected_version_is_that_of_the_source(chain: Chain):
    assert chain.outcome(relate("pump", "feeds", "tank", expected=1)) == "COMMITTED"
    assert chain.outcome(unrelate("pump", "feeds", "tank", expected=2)) == "COMMITTED"
    assert chain.outcome(update("pump", set_("x", 1), expected=3)) == "COMMITTED"
    assert chain.outcome(retire("pump", expected=4)) == "COMMITTED"


@pytest.mark.parametrize("operation", [operation for operation, _ in EVENTS])
def test_a_retired_twin_never_changes_again(chain: Chain, operation: Operation):
    chain.submit(relate("pump", "feeds", "tank"))
    chain.submit(retire("pump"))
    before = pump(chain)
    assert chain.outcome(operation) == "TWIN_RETIRED"
    assert pump(chain) == before


@pytest.mark.parametrize(
    "operation",
    [
        update("ghost", set_("x", 1)),
        relate("ghost", "feeds", "tank"),
        relate("pump", "feeds", "ghost"),
        unrelate("ghost", "feeds", "tank"),
        retire("ghost"),
        retire("pump", "ghost"),
    ],
)
def test_twins_that_do_not_exist_are_not_found(chain: Chain, operation: Operation):
    assert chain.outcome(operation) == "TWIN_NOT_FOUND"


def test_a_relationship_is_there_once(chain: Chain):
    assert chain.outcome(relate("pump", "feeds", "tank")) == "COMMITTED"
    assert chain.outcome(relate("pump", "feeds", "tank")) == "RELATIONSHIP_EXISTS"
    assert chain.outcome(relate("pump", "fills", "tank")) == "COMMITTED"
    assert chain.outcome(relate("pump", "feeds", "pump")) == "COMMITTED"
    found = [(r.name, r.target_id) for r in relationships(chain.state, PUMP)]
    assert found == [("feeds", "pump"), ("feeds", "tank"), ("fills", "tank")]
    assert relationships(chain.state, TwinId("tank")) == ()


def test_only_a_relationship_that_is_there_is_removed(chain: Chain):
    assert chain.outcome(unrelate("pump", "feeds", "tank")) == "RELATIONSHIP_NOT_FOUND"
    chain.submit(relate("pump", "feeds", "tank"))
    assert chain.outcome(unrelate("pump", "fills", "tank")) == "RELATIONSHIP_NOT_FOUND"
    assert chain.outcome(unrelate("pump", "feeds", "tank")) == "COMMITTED"
    assert relationships(chain.state, PUMP) == ()


def test_a_retired_twin_is_no_target_but_can_be_left(chain: Chain):
    chain.submit(relate("pump", "feeds", "tank"))
    chain.submit(retire("tank"))
    assert chain.outcome(relate("pump", "fills", "tank")) == "TWIN_RETIRED"
    assert chain.outcome(unrelate("pump", "feeds", "tank")) == "COMMITTED"


def test_a_retired_twin_names_its_successor(chain: Chain):
    chain.submit(retire("pump", "tank"))
    assert (pump(chain).retired, pump(chain).successor_id) == (True, "tank")
    chain.submit(retire("tank"))
    tank = load_twin(chain.state, TwinId("tank"))
    assert (tank.retired, tank.successor_id) == (True, None)


def test_what_is_written_says_where_it_came_from(chain: Chain):
    chain.append(time_us=START_US + 9)
    raw = chain.sign(
        update("pump", set_("x", 1), observed=START_US - 5),
        relate("pump", "feeds", "tank"),
        by=[UTILITY, MAKER],
    )
    _, receipt = chain.append(chain.sign(create("z")), raw)
    authors = (UTILITY.identity, MAKER.identity)
    at_height_3 = (START_US + 9, 3, 1)
    (found,) = properties(chain.state, PUMP)
    assert found.origin == Origin(
        TransactionId(receipt.transaction_id), authors, START_US - 5, *at_height_3
    )
    (related,) = relationships(chain.state, PUMP)
    assert related.origin == Origin(
        TransactionId(receipt.transaction_id), authors, None, *at_height_3
    )


def test_a_twin_that_failed_to_be_created_is_not_there(chain: Chain):
    chain.submit(create("valve"), create("pump"))
    assert find_twin(chain.state, TwinId("valve")) is None
