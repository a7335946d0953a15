"""Twins as they were at every kept height, proven from the disk: whole, and leaf by leaf."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import plyvel
import pytest

from tests.unit.execution.chain import UTILITY, Chain, MemoryState
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import create, delete, relate, set_, unrelate, update
from tests.unit.storage.writing import chain as entries
from tests.unit.storage.writing import persist
from tests.unit.twins.naive import naive_leaves, naive_whole_root
from twinledger.execution.results import Execution
from twinledger.ledger.errors import Code
from twinledger.ledger.names import TwinId
from twinledger.ledger.state_proof import verify_absence, verify_presence
from twinledger.ledger.state_tree_page import EMPTY_PAGE, Page, PageKey
from twinledger.ledger.transaction import TransactionId
from twinledger.storage.chain_proofs import ChainProofs
from twinledger.storage.chain_records import STATE_PREFIX
from twinledger.storage.chain_store import ChainStore
from twinledger.storage.chain_tree_records import page_key, replaced_key
from twinledger.storage.log_store import LogStore
from twinledger.twins.records import Twin
from twinledger.twins.tree import TwinLeaf
from twinledger.twins.tree_proof import verify_leaf, verify_leaves, verify_no_leaf
from twinledger.v1.operation_pb2 import Operation

KEPT = 6
TWINS = ["a", "b", "c"]
PATHS = ["x", "y/1", "y/2", "z"]
State = dict[bytes, bytes]


class StoredState(MemoryState):
    """A state that is kept in memory for comparison, and read from the disk."""

    def __init__(self, folder: Path, genesis_hash: bytes) -> None:
        super().__init__()
        self._folder = folder
        self._genesis_hash = genesis_hash
        if not (folder / "log").exists():
            LogStore.create(folder / "log", folder / "log.marker", genesis_hash)
            ChainStore.create(folder / "chain")
        self.open()

    def open(self) -> None:
        folder = self._folder
        self.log = LogStore.open(folder / "log", folder / "log.marker", self._genesis_hash)
        self.store = ChainStore.open(folder / "chain", self.log, kept_heights=KEPT)

    def close(self) -> None:
        self.store.close()
        self.log.close()

    def get(self, key: bytes) -> bytes | None:
        return self.store.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return self.store.scan(prefix)

    def seen(self, transaction_id: TransactionId) -> bool:
        return self.store.seen(transaction_id)

    def tree_page(self, key: PageKey) -> Page:
        return self.store.tree_page(key)

    def take(self, execution: Execution) -> None:
        if execution.header.height:
            self.log.write(persist(*entries(self.log, [b"body"])))
        self.store.apply(execution)
        for key, value in execution.writes.items():
            if value is None:
                self.leaves.pop(key, None)
            else:
                self.leaves[key] = value


class Ledger(Chain):
    """Executes blocks on a chain on the disk and remembers the state after every one."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.stored = self.state = StoredState(folder, self.genesis.chain_id)
        self.state.take(self.newest)
        self.states: list[State] = [dict(self.state.leaves)]

    def commit(self, *transactions: list[Operation]) -> list[str]:
        receipts = self.append(*[self.sign(*each, by=[UTILITY]) for each in transactions])
        self.states.append(dict(self.state.leaves))
        return [receipt.outcome for receipt in receipts]

    def proofs(self) -> ChainProofs:
        return ChainProofs(self.stored.store)

    def root(self, height: int) -> bytes:
        return self.stored.store.header(height).state_root


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path)
    yield made
    made.stored.close()


def any_operation(source: random.Random) -> Operation:
    twin, path = source.choice(TWINS), source.choice(PATHS)
    return source.choice(
        [
            create(twin, set_(path, 0)),
            update(twin, set_(path, source.randrange(100))),
            update(twin, delete(path)),
            relate(twin, "feeds", source.choice(TWINS)),
            unrelate(twin, "feeds", source.choice(TWINS)),
        ]
    )


def grown(ledger: Ledger, blocks: int, seed: int) -> None:
    source = random.Random(seed)
    outcomes = set[str]()
    for _ in range(blocks):
        outcomes |= set(
            ledger.commit(*[[any_operation(source)] for _ in range(source.randrange(7))])
        )
    assert {"COMMITTED", "PROPERTY_NOT_FOUND"} <= outcomes


