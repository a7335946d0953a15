"""The trees of twins in a block: changed once, however many updates it has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.execution.chain import Chain, MemoryState
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import create, delete, relate, retire, set_, unrelate, update
from tests.unit.twins.naive import naive_whole_root
from twinledger.ledger.errors import Code
from twinledger.ledger.names import TwinId
from twinledger.ledger.state_tree_page import EMPTY, EMPTY_PAGE, Page, PageKey
from twinledger.twins.reading import load_twin
from twinledger.twins.records import Twin
from twinledger.v1.operation_pb2 import Operation


class CountingState(MemoryState):
    """Notes every page that is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[PageKey] = []

    def tree_page(self, key: PageKey) -> Page:
        self.reads.append(key)
        return super().tree_page(key)


@pytest.fixture
def chain() -> Chain:
    chain = Chain()
    chain.submit(create("pump", *[set_(f"p{n}", n) for n in range(100)]), create("tank"))
    return chain


twin_ids = st.sampled_from(["pump", "tank", "valve"])
paths = st.sampled_from(["x", "y/1", "y/2", "p7"])
operations = (
    st.builds(create, twin_ids, st.builds(set_, paths, st.just(0)))
    | st.builds(update, twin_ids, st.builds(set_, paths, st.integers(0, 9)))
    | st.builds(update, twin_ids, st.builds(delete, paths))
    | st.builds(relate, twin_ids, st.just("feeds"), twin_ids)
    | st.builds(unrelate, twin_ids, st.just("feeds"), twin_ids)
)


@given(st.lists(st.lists(operations, max_size=8), min_size=1, max_size=4))
def test_after_every_block_each_twin_has_the_root_of_its_tree_built_anew(
    history: list[list[Operation]],
):
    chain = Chain()
    chain.submit(create("pump", set_("p7", 0)), create("tank", set_("p7", 0)))
    for block in history:
        chain.append(*[chain.sign(operation) for operation in block])
        assert chain.newest.header.state_root == naive_whole_root(chain.state.leaves)


def pump(chain: Chain) -> Twin:
    return load_twin(chain.state, TwinId("pump"))


def own_pages(chain: Chain) -> set[PageKey]:
    return {key for key in chain.newest.tree.pages if key.tree == b"pump"}


def test_a_twin_that_has_many_updates_in_a_block_is_hashed_once(chain: Chain):
    counting = CountingState()
    counting.leaves, counting.pages = chain.state.leaves, chain.state.pages
    chain.state = counting
    chain.append(*[chain.sign(update("pump", set_("p7", n))) for n in range(50)])
    assert pump(chain).version == 51
    assert len(counting.reads) == len(set(counting.reads))
    # The way of one leaf of a hundred.
    assert len(own_pages(chain)) == 3
    assert chain.newest.header.state_root == naive_whole_root(chain.state.leaves)


def test_the_leaf_names_the_block_that_last_changed_its_tree(chain: Chain):
    assert (pump(chain).property_height, load_twin(chain.state, TwinId("tank")).tree) == (
        1,
        (EMPTY, 0),
    )
    chain.submit(update("pump", set_("p7", 7)))
    assert pump(chain).property_height == 2
    chain.submit(relate("pump", "feeds", "tank"))
    assert pump(chain).property_height == 3
    before = pump(chain).tree
    chain.submit(retire("tank"))
    chain.submit(update("pump", set_("new", 1), delete("new")))
    assert (pump(chain).tree, pump(chain).version) == (before, 4)
    assert own_pages(chain) == set()
    assert chain.newest.header.state_root == naive_whole_root(chain.state.leaves)


def test_a_twin_without_its_last_leaf_has_the_empty_tree_and_no_page(chain: Chain):
    chain.submit(relate("tank", "drains", "pump"))
    assert [key for key in chain.state.pages if key.tree == b"tank"] == [PageKey(2, b"", b"tank")]
    chain.submit(unrelate("tank", "drains", "pump"))
    assert load_twin(chain.state, TwinId("tank")).tree == (EMPTY, 3)
    assert [key for key in chain.state.pages if key.tree == b"tank"] == []
    chain.submit(update("tank", set_("level", 1)))
    assert load_twin(chain.state, TwinId("tank")).property_height == 4
    assert chain.newest.header.state_root == naive_whole_root(chain.state.leaves)


def test_properties_are_no_leaves_of_the_state_tree(chain: Chain):
    """One property more moves the twin's own leaf of the state tree and nothing else."""
    chain.submit(update("pump", set_("more", 1)))
    changed = [key for key in chain.newest.tree.pages if not key.tree]
    assert len(changed) <= 2
    assert list(chain.newest.writes) == [b"property/pump/reported/more", b"twin/pump"]


def test_a_page_of_a_twin_that_is_another_stops_the_node(chain: Chain):
    chain.state.pages[PageKey(1, b"", b"pump")] = EMPTY_PAGE
    with refused(Code.DATA_DAMAGED, "twin pump's page '' of height 1"):
        chain.submit(update("pump", set_("p7", 7)))
