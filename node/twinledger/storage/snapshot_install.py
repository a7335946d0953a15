"""Makes a chain of a snapshot, and believes nothing of it that does not follow from its head.

The head is given: its header's hash stands in the manifest, and the caller holds that against a
certified head or against what consensus offered. From it follow, by hash, all headers; from those
the receipts and the state; from the twins' records in the state their properties and histories.
What is left over is refused.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from twinledger.consortium.governed import load_configuration
from twinledger.consortium.members import CONSORTIUM_KEY, consortium_hash
from twinledger.ledger import domains
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader, header_hash
from twinledger.ledger.history_tree import Place, append
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.names import TwinId
from twinledger.ledger.receipt import Receipt
from twinledger.ledger.state_tree import TreeUpdate, update
from twinledger.ledger.state_tree_page import EMPTY, Branch, Page, PageKey
from twinledger.storage.chain_reader import Bodies, ChainReader
from twinledger.storage.chain_records import (
    APPLIED_KEY,
    RECEIPTS_FROM_KEY,
    Change,
    Location,
    UpdatePlace,
    after_prefix,
    consortium_key,
    decode_list,
    decode_update,
    encode_height,
    encode_location,
    header_key,
    incoming_key,
    receipts_key,
    transaction_key,
    updates_prefix,
)
from twinledger.storage.chain_store import CACHE_BYTES
from twinledger.storage.chain_tree_records import OLDEST_KEY, history_key, page_key
from twinledger.storage.chain_trees import PageCache
from twinledger.storage.damage import REBUILD_CHAIN
from twinledger.storage.database import Database, View
from twinledger.storage.snapshot_content import (
    CONSORTIUMS,
    HEADERS,
    KINDS,
    RECEIPTS,
    UPDATES,
    remembered,
)
from twinledger.storage.snapshot_files import SnapshotFiles
from twinledger.storage.snapshot_format import Manifest, Pair, snapshot_invalid
from twinledger.twins.change import history_head
from twinledger.twins.records import Twin, twin_leaf
from twinledger.twins.state_keys import (
    TWINS,
    is_twin_leaf,
    leaf_place,
    properties_prefix,
    relationships_prefix,
)
from twinledger.twins.tree import RELATIONSHIPS, TwinLeaf, update_tree

_BATCH: Final = 2000
"""Records written, and leaves put into a tree, at once."""


def install_chain(path: Path, files: SnapshotFiles, genesis_header: bytes, bodies: Bodies) -> None:
    """Make a chain in a folder that is not there yet; synced when this returns.

    Raises:
        LedgerError: SNAPSHOT_INVALID.
        StorageFailure: the disk refused.
    """
    database = Database(path, REBUILD_CHAIN, create=True, cache_bytes=CACHE_BYTES)
    try:
        _Installation(database, files.manifest, bodies).run(files.pairs(), genesis_header)
    except LedgerError as error:
        if error.code is Code.SNAPSHOT_INVALID:
            raise
        raise snapshot_invalid(error.detail) from error
    except ValueError as error:
        raise snapshot_invalid("a record is not readable") from error
    finally:
        database.close()


class _Installation:
    def __init__(self, database: Database, manifest: Manifest, bodies: Bodies) -> None:
        self._database = database
        self._manifest = manifest
        self._chain = ChainReader(database, bodies, PageCache())
        self._pages = _Pages(database)

    def run(self, pairs: Iterable[Pair], genesis_header: bytes) -> None:
        self._write(self._checked(pairs))
        height = self._manifest.height
        self._write([(APPLIED_KEY, encode_height(height)), (OLDEST_KEY, encode_height(height))])
        self._write(self._history(genesis_header))
        head = self._chain.header(height)
        if self._chain.get(CONSORTIUM_KEY) != self._chain.consortium_at(height):
            raise snapshot_invalid("the consortium is not that of its header")
        self._grow_state_tree(head)
        if load_configuration(self._chain).encode() != self._manifest.configuration:
            raise snapshot_invalid("it names others who order than its state")
        self._grow_twin_trees()
        self._write(self._updates())
        self._write(self._window())
        self._write(self._incoming())
        self._database.write([], sync=True)

    def _write(self, changes: Iterable[Change]) -> None:
        remaining = iter(changes)
        while batch := list(islice(remaining, _BATCH)):
            self._database.write(batch, sync=False)

    def _checked(self, pairs: Iterable[Pair]) -> Iterator[Change]:
        """The records, of the kinds that there are and in the order of their keys."""
        before = b""
        for key, value in pairs:
            if key[:1] not in KINDS or key <= before:
                raise snapshot_invalid(f"the record {key[:64].hex()} has no place in it")
            before = key
            yield key, value

    # Headers.

    def _history(self, genesis_header: bytes) -> Iterator[Change]:
        """Check that the headers hang together from genesis to the head; make their tree."""
        tree, size = _Growing(), 0
        parent = before = b""
        for key, raw in self._database.scan(HEADERS, after_prefix(HEADERS)):
            header = _header(raw)
            follows = raw == genesis_header if size == 0 else header.parent_hash == parent
            if key != header_key(size) or header.height != size or not follows:
                raise snapshot_invalid(f"the header of height {size} does not follow its parent")
            self._check_consortium(header, before)
            parent, before = header_hash(raw), header.consortium_hash
            yield from tree.append(size, raw)
            size += 1
        surplus = self._database.scan(consortium_key(size), after_prefix(CONSORTIUMS))
        if next(surplus, None) is not None:
            raise snapshot_invalid("it has consortiums of blocks that there are not")
        manifest = self._manifest
        if size != manifest.height + 1 or parent != manifest.header_hash:
            raise snapshot_invalid(f"its headers do not lead to height {manifest.height}")
        if header.term != manifest.term:
            raise snapshot_invalid("its log entry is of another term than its header")

    def _check_consortium(self, header: BlockHeader, before: bytes) -> None:
        """A block that changed the consortium has its leaf beside it."""
        leaf = self._database.get(consortium_key(header.height))
        found = before if leaf is None else consortium_hash(leaf)
        if found != header.consortium_hash:
            raise snapshot_invalid(f"the consortium of height {header.height} is another")

    # State.

    def _grow_state_tree(self, head: BlockHeader) -> None:
        """Put the state into a tree, part by part, and hold its root against the head."""
        state = self._chain.scan(b"")
        own = ((key, value) for key, value in state if not is_twin_leaf(key))
        parent: Branch | None = None
        while part := dict(islice(own, _BATCH)):
            done = update(self._pages, parent, head.height, part)
            self._database.write(_page_changes(done), sync=False)
            parent = Branch(done.root, head.height)
        if parent is None or parent.hash != head.state_root:
            raise snapshot_invalid(f"its state is not that of height {head.height}")

    def _grow_twin_trees(self) -> None:
        """Put the properties and relationships of each twin into its tree."""
        placed = 0
        for twin in self._twins():
            leaves = self._leaves(twin.twin_id)
            empty = Branch(EMPTY, 0)
            done = update_tree(self._pages, twin.twin_id, empty, twin.property_height, leaves)
            if (done.root if done else EMPTY) != twin.property_root:
                raise snapshot_invalid(f"the properties of twin {twin.twin_id} are others")
            if done is not None:
                self._database.write(_page_changes(done), sync=False)
            placed += len(leaves)
        if placed != sum(1 for key, _ in self._chain.scan(b"") if is_twin_leaf(key)):
            raise snapshot_invalid("it has properties of twins that there are not")

    def _twins(self) -> Iterator[Twin]:
        for key, raw in self._chain.scan(TWINS):
            yield Twin.decode(TwinId(key[len(TWINS) :].decode()), raw)

    def _leaves(self, twin_id: TwinId) -> dict[bytes, TwinLeaf | None]:
        found: dict[bytes, TwinLeaf | None] = {}
        for prefix in (properties_prefix(twin_id), relationships_prefix(twin_id)):
            for key, raw in self._chain.scan(prefix):
                place = leaf_place(key)
                if place is not None:
                    found[place.key] = twin_leaf(place.key, raw)
        return found

    # Receipts.

    def _window(self) -> Iterator[Change]:
        """Check that the receipts are those of the blocks to remember; place their transactions."""
        height = self._manifest.height
        window = remembered(self._chain, height)
        found = 0
        for expected, (key, record) in zip(
            window, self._database.scan(RECEIPTS, after_prefix(RECEIPTS)), strict=False
        ):
            receipts = decode_list(record)
            if key != receipts_key(expected):
                break
            if tree_hash(receipts) != self._chain.header(expected).receipts_root:
                raise snapshot_invalid(f"the receipts of height {expected} are others")
            found += 1
            for index, receipt in enumerate(map(Receipt.decode, receipts)):
                if receipt.consumed:
                    yield _placed(receipt.transaction_id, expected, index)
        surplus = next(self._database.scan(receipts_key(window.stop), after_prefix(RECEIPTS)), None)
        if found != len(window) or surplus is not None:
            raise snapshot_invalid(f"it lacks receipts of blocks from {window.start} on")
        if window.start:
            yield RECEIPTS_FROM_KEY, encode_height(window.start)

    # Twins.

    def _updates(self) -> Iterator[Change]:
        """Check that each twin's updates lead to its history head; place their transactions."""
        expected = 0
        for twin in self._twins():
            expected += twin.version
            head, version = domains.ZERO_HASH, 0
            for place in self._places(twin.twin_id):
                version += 1
                head = self._next_head(twin.twin_id, head, version, place)
                yield _placed(place.transaction_id, place.height, place.transaction_index)
            if (version, head) != (twin.version, twin.history_head):
                raise snapshot_invalid(f"the history of twin {twin.twin_id} is another")
        if expected != sum(1 for _ in self._database.scan(UPDATES, after_prefix(UPDATES))):
            raise snapshot_invalid("it has updates of twins that there are not")

    def _next_head(self, twin_id: TwinId, head: bytes, version: int, place: UpdatePlace) -> bytes:
        if place.version != version or place.height > self._manifest.height:
            raise snapshot_invalid(f"the history of twin {twin_id} has a gap")
        return history_head(
            head,
            twin_id,
            version,
            place.transaction_id,
            place.operation_index,
            place.height,
            self._chain.header(place.height).time_us,
        )

    def _places(self, twin_id: str) -> Iterator[UpdatePlace]:
        prefix = updates_prefix(twin_id)
        for key, record in self._database.scan(prefix, after_prefix(prefix)):
            yield decode_update(key, record)

    def _incoming(self) -> Iterator[Change]:
        for key, _ in self._chain.scan(RELATIONSHIPS):
            yield incoming_key(key), b""


