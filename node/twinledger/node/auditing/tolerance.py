"""What a node's chain may have that executing from a snapshot does not lead to, and the reverse.

A node that has let old blocks go, or has come on by a snapshot itself, is audited from its newest
snapshot on. What older blocks left in its chain is not made again then: it may be there. Pages of
the trees are named by the blocks that wrote them, so older ones differ wherever a tree was made
anew: the newest trees are held against their roots instead, and in what later blocks wrote, every
older page counts as written by the block it was begun from.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from twinledger.ledger.errors import LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.state_tree_page import Page
from twinledger.node.auditing.findings import Finding
from twinledger.storage.chain_proofs import ChainProofs
from twinledger.storage.chain_reader import ChainReader
from twinledger.storage.chain_records import RECEIPTS_FROM_KEY, decode_list, header_key
from twinledger.storage.chain_tree_records import OLDEST_KEY, page_key, read_page_key
from twinledger.storage.chain_trees import PageCache
from twinledger.storage.database import View
from twinledger.storage.no_bodies import NoBodies
from twinledger.storage.record_names import name_record
from twinledger.twins.state_keys import leaf_place

_PAGE, _STALE = b"n", b"g"
_OF_TREES = (_PAGE, _STALE)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Judges single records.

    Attributes:
        expected: The chain that was made again.
        start: The height it was begun from; 0 for genesis.
        receipts_from: The oldest height whose receipts the node says it keeps.
    """

    expected: View
    start: int
    receipts_from: int

    def allows(self, key: bytes, value: bytes | None, record: bytes | None) -> bool:
        """Whether a difference is none: what must be there and what is, None for nothing."""
        kind, height = key[:1], name_record(key, value or record or b"").height
        old = height is not None and height <= self.start
        if key == RECEIPTS_FROM_KEY:
            return True  # what it says is held against the receipts themselves
        if kind == b"r":
            return self._receipts(height or 0, value, record)
        if self.start == 0:
            return False
        if kind in _OF_TREES and not old:
            return self._renamed(kind, value) == self._renamed(kind, record)
        return kind in _OF_TREES or key == OLDEST_KEY or (old and value is None and kind in b"to")

    def _renamed(self, kind: bytes, record: bytes | None) -> object:
        """What a block wrote of the trees, older pages being named by the start."""
        if record is None:
            return None
        try:
            if kind == _PAGE:
                return Page.decode(record).renamed(self._height)
            return sorted(map(self._key, decode_list(record)))
        except LedgerError:
            return record  # neither: it equals nothing

    def _key(self, key: bytes) -> bytes:
        page = read_page_key(key)
        if page is None:
            return key
        return page_key(page._replace(height=self._height(page.height)))

    def _height(self, height: int) -> int:
        return max(height, self.start)

    def _receipts(self, height: int, value: bytes | None, record: bytes | None) -> bool:
        if record is None:
            return height < self.receipts_from
        if value is not None or height > self.start:
            return False
        header = self.expected.get(header_key(height))
        if header is None:
            return False
        return tree_hash(decode_list(record)) == BlockHeader.decode(header).receipts_root


def tree_faults(expected: View, found: View, height: int) -> Iterator[Finding]:
    """Hold the trees that a node has against the state that must be in them.

    Yields a finding for each key whose proof does not lead to the root.
    """
    state = ChainReader(expected, NoBodies(), PageCache())
    proofs = ChainProofs(ChainReader(found, NoBodies(), PageCache()))
    for key, _ in state.scan(b""):
        place = leaf_place(key)
        try:
            if place is None:
                proofs.state(key, height)
            else:
                proofs.twin_property(place.twin_id, place.key, height)
        except LedgerError as error:
            yield Finding(height, "chain", f"the tree of '{key.decode()}'", error.detail)