KEYS = [
    *(f"{section}/{path}".encode() for section in ("reported", "desired") for path in PATHS),
    *(b"relationship/feeds/" + twin.encode() for twin in TWINS),
    b"",
    b"reported",
    b"other/kind",
]


def check_height(ledger: Ledger, proofs: ChainProofs, height: int) -> None:
    """Every twin, and every key it has or has not, is proven as it was at a height."""
    assert ledger.root(height) == naive_whole_root(ledger.states[height])
    for twin_id in [*map(TwinId, TWINS), TwinId("ghost")]:
        state, key = ledger.states[height], b"twin/" + twin_id.encode()
        (value, proof), shown = proofs.twin(twin_id, height)
        assert value == state.get(key)
        if value is None:
            verify_absence(ledger.root(height), key, proof)
            assert shown == ()
            assert proofs.twin_property(twin_id, b"reported/x", height) == (
                (None, proof),
                None,
                None,
            )
            continue
        verify_presence(ledger.root(height), key, value, proof)
        root = Twin.decode(twin_id, value).property_root
        verify_leaves(root, shown)
        leaves = naive_leaves(state, twin_id)
        assert [leaf.key for leaf in shown] == sorted(leaves)
        assert {leaf.key: (leaf.salt, leaf.record) for leaf in shown} == leaves
        for asked in KEYS:
            twin, leaf, way = proofs.twin_property(twin_id, asked, height)
            assert twin == (value, proof)
            assert way is not None
            if leaf is None:
                assert asked not in leaves
                verify_no_leaf(root, asked, way)
            else:
                assert leaf == TwinLeaf(asked, *leaves[asked])
                verify_leaf(root, leaf, way)


@pytest.mark.parametrize("seed", range(5))
def test_every_twin_is_proven_at_every_kept_height(ledger: Ledger, seed: int) -> None:
    grown(ledger, 25, seed)
    for height in range(25 - KEPT, 26):
        check_height(ledger, ledger.proofs(), height)
    for ask in (
        lambda: ledger.proofs().twin(TwinId("a"), 25 - KEPT - 1),
        lambda: ledger.proofs().twin_property(TwinId("a"), b"reported/x", 25 - KEPT - 1),
    ):
        with refused(Code.PRUNED, f"oldest height it keeps is {25 - KEPT}"):
            ask()


def test_a_restarted_node_proves_the_same_and_goes_on(ledger: Ledger) -> None:
    grown(ledger, 12, 11)
    ledger.stored.close()
    ledger.stored.open()
    check_height(ledger, ledger.proofs(), 10)
    ledger.commit([update("a", set_("x", "after"))])
    check_height(ledger, ledger.proofs(), 13)


def test_a_snapshot_proves_what_is_pruned_meanwhile(ledger: Ledger) -> None:
    grown(ledger, 10, 12)
    with ledger.stored.store.snapshot() as snapshot:
        grown(ledger, 12, 13)
        check_height(ledger, ChainProofs(snapshot), 10 - KEPT)
        with refused(Code.HEIGHT_NOT_REACHED):
            ChainProofs(snapshot).twin(TwinId("a"), 11)


def test_a_leaf_that_went_and_came_back_was_not_there_in_between(ledger: Ledger) -> None:
    ledger.commit([create("a", set_("x", 1))])
    ledger.commit([update("a", delete("x"))])
    ledger.commit([update("a", set_("x", 1))])
    ledger.commit([update("a", set_("x", 1))])
    for height in range(5):
        check_height(ledger, ledger.proofs(), height)
    assert [len(ledger.proofs().twin(TwinId("a"), height).leaves) for height in range(5)] == [
        0,
        1,
        0,
        1,
        1,
    ]


def test_what_is_pruned_leaves_nothing_of_a_twins_tree_behind(ledger: Ledger) -> None:
    ledger.commit([create("a", *[set_(f"p{n}", n) for n in range(60)])])
    for n in range(40):
        ledger.commit([update("a", set_(f"p{n % 7}", n))])
    ledger.commit([update("a", *[delete(f"p{n}") for n in range(60)])])
    for _ in range(KEPT):
        ledger.commit()
    view = ledger.stored.store._view
    assert sum(1 for _ in view.scan(b"o", b"p")) == 0
    pages = [key for key, _ in view.scan(b"n", b"o")]
    assert [key for key in pages if key[9:].startswith(b"a\0")] == []
    check_height(ledger, ledger.proofs(), ledger.newest.header.height)


