"""The history tree lies at the paths of c2sp.org/tlog-tiles, and nothing lies anywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.ledger.trees import MemoryHistory
from tests.unit.node.tiles.tlog_client import TlogClient, leaf_hash, root_of, tile_path
from twinledger.consortium.witnesses import Certificate
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_tree import root
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.note import encode_note
from twinledger.node.tiles.answers import Tiles
from twinledger.node.tiles.naming import Tile, number_path

ORIGIN = f"twinledger/{'ab' * 32}"
LOG = SigningKey.load(b"log".ljust(32, b"."))
WITNESS = SigningKey.load(b"witness".ljust(32, b"."))
WITNESS_LINE = cosign(WITNESS, "maker/maker-1", Checkpoint(ORIGIN, 1, bytes(32)), 1000).line(
    WITNESS.public_key
)
SIZE = 66_000
LEAVES = [b"header %d" % number for number in range(SIZE)]


@pytest.fixture(scope="module")
def history() -> MemoryHistory:
    return MemoryHistory.of(LEAVES)


def tiles(history: MemoryHistory, certified: int) -> Tiles:
    """The tiles of a node that certified so many of its blocks."""
    head = Checkpoint(ORIGIN, certified, root(history, certified))
    certificate = Certificate(head, (), encode_note(head.encode(), [WITNESS_LINE]))
    chain: Any = SimpleNamespace(trees=history, header_bytes=LEAVES.__getitem__)
    return Tiles(chain, LOG, lambda: certificate)


@contextmanager
def refused(code: Code) -> Iterator[None]:
    with pytest.raises(LedgerError) as raised:
        yield
    assert raised.value.code is code


def client(found: Tiles) -> TlogClient:
    return TlogClient(lambda path: found.answer(path).content, ORIGIN, LOG.public_key)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 1000, 65_535, 65_536, 65_537, SIZE])
def test_a_client_finds_the_root_of_the_checkpoint_in_the_tiles(
    history: MemoryHistory, size: int
) -> None:
    log = client(tiles(history, size))
    found, expected = log.checkpoint()
    assert found == size
    assert log.root(size) == expected


def test_the_entries_are_the_headers_whose_hashes_the_tiles_have(history: MemoryHistory) -> None:
    log = client(tiles(history, 700))
    assert log.entries(700) == LEAVES[:700]
    assert [leaf_hash(entry) for entry in log.entries(700)] == log.hashes(0, 700)


def test_a_tile_is_the_same_whatever_was_certified_when_it_was_asked_for(
    history: MemoryHistory,
) -> None:
    for path in ("tile/0/000.p/7", "tile/1/000.p/2", "tile/entries/001", "tile/entries/001.p/9"):
        answers = [tiles(history, size).answer(path) for size in (700, 5000, SIZE)]
        assert answers[0].immutable
        assert answers.count(answers[0]) == 3


def test_nothing_is_served_beyond_what_is_certified(history: MemoryHistory) -> None:
    found = tiles(history, 600)
    assert len(found.answer("tile/0/002.p/88").content) == 88 * 32
    for path in ("tile/0/002.p/89", "tile/0/002", "tile/0/003.p/1", "tile/1/000.p/3", "tile/2/000"):
        with refused(Code.TILE_NOT_FOUND):
            found.answer(path)
    with refused(Code.TILE_NOT_FOUND):
        found.answer("tile/entries/002.p/89")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "Checkpoint",
        "checkpoint/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/",
        "tile/0/x000/000",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/" + "x999/" * 40 + "999",
        "tile/entries/../checkpoint",
        "tile/0/\u0660\u0660\u0660",
    ],
)
def test_a_path_that_is_not_exactly_a_tile_s_is_none(history: MemoryHistory, path: str) -> None:
    with refused(Code.TILE_NOT_FOUND):
        tiles(history, SIZE).answer(path)


def test_before_the_first_certificate_there_is_no_log() -> None:
    found = Tiles(cast("Any", None), LOG, lambda: None)
    with refused(Code.NOT_CERTIFIED):
        found.answer("checkpoint")


@pytest.mark.parametrize("number", [0, 7, 999, 1000, 67_000, 1_234_067, 999_999_999, 10**15])
def test_a_number_is_written_in_groups_of_three_digits(number: int) -> None:
    assert tile_path("0", number, 256) == f"tile/0/{number_path(number)}"
    assert Tile.parse(f"tile/0/{number_path(number)}") == Tile(0, number, 256)
    assert number_path(1_234_067) == "x001/x234/067"


def test_the_client_of_these_tests_hashes_as_the_ledger_does(history: MemoryHistory) -> None:
    assert root_of([leaf_hash(leaf) for leaf in LEAVES[:300]]) == root(history, 300)
