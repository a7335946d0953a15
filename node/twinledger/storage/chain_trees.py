"""Reads of the Merkle trees as a view of the database shows them, and the pages kept in memory."""

from itertools import islice
from threading import Lock
from typing import Final

from twinledger.ledger.errors import LedgerError
from twinledger.ledger.history_tree import Place
from twinledger.ledger.state_tree_page import Page, PageKey
from twinledger.storage.chain_records import STATE_PREFIX, after_prefix, decode_height, decode_list
from twinledger.storage.chain_tree_records import (
    OLDEST_KEY,
    history_key,
    is_replaced,
    page_key,
    replaced_key,
    replaced_range,
    split_replaced,
    stale_key,
)
from twinledger.storage.damage import REBUILD_CHAIN, damaged
from twinledger.storage.database import View

UPPER_DIGITS: Final = 3
"""The pages of so many digits or fewer are the upper ones: 4369 of them in a large tree."""
MAX_PAGES: Final = 6144
"""Kept in memory of upper pages, and again of lower ones: some 3 KiB each at most."""
_LAST_HEIGHT: Final = 2**64 - 1


class PageCache:
    """Pages of the trees, the latest written or read. Any thread may use it.

    A page never changes under its key, so one cache serves every view of the database. The upper
    pages of the state tree, which all blocks share, have room of their own: else many changes far
    apart in a large tree would crowd them out, or changes of many twins.
    """

    def __init__(self, max_pages: int = MAX_PAGES) -> None:
        """`max_pages` is how many are kept, of the upper and of the lower ones."""
        self._upper: dict[PageKey, Page] = {}
        self._lower: dict[PageKey, Page] = {}
        self._max_pages = max_pages
        self._lock = Lock()

    def get(self, key: PageKey) -> Page | None:
        """Return a page that is kept."""
        return self._beside(key).get(key)

    def keep(self, key: PageKey, page: Page) -> None:
        """Keep a page; the one kept first goes."""
        pages = self._beside(key)
        with self._lock:
            if len(pages) >= self._max_pages:
                pages.pop(next(iter(pages)))
            pages[key] = page

    def drop(self, key: PageKey) -> None:
        """Let a page go that no later block will read."""
        with self._lock:
            self._beside(key).pop(key, None)

    def _beside(self, key: PageKey) -> dict[PageKey, Page]:
        is_upper = not key.tree and len(key.prefix) <= UPPER_DIGITS
        return self._upper if is_upper else self._lower


class ChainTrees:
    """All the trees. Implements the ledger's PageReader and HistoryReader.

    Any method raises LedgerError DATA_DAMAGED for what is not there or does not read back, and
    StorageFailure when the disk gives nothing.
    """

    def __init__(self, view: View, cache: PageCache) -> None:
        """`cache` is shared by all views of one database."""
        self._view = view
        self._cache = cache

    @property
    def oldest_height(self) -> int:
        """The oldest height whose state can be proven."""
        return decode_height(self._view.get(OLDEST_KEY) or b"")

    def tree_page(self, key: PageKey) -> Page:
        """Return a page of the state tree or of a twin's."""
        page = self._cache.get(key)
        if page is None:
            page = self._stored_page(key)
            self._cache.keep(key, page)
        return page

    def _stored_page(self, key: PageKey) -> Page:
        record = self._view.get(page_key(key))
        if record is None:
            raise damaged(f"{_told(key)} is missing", REBUILD_CHAIN)
        try:
            return Page.decode(record)
        except LedgerError as error:
            raise damaged(f"{_told(key)} is not readable", REBUILD_CHAIN) from error

    def history_hash(self, place: Place) -> bytes:
        """Return the hash of a complete subtree of the history tree."""
        record = self._view.get(history_key(place))
        if record is None or len(record) != 32:  # noqa: PLR2004 - a hash
            told = f"The history tree's hash {place.number} of level {place.level} is missing"
            raise damaged(told, REBUILD_CHAIN)
        return record

    def replaced_keys(self, height: int) -> tuple[bytes, ...]:
        """Return the keys of the state whose values a block changed or removed, if still listed."""
        record = self._view.get(stale_key(height))
        stale = decode_list(record) if record is not None else ()
        return tuple([split_replaced(key)[0] for key in stale if is_replaced(key)])

    def value_at(self, key: bytes, height: int) -> bytes | None:
        """Return the value that a key of the state had after a height that is kept.

        Only of a key that was there: what a block created is not noted as replaced by it.
        """
        later = self._view.scan(replaced_key(key, height + 1), replaced_key(key, _LAST_HEIGHT))
        for _, value in islice(later, 1):
            return value
        return self._view.get(STATE_PREFIX + key)

    def values_at(self, prefix: bytes, height: int) -> dict[bytes, bytes]:
        """Return the values of all keys with a prefix that may have had one after a kept height.

        A key that a later block created is among them: only its value tells.
        """
        found: dict[bytes, bytes] = {}
        for record_key, value in self._view.scan(*replaced_range(prefix)):
            key, until = split_replaced(record_key)
            if until > height:
                found.setdefault(key, value)
        start = STATE_PREFIX + prefix
        for record_key, value in self._view.scan(start, after_prefix(start)):
            found.setdefault(record_key[len(STATE_PREFIX) :], value)
        return found


def _told(key: PageKey) -> str:
    return key.shown[0].upper() + key.shown[1:]