def test_the_pages_of_the_trees_are_apart(ledger: Ledger) -> None:
    """A twin's id must not lead to a page of the state tree, nor to that of another twin."""
    keys = [
        PageKey(1, b"ab"),
        PageKey(1, b"b", b"a"),
        PageKey(1, b"", b"ab"),
        PageKey(1, b"", b"a"),
    ]
    assert len({page_key(key) for key in keys}) == len(keys)
    ledger.commit(
        [create("a", set_("x", 1)), create("ab", set_("x", 1)), create("0", set_("x", 1))]
    )
    for twin_id in ("a", "ab", "0"):
        assert len(ledger.proofs().twin(TwinId(twin_id), 1).leaves) == 1


def test_a_record_of_a_twins_tree_is_not_asked_for_as_a_leaf_of_the_state(ledger: Ledger) -> None:
    """It would be proven absent, which is true and means nothing."""
    ledger.commit([create("a", set_("x", 1))])
    for key in (b"property/a/reported/x", b"relationship/a/feeds/b"):
        with refused(Code.BAD_REQUEST):
            ledger.proofs().state(key, 1)


Edit = Callable[[plyvel.DB], None]
RECORD = b"property/a/reported/p7"


PAGE = page_key(PageKey(2, b"", b"a"))


def put(key: bytes, value: bytes) -> Edit:
    return lambda database: database.put(key, value)


def removed(key: bytes) -> Edit:
    return lambda database: database.delete(key)


def other_value(database: plyvel.DB) -> None:
    """A record that reads well but is not what the block wrote."""
    database.put(STATE_PREFIX + RECORD, database.get(STATE_PREFIX + RECORD)[:-1] + b"\x09")


def edited(ledger: Ledger, edit: Edit) -> ChainProofs:
    """The proofs of a node whose disk was changed while it was down."""
    ledger.stored.close()
    database = plyvel.DB(str(ledger.stored._folder / "chain"))
    edit(database)
    database.close()
    ledger.stored.open()
    return ledger.proofs()


@pytest.mark.parametrize(
    ("edit", "height"),
    [
        (removed(STATE_PREFIX + RECORD), 2),
        (put(STATE_PREFIX + RECORD, b"forged"), 2),
        (other_value, 2),
        (removed(replaced_key(RECORD, 2)), 1),
        (put(replaced_key(RECORD, 2), b"forged"), 1),
    ],
)
def test_a_damaged_record_is_found_on_proving(ledger: Ledger, edit: Edit, height: int) -> None:
    ledger.commit([create("a", *[set_(f"p{n}", n) for n in range(40)])])
    ledger.commit([update("a", set_("p7", 8))])
    proofs, told = edited(ledger, edit), f"properties of a at height {height}"
    with refused(Code.DATA_DAMAGED, told):
        proofs.twin(TwinId("a"), height)
    with refused(Code.DATA_DAMAGED, told):
        proofs.twin_property(TwinId("a"), b"reported/p7", height)


@pytest.mark.parametrize(
    "edit", [removed(PAGE), put(PAGE, b"short"), put(PAGE, EMPTY_PAGE.encode())]
)
def test_a_damaged_page_is_found_on_proving_a_leaf(ledger: Ledger, edit: Edit) -> None:
    ledger.commit([create("a", *[set_(f"p{n}", n) for n in range(40)])])
    ledger.commit([update("a", set_("p7", 8))])
    proofs = edited(ledger, edit)
    with refused(Code.DATA_DAMAGED):
        proofs.twin_property(TwinId("a"), b"reported/p7", 2)


def test_a_damaged_page_is_named_by_its_twin(ledger: Ledger) -> None:
    ledger.commit([create("a", set_("x", 1))])
    edited(ledger, removed(page_key(PageKey(1, b"", b"a"))))
    with refused(Code.DATA_DAMAGED, "Twin a's page '' of height 1 is missing"):
        ledger.commit([update("a", set_("x", 2))])
