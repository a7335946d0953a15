"""What execution and the services rely on: blocks, state and indexes, all of one height."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.storage.executing import Node, execution, genesis, receipt, transaction_id
from tests.unit.storage.writing import create_log, open_log
from twinledger.consensus import EntryKind
from twinledger.execution.results import StateReader
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage import chain_store
from twinledger.storage.chain_records import Location, UpdatePlace, after_prefix
from twinledger.storage.chain_store import ChainStore
from twinledger.storage.database import Changes, Database


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node.create(tmp_path)
    yield made
    made.close()


def test_a_new_chain_is_of_no_height(tmp_path: Path) -> None:
    create_log(tmp_path)
    log = open_log(tmp_path)
    ChainStore.create(tmp_path / "chain")
    chain = ChainStore.open(tmp_path / "chain", log)
    assert chain.applied_height is None
    with pytest.raises(LedgerError) as raised:
        chain.header(0)
    assert raised.value.code is Code.BLOCK_NOT_FOUND
    chain.close()
    log.close()


def test_a_block_is_read_as_it_was_executed(node: Node) -> None:
    block = node.commit({b"twin/p": b"1"}, [("p", 1)], transactions=2, payload=b"the body")
    node = node.restarted()
    stored = node.chain.block(1)
    assert stored.header == block.header_bytes
    assert (stored.kind, stored.payload) == (EntryKind.BLOCK, b"the body")
    assert stored.receipts == block.receipts
    assert (node.chain.header(1), node.chain.applied_height) == (block.header, 1)
    assert node.chain.get(b"twin/p") == b"1"
    node.close()


def test_who_sees_where_a_transaction_stands_can_read_its_block(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers on other threads may come right after the write, before anything else is updated."""
    write, read = Database.write, []

    def write_and_read(database: Database, changes: Changes, *, sync: bool) -> None:
        write(database, changes, sync=sync)
        location = node.chain.location(transaction_id(1, 0))
        if location is not None:
            read.append(node.chain.block(location.height).payload)

    monkeypatch.setattr(Database, "write", write_and_read)
    node.commit({}, transactions=1, payload=b"the body")
    assert read == [b"the body"]


def test_genesis_is_a_block_without_a_body(node: Node) -> None:
    stored = node.chain.block(0)
    assert (stored.header, stored.payload, stored.receipts) == (genesis().header_bytes, b"", ())


@pytest.mark.parametrize("height", [-1, 2, 2**63])
def test_a_block_beyond_the_chain_is_not_found(node: Node, height: int) -> None:
    node.commit({})
    with pytest.raises(LedgerError) as raised:
        node.chain.block(height)
    assert raised.value.code is Code.BLOCK_NOT_FOUND


def test_the_state_is_what_the_last_write_said(node: Node) -> None:
    reader: StateReader = node.chain
    node.commit({b"twin/a": b"1", b"twin/b": b"1"})
    node.commit({b"twin/a": b"2", b"twin/b": None, b"twin/c": b"1"})
    assert (reader.get(b"twin/a"), reader.get(b"twin/b")) == (b"2", None)
    assert list(reader.scan(b"twin/")) == [(b"twin/a", b"2"), (b"twin/c", b"1")]


def test_a_scan_keeps_to_its_prefix(node: Node) -> None:
    node.commit(dict.fromkeys([b"twi", b"twin", b"twin/", b"twin/\xff\xff", b"twin0", b"u"], b""))
    assert [key for key, _ in node.chain.scan(b"twin/")] == [b"twin/", b"twin/\xff\xff"]
    assert next(key for key, _ in node.chain.scan(b"")) == b"consortium"
    assert len(list(node.chain.scan(b""))) == 7


def test_a_scan_goes_on_after_a_key(node: Node) -> None:
    node.commit(dict.fromkeys([b"twin/a", b"twin/b", b"twin/c", b"twine"], b""))
    assert [k for k, _ in node.chain.scan_after(b"twin/", b"twin/a")] == [b"twin/b", b"twin/c"]
    assert next(k for k, _ in node.chain.scan_after(b"twin/", b"")) == b"twin/a"
    assert list(node.chain.scan_after(b"twin/", b"twin/c")) == []


@pytest.mark.parametrize(
    ("prefix", "above"),
    [(b"a", b"b"), (b"ab", b"ac"), (b"a\xff", b"b"), (b"sa\xff\xff", b"sb"), (b"u\0", b"u\1")],
)
def test_the_least_key_above_a_prefix(prefix: bytes, above: bytes) -> None:
    assert after_prefix(prefix) == above


