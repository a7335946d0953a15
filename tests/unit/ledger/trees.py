"""Naive models of both trees, and readers that keep everything in a dict."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from twinledger.ledger.history_tree import Place, append
from twinledger.ledger.state_tree import Change, TreeUpdate, update, update_leaves
from twinledger.ledger.state_tree_page import Branch, Page, PageKey


def naive_root(leaves: Mapping[bytes, bytes], depth: int = 0) -> bytes:
    """The root that docs/formats defines for a map of paths to value hashes."""
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        ((path, value_hash),) = leaves.items()
        return sha256(b"twinledger/v1/state-leaf\0" + path + value_hash).digest()
    halves: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
    for path, value_hash in leaves.items():
        halves[path[depth // 8] >> (7 - depth % 8) & 1][path] = value_hash
    left, right = (naive_root(half, depth + 1) for half in halves)
    return sha256(b"twinledger/v1/state-node\0" + left + right).digest()


def naive_state_root(state: Mapping[bytes, bytes]) -> bytes:
    """The same for a map of keys to values."""
    return naive_root(
        {
            sha256(b"twinledger/v1/state-path\0" + key).digest(): sha256(
                b"twinledger/v1/state-value\0" + value
            ).digest()
            for key, value in state.items()
        }
    )


@dataclass
class MemoryPages:
    """The pages of a chain's state trees, and what was read of them."""

    pages: dict[PageKey, Page] = field(default_factory=dict)
    newest: Branch | None = None
    reads: list[PageKey] = field(default_factory=list)

    def tree_page(self, key: PageKey) -> Page:
        self.reads.append(key)
        return self.pages[key]

    def change(self, changes: Mapping[bytes, bytes | None]) -> TreeUpdate:
        return self._take(update(self, self.newest, self._height, changes))

    def change_leaves(self, changes: Iterable[Change]) -> TreeUpdate:
        return self._take(update_leaves(self, self.newest, self._height, list(changes)))

    @property
    def _height(self) -> int:
        return self.newest.height + 1 if self.newest else 0

    def _take(self, done: TreeUpdate) -> TreeUpdate:
        self.newest = Branch(done.root, self._height)
        # As the database keeps them: a page comes back from its bytes.
        self.pages |= {key: Page.decode(page.encode()) for key, page in done.pages.items()}
        return done

    @property
    def root(self) -> Branch:
        assert self.newest is not None
        return self.newest


@dataclass
class MemoryHistory:
    """A history tree, and how often it was read."""

    hashes: dict[Place, bytes] = field(default_factory=dict)
    size: int = 0
    reads: int = 0

    @classmethod
    def of(cls, leaves: Iterable[bytes]) -> "MemoryHistory":
        tree = cls()
        for leaf in leaves:
            tree.append(leaf)
        tree.reads = 0
        return tree

    def history_hash(self, place: Place) -> bytes:
        self.reads += 1
        return self.hashes[place]

    def append(self, leaf: bytes) -> dict[Place, bytes]:
        added = append(self, self.size, leaf)
        assert not added.keys() & self.hashes.keys()
        self.hashes |= added
        self.size += 1
        return added