class _Pages:
    """The pages that were written so far. Not kept: here they are written again and again."""

    def __init__(self, view: View) -> None:
        self._view = view

    def tree_page(self, key: PageKey) -> Page:
        return Page.decode(self._view.get(page_key(key)) or b"")


class _Growing:
    """The history tree while headers come: the last hash of each level is all that is read."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, bytes]] = {}

    def history_hash(self, place: Place) -> bytes:
        number, found = self._last[place.level]
        if number != place.number:
            raise snapshot_invalid("the history tree does not grow in order")
        return found

    def append(self, size: int, raw: bytes) -> Iterator[Change]:
        for place, found in append(self, size, raw).items():
            self._last[place.level] = (place.number, found)
            yield history_key(place), found


def _header(raw: bytes) -> BlockHeader:
    try:
        return BlockHeader.decode(raw)
    except LedgerError as error:
        raise snapshot_invalid("a header is not readable") from error


def _page_changes(update: TreeUpdate) -> Iterator[Change]:
    # What is stale may be written again under the same name: it is deleted first.
    for key in update.stale:
        yield page_key(key), None
    for key, page in update.pages.items():
        yield page_key(key), page.encode()


def _placed(transaction_id: bytes, height: int, index: int) -> Change:
    return transaction_key(transaction_id), encode_location(Location(height, index))
