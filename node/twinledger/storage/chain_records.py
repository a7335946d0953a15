"""How blocks and state look in the chain's LevelDB. Big endian; a key's first byte is its kind.

a                           applied height: u64
b                           the oldest height whose receipts are kept: u64, nothing for 0
c height u64                the consortium's leaf after a block that changed it
h height u64                header: its 185 bytes
i TARGET / NAME / SOURCE    empty: a relationship, found from its target
r height u64                receipts: for each one its length u32 and its bytes
s KEY                       agreed state: the canonical value at KEY
t transaction id 32         where it used its id up: height u64, index u32
u TWIN 0x00 version u64     the update to that version: height u64, transaction u32, operation u32,
                            transaction id 32: with it a history is proven without its blocks

`chain_tree_records` has those of the trees.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from twinledger.consortium.members import CONSORTIUM_KEY
from twinledger.execution.results import Execution
from twinledger.storage.damage import REBUILD_CHAIN, damaged

APPLIED_KEY: Final = b"a"
RECEIPTS_FROM_KEY: Final = b"b"
STATE_PREFIX: Final = b"s"
RELATIONSHIPS: Final = b"relationship/"

_HEIGHT: Final = struct.Struct(">Q")
_NUMBERED: Final = struct.Struct(">cQ")
_LOCATION: Final = struct.Struct(">QI")
_UPDATE: Final = struct.Struct(">QII32s")
_LENGTH: Final = struct.Struct(">I")

Change = tuple[bytes, bytes | None]


class Location(NamedTuple):
    """Where a transaction stands."""

    height: int
    transaction_index: int


class UpdatePlace(NamedTuple):
    """Where the update that made a version of a twin stands."""

    version: int
    height: int
    transaction_index: int
    operation_index: int
    transaction_id: bytes


def header_key(height: int) -> bytes:
    """Return the key of a header."""
    return _NUMBERED.pack(b"h", height)


def consortium_key(height: int) -> bytes:
    """Return the key of the consortium's leaf after a block that changed it."""
    return _NUMBERED.pack(b"c", height)


def receipts_key(height: int) -> bytes:
    """Return the key of a block's receipts."""
    return _NUMBERED.pack(b"r", height)


def transaction_key(transaction_id: bytes) -> bytes:
    """Return the key of a transaction's location."""
    return b"t" + transaction_id


def incoming_prefix(target_id: str) -> bytes:
    """Return what the keys of all relationships to a twin begin with."""
    return f"i{target_id}/".encode()


def incoming_key(relationship: bytes) -> bytes:
    """Return the key under which a relationship, given by its key in the state, is found back."""
    _, source, name, target = relationship.split(b"/")
    return b"i" + b"/".join((target, name, source))


def updates_prefix(twin_id: str) -> bytes:
    """Return what the keys of all updates of a twin begin with. No id holds a zero byte."""
    return f"u{twin_id}\0".encode()


def update_key(twin_id: str, version: int) -> bytes:
    """Return the key of one update of a twin."""
    return updates_prefix(twin_id) + _HEIGHT.pack(version)


def after_prefix(prefix: bytes) -> bytes:
    """Return the least key above all that begin with a prefix whose first byte is ASCII."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1])


def changes_of(execution: Execution) -> Iterator[Change]:
    """Yield everything of one block, to be written as one batch."""
    height = execution.header.height
    yield APPLIED_KEY, _HEIGHT.pack(height)
    yield header_key(height), execution.header_bytes
    yield receipts_key(height), encode_list(execution.receipts)
    for key, value in execution.writes.items():
        yield STATE_PREFIX + key, value
        if key == CONSORTIUM_KEY:
            yield consortium_key(height), value
        if key.startswith(RELATIONSHIPS):
            yield incoming_key(key), None if value is None else b""
    ids = {index: transaction_id for transaction_id, index in execution.consumed}
    for index, transaction_id in ids.items():
        yield transaction_key(transaction_id), encode_location(Location(height, index))
    for update in execution.updates:
        index = update.transaction_index
        place = _UPDATE.pack(height, index, update.operation_index, ids[index])
        yield update_key(update.twin_id, update.version), place


def encode_list(items: Iterable[bytes]) -> bytes:
    """Return a block's receipts, or other bytes, as one record."""
    return b"".join([_LENGTH.pack(len(item)) + item for item in items])


def decode_list(record: bytes) -> tuple[bytes, ...]:
    """Return the items of a record; a damaged one gives others, which their root tells."""
    items = list[bytes]()
    start = 0
    while start + _LENGTH.size <= len(record):
        (length,) = _LENGTH.unpack_from(record, start)
        start += _LENGTH.size
        items.append(record[start : start + length])
        start += length
    return tuple(items)


def encode_height(height: int) -> bytes:
    """Return a height as a record."""
    return _HEIGHT.pack(height)


def decode_height(record: bytes) -> int:
    """Return the height of a record.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    return _unpacked(_HEIGHT, record)[0]


def encode_location(location: Location) -> bytes:
    """Return a transaction's location as a record."""
    return _LOCATION.pack(*location)


def decode_location(record: bytes) -> Location:
    """Return the location of a record.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    return Location(*_unpacked(_LOCATION, record))


def decode_update(key: bytes, record: bytes) -> UpdatePlace:
    """Return the place of an update.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    (version,) = _unpacked(_HEIGHT, key[-_HEIGHT.size :])
    try:
        height, index, operation, transaction_id = _UPDATE.unpack(record)
    except struct.error as error:
        raise damaged("The place of an update is not readable", REBUILD_CHAIN) from error
    return UpdatePlace(version, height, index, operation, transaction_id)


def _unpacked(layout: struct.Struct, record: bytes) -> tuple[int, ...]:
    try:
        return layout.unpack(record)
    except struct.error as error:
        raise damaged("A record of the chain is not readable", REBUILD_CHAIN) from error
