"""Both Merkle trees on disk: what they prove, for how long, and what a damaged one leads to."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import plyvel
import pytest

from tests.unit.ledger.refusals import refused
from tests.unit.ledger.trees import naive_state_root
from tests.unit.storage.executing import Node
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_proof import verify_consistency, verify_inclusion
from twinledger.ledger.history_tree import Place
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.state_proof import verify_absence, verify_presence
from twinledger.ledger.state_tree_page import EMPTY_PAGE, PageKey
from twinledger.storage.chain_proofs import ChainProofs
from twinledger.storage.chain_records import STATE_PREFIX
from twinledger.storage.chain_tree_records import (
    OLDEST_KEY,
    history_key,
    page_key,
    replaced_key,
    stale_key,
)
from twinledger.storage.chain_trees import PageCache

KEPT = 4
State = dict[bytes, bytes]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.create(tmp_path, KEPT)
    yield made
    made.close()


def grown(node: Node, blocks: int, source: random.Random) -> list[State]:
    """The state after every height, of blocks that set and delete a few keys each."""
    states = [{b"consortium": b"members"}]
    for _ in range(blocks):
        changes = {
            b"twin/%d" % source.randrange(40): source.choice([None, source.randbytes(3)])
            for _ in range(source.randrange(6))
        }
        node.commit(changes)
        state = {**states[-1], **changes}
        states.append({key: value for key, value in state.items() if value is not None})
    return states


KEYS = [b"consortium", *(b"twin/%d" % n for n in range(41))]


def check_height(node: Node, height: int, state: State) -> None:
    """Every key, present or not, is proven as it was at a height."""
    root = node.chain.header(height).state_root
    assert root == naive_state_root(state)
    with node.chain.snapshot() as snapshot:
        for key in KEYS:
            value, proof = ChainProofs(snapshot).state(key, height)
            assert value == state.get(key)
            if value is None:
                verify_absence(root, key, proof)
            else:
                verify_presence(root, key, value, proof)


def test_every_kept_height_is_proven_and_older_ones_are_pruned(node: Node) -> None:
    states = grown(node, 30, random.Random(1))
    assert node.chain.trees.oldest_height == 30 - KEPT
    for height in range(30 - KEPT, 31):
        check_height(node, height, states[height])
    with refused(Code.PRUNED, "oldest height it keeps is 26"):
        ChainProofs(node.chain).state(b"consortium", 25)


def test_the_newest_certified_state_stays_however_far_certification_lags(node: Node) -> None:
    node.chain.certified_height = lambda: 6
    states = grown(node, 30, random.Random(7))
    assert node.chain.trees.oldest_height == 6
    check_height(node, 6, states[6])
    node.chain.certified_height = lambda: 28
    for _ in range(12):
        node.commit({})
    assert node.chain.trees.oldest_height == 28


def test_a_node_that_keeps_no_older_height_keeps_one(node: Node) -> None:
    node = node.restarted(0)
    states = grown(node, 20, random.Random(4))
    assert node.chain.trees.oldest_height == 19
    check_height(node, 20, states[20])
    node.close()


def test_a_restarted_node_proves_the_same_and_goes_on(node: Node) -> None:
    source = random.Random(2)
    states = grown(node, 12, source)
    node = node.restarted(KEPT)
    check_height(node, 9, states[9])
    node.commit({b"twin/1": b"after"})
    check_height(node, 13, {**states[12], b"twin/1": b"after"})
    node.close()


def test_what_is_pruned_leaves_nothing_behind(node: Node) -> None:
    for height in range(1, 60):
        node.commit({b"twin/%d" % (height % 7): b"%d" % height})
    grouped = {
        kind: sum(1 for _ in node.chain._view.scan(kind, bytes([kind[0] + 1])))
        for kind in (b"g", b"n", b"o")
    }
    assert grouped[b"g"] == KEPT
    assert grouped[b"o"] == KEPT
    assert grouped[b"n"] <= 3 * (KEPT + 1)


def test_fewer_heights_are_reached_two_for_each_block_and_more_as_they_come(node: Node) -> None:
    node = node.restarted(100)
    states = grown(node, 20, random.Random(3))
    assert node.chain.trees.oldest_height == 0
    check_height(node, 0, states[0])
    node = node.restarted(2)
    oldest = []
    for _ in range(12):
        node.commit({})
        oldest.append(node.chain.trees.oldest_height)
    assert oldest == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24]
    for _ in range(8):
        node.commit({})
    assert node.chain.trees.oldest_height == 40 - 2
    node = node.restarted(10)
    node.commit({})
    assert node.chain.trees.oldest_height == 38
    check_height(node, 38, states[20])
    node.close()


def test_a_snapshot_proves_what_is_pruned_meanwhile(node: Node) -> None:
    states = grown(node, 10, random.Random(4))
    root = node.chain.header(6).state_root
    with node.chain.snapshot() as snapshot:
        grown(node, 10, random.Random(5))
        proofs = ChainProofs(snapshot)
        assert snapshot.trees.oldest_height == 6
        for key, value in states[6].items():
            verify_presence(root, key, value, proofs.state(key, 6).proof)
        with refused(Code.HEIGHT_NOT_REACHED):
            proofs.state(b"consortium", 11)


@pytest.mark.parametrize("height", [-1, 3, 2**64])
def test_a_height_that_is_not_there_is_not_proven(node: Node, height: int) -> None:
    node.commit({})
    with refused(Code.PRUNED if height < 0 else Code.HEIGHT_NOT_REACHED):
        ChainProofs(node.chain).state(b"consortium", height)


def test_the_history_of_the_headers_is_proven_at_any_size(node: Node) -> None:
    headers = [node.chain.header_bytes(0), *(node.commit({}).header_bytes for _ in range(20))]
    node = node.restarted(KEPT)
    proofs = ChainProofs(node.chain)
    assert proofs.size == 21
    roots = [proofs.history_root(size) for size in range(22)]
    assert roots == [tree_hash(headers[:size]) for size in range(22)]
    for size in range(1, 22):
        for height in range(size):
            way = proofs.inclusion(height, size)
            verify_inclusion(roots[size], size, height, headers[height], way)
            way = proofs.consistency(height + 1, size)
            verify_consistency(roots[height + 1], height + 1, roots[size], size, way)
    node.close()


def test_sizes_and_heights_that_are_not_there_have_no_proof(node: Node) -> None:
    node.commit({})
    proofs = ChainProofs(node.chain)
    asked: list[tuple[Code, Callable[[], object]]] = [
        (Code.HEIGHT_NOT_REACHED, lambda: proofs.history_root(3)),
        (Code.BAD_REQUEST, lambda: proofs.history_root(-1)),
        (Code.HEIGHT_NOT_REACHED, lambda: proofs.inclusion(0, 3)),
        (Code.BAD_REQUEST, lambda: proofs.inclusion(1, 1)),
        (Code.BAD_REQUEST, lambda: proofs.inclusion(-1, 1)),
        (Code.HEIGHT_NOT_REACHED, lambda: proofs.consistency(1, 3)),
        (Code.BAD_REQUEST, lambda: proofs.consistency(0, 2)),
        (Code.BAD_REQUEST, lambda: proofs.consistency(2, 1)),
    ]
    for code, ask in asked:
        with refused(code):
            ask()


def test_upper_pages_are_not_read_again_from_the_disk(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.commit({b"twin/%d" % n: b"" for n in range(100)})
    read = list[bytes]()
    get = node.chain._view.get

    def noting(key: bytes) -> bytes | None:
        read.append(key)
        return get(key)

    monkeypatch.setattr(node.chain._view, "get", noting)
    for n in range(20):
        node.commit({b"twin/%d" % n: b"new"})
    assert [key for key in read if key.startswith(b"n")] == []


def test_the_cache_of_pages_is_bounded() -> None:
    cache = PageCache(2)
    keys = [PageKey(height, b"") for height in range(3)]
    for key in keys:
        cache.keep(key, EMPTY_PAGE)
    assert [cache.get(key) for key in keys] == [None, EMPTY_PAGE, EMPTY_PAGE]
    cache.drop(keys[1])
    cache.drop(keys[1])
    assert cache.get(keys[1]) is None


def test_lower_pages_do_not_crowd_out_the_upper_ones() -> None:
    cache = PageCache(2)
    upper, lower = PageKey(0, b"abc"), [PageKey(height, b"abcd") for height in range(3)]
    for key in (upper, *lower):
        cache.keep(key, EMPTY_PAGE)
    assert [cache.get(key) for key in (upper, *lower)] == [EMPTY_PAGE, None, EMPTY_PAGE, EMPTY_PAGE]


def test_pages_of_twins_do_not_crowd_out_the_upper_ones_of_the_state_tree() -> None:
    cache = PageCache(2)
    upper, twins = PageKey(0, b""), [PageKey(height, b"", b"pump") for height in range(3)]
    for key in (upper, *twins):
        cache.keep(key, EMPTY_PAGE)
    assert [cache.get(key) for key in (upper, *twins)] == [EMPTY_PAGE, None, EMPTY_PAGE, EMPTY_PAGE]


# Damage: LevelDB finds the records whole, but they are not what was written.

Edit = Callable[[plyvel.DB], None]


def put(key: bytes, value: bytes) -> Edit:
    return lambda database: database.put(key, value)


def removed(key: bytes) -> Edit:
    return lambda database: database.delete(key)


ROOT_PAGE = page_key(PageKey(5, b""))


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (removed(ROOT_PAGE), "page '' of height 5 is missing"),
        (put(ROOT_PAGE, b"short"), "page '' of height 5 is not readable"),
        (put(ROOT_PAGE, EMPTY_PAGE.encode()), "state tree is not that of height 5"),
        (removed(history_key(Place(0, 5))), "hash 5 of level 0 is missing"),
        (put(history_key(Place(0, 5)), bytes(32)), "does not end with height 5"),
        (put(history_key(Place(0, 5)), b"short"), "hash 5 of level 0 is missing"),
        (removed(OLDEST_KEY), "not readable"),
    ],
)
def test_a_tree_that_is_not_the_heads_is_found_at_start(node: Node, edit: Edit, told: str) -> None:
    folder = damaged_after(node, edit)
    with pytest.raises(LedgerError, match=told) as raised:
        Node(folder)
    assert raised.value.code is Code.DATA_DAMAGED
    assert "move the folder 'chain' out" in raised.value.next_step


def damaged_after(node: Node, edit: Edit) -> Path:
    for height in range(1, 6):
        node.commit({b"twin/%d" % n: b"%d" % height for n in range(30)})
    node.close()
    database = plyvel.DB(str(node.folder / "chain"))
    edit(database)
    database.close()
    return node.folder


def below(database: plyvel.DB) -> bytes:
    """The key of a page of the newest tree other than the root's."""
    _, key, *_ = database.iterator(prefix=ROOT_PAGE, include_value=False)
    assert isinstance(key, bytes)
    return key


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda database: database.delete(below(database)), "is missing"),
        (lambda database: database.put(below(database), EMPTY_PAGE.encode()), "is another"),
        (put(STATE_PREFIX + b"twin/7", b"forged"), "height 5 does not match its root"),
        (removed(STATE_PREFIX + b"twin/7"), "height 5 does not match its root"),
    ],
)
def test_damage_below_the_root_is_found_on_proving(node: Node, edit: Edit, told: str) -> None:
    damaged = Node(damaged_after(node, edit))
    with pytest.raises(LedgerError, match=told) as raised:
        [ChainProofs(damaged.chain).state(b"twin/%d" % n, 5) for n in range(30)]
    assert raised.value.code is Code.DATA_DAMAGED
    damaged.close()


def test_a_forged_older_value_is_found_on_proving(node: Node) -> None:
    damaged = Node(damaged_after(node, put(replaced_key(b"twin/7", 5), b"forged")))
    with refused(Code.DATA_DAMAGED, "height 4 does not match its root"):
        ChainProofs(damaged.chain).state(b"twin/7", 4)
    damaged.close()


def test_a_lost_list_of_what_is_stale_is_found_on_pruning(node: Node) -> None:
    damaged = Node(damaged_after(node, removed(stale_key(2))), KEPT)
    with refused(Code.DATA_DAMAGED, "height 2 made stale is missing"):
        damaged.commit({})
    damaged.close()