def test_a_transaction_is_found_where_it_was_used_up(node: Node) -> None:
    node.commit({})
    node.commit({}, transactions=3)
    assert node.chain.location(transaction_id(2, 1)) == Location(2, 1)
    assert node.chain.seen(transaction_id(2, 2))
    assert node.chain.location(transaction_id(2, 3)) is None
    assert not node.chain.seen(transaction_id(2, 3))


def test_the_updates_of_a_twin_are_found_in_order_and_by_page(node: Node) -> None:
    node.commit({}, [("p", 1), ("pump", 1), ("p", 2)])
    for version in range(3, 300):
        node.commit({}, [("p", version)])
    places = node.chain.updates("p", 0, 1000)
    assert [place.version for place in places] == list(range(1, 300))
    assert places[:3] == (
        UpdatePlace(1, 1, 0, 0, transaction_id(1, 0)),
        UpdatePlace(2, 1, 0, 2, transaction_id(1, 0)),
        UpdatePlace(3, 2, 0, 0, transaction_id(2, 0)),
    )
    assert node.chain.updates("p", 255, 2) == (
        UpdatePlace(256, 255, 0, 0, transaction_id(255, 0)),
        UpdatePlace(257, 256, 0, 0, transaction_id(256, 0)),
    )
    assert node.chain.updates("p", 299, 10) == ()
    assert node.chain.updates("q", 0, 10) == ()


def test_relationships_are_found_from_their_targets(node: Node) -> None:
    node.commit(
        {
            b"relationship/pump-1/feeds/tank": b"origin",
            b"relationship/pump-2/feeds/tank": b"origin",
            b"relationship/pump-2/drains/tank": b"origin",
            b"relationship/pump-2/feeds/tank-2": b"origin",
        }
    )
    assert list(node.chain.incoming("tank")) == [
        ("drains", "pump-2"),
        ("feeds", "pump-1"),
        ("feeds", "pump-2"),
    ]
    node.commit({b"relationship/pump-1/feeds/tank": None})
    assert list(node.chain.incoming("tank")) == [("drains", "pump-2"), ("feeds", "pump-2")]
    assert list(node.chain.incoming("tank-2")) == [("feeds", "pump-2")]
    assert list(node.chain.incoming("pump-1")) == []


def test_a_snapshot_stays_at_its_height(node: Node) -> None:
    node.commit({b"twin/p": b"1"}, [("p", 1)])
    with node.chain.snapshot() as snapshot:
        node.commit({b"twin/p": b"2", b"relationship/a/b/p": b""}, [("p", 2)])
        assert (snapshot.applied_height, node.chain.applied_height) == (1, 2)
        assert snapshot.get(b"twin/p") == b"1"
        assert list(snapshot.scan(b"twin/")) == [(b"twin/p", b"1")]
        assert len(snapshot.updates("p", 0, 10)) == 1
        assert list(snapshot.incoming("p")) == []
        assert snapshot.location(transaction_id(2, 0)) is None
        assert snapshot.block(1).payload == b"body"
        with pytest.raises(LedgerError):
            snapshot.block(2)


def test_snapshots_are_bounded_and_closing_makes_room(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_store, "MAX_SNAPSHOTS", 2)
    node = node.restarted()
    first, second = node.chain.snapshot(), node.chain.snapshot()
    with pytest.raises(LedgerError) as raised:
        node.chain.snapshot()
    assert raised.value.code is Code.OVERLOADED
    first.close()
    first.close()
    third = node.chain.snapshot()
    with pytest.raises(LedgerError):
        node.chain.snapshot()
    second.close()
    third.close()
    node.close()


def test_a_block_is_one_batch_and_is_not_synced(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = list[bool]()
    write = node.chain._database.write

    def noting(changes: Changes, *, sync: bool) -> None:
        batches.append(sync)
        write(changes, sync=sync)

    monkeypatch.setattr(node.chain._database, "write", noting)
    node.commit({b"twin/p": b"1"}, [("p", 1)])
    assert batches == [False]


def test_a_block_out_of_order_is_refused(node: Node) -> None:
    head = node.chain.header(0).hash()
    with pytest.raises(LedgerError, match="in order"):
        node.chain.apply(execution(2, 1, head, {}))
    with pytest.raises(LedgerError, match="hang together"):
        node.chain.apply(execution(1, 1, bytes(32), {}))
    node.commit({})
    with pytest.raises(LedgerError, match="in order"):
        node.chain.apply(genesis())
    assert node.chain.applied_height == 1


def test_receipts_of_any_number_and_size_come_back(node: Node) -> None:
    node.commit({}, [("p" * 100, 1)] * 50, transactions=40)
    node.commit({}, transactions=0)
    assert node.chain.receipts(1)[39] == receipt(1, 39, [("p" * 100, 1)] * 50)
    assert node.chain.receipts(2) == ()
