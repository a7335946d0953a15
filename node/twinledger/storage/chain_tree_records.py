"""How the Merkle trees look in the chain's LevelDB. Big endian; a key's first byte is its kind.

g height u64                the keys of what that block made stale: each with its length u32
m level u8, number u64      history tree: the hash of a complete subtree
n height u64, TWIN, 0x00, hex digits   a page of the state tree (without TWIN) or of a twin's tree,
                            by the block that wrote it and by its path
o KEY 0x00 height u64       the value at KEY of the agreed state until the block of that height
p                           the oldest height whose state can be proven: u64
"""

import struct
from typing import Final

from twinledger.ledger.history_tree import Place
from twinledger.ledger.state_tree_page import PageKey
from twinledger.storage.chain_records import after_prefix

OLDEST_KEY: Final = b"p"

_NUMBERED: Final = struct.Struct(">cQ")
_REPLACED: Final = b"o"
_SUFFIX: Final = _NUMBERED.size
_PLACE: Final = struct.Struct(">cBQ")


def page_key(key: PageKey) -> bytes:
    """Return the key of a page. Heights come first, so that new pages lie together at the end."""
    return _NUMBERED.pack(b"n", key.height) + key.tree + b"\0" + key.prefix


def read_page_key(key: bytes) -> PageKey | None:
    """Return which page a key is of; None for other kinds of keys."""
    if not key.startswith(b"n") or len(key) <= _NUMBERED.size:
        return None
    _, height = _NUMBERED.unpack_from(key)
    tree, _, prefix = key[_NUMBERED.size :].partition(b"\0")
    return PageKey(height, prefix, tree)


def history_key(place: Place) -> bytes:
    """Return the key of a complete subtree of the history tree."""
    return _PLACE.pack(b"m", place.level, place.number)


def stale_key(height: int) -> bytes:
    """Return the key of the list of what a block made stale."""
    return _NUMBERED.pack(b"g", height)


def replaced_key(key: bytes, height: int) -> bytes:
    """Return the key of the value that a block replaced."""
    return _REPLACED + key + _NUMBERED.pack(b"\0", height)


def replaced_range(prefix: bytes) -> tuple[bytes, bytes]:
    """Return where the replaced values of all keys that begin with a prefix lie."""
    start = _REPLACED + prefix
    return start, after_prefix(start)


def is_replaced(key: bytes) -> bool:
    """Whether a key is that of a replaced value."""
    return key.startswith(_REPLACED)


def split_replaced(key: bytes) -> tuple[bytes, int]:
    """Return which key of the state had the replaced value, and until the block of which height."""
    return key[1:-_SUFFIX], int.from_bytes(key[1 - _SUFFIX :], "big")
