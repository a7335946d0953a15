"""What a snapshot carries of a chain: records as they stand in it, of five kinds, in their order.

All else in a chain follows from them and is made again by whoever installs it: the trees, the
places of transactions, and who points to a twin.
"""

from collections.abc import Iterator
from typing import Final

from twinledger.consortium.governed import load_configuration
from twinledger.consortium.members import Consortium
from twinledger.ledger.errors import invariant
from twinledger.ledger.limits import RANGES
from twinledger.storage.chain_reader import ChainReader
from twinledger.storage.chain_records import after_prefix, consortium_key, header_key, receipts_key
from twinledger.storage.log_records import Position
from twinledger.storage.snapshot_files import SnapshotFiles, SnapshotFolder
from twinledger.storage.snapshot_format import Manifest, Pair

CONSORTIUMS: Final = b"c"
HEADERS: Final = b"h"
RECEIPTS: Final = b"r"
STATE: Final = b"s"
UPDATES: Final = b"u"
KINDS: Final = frozenset({CONSORTIUMS, HEADERS, RECEIPTS, STATE, UPDATES})


def content(chain: ChainReader, window: range) -> Iterator[Pair]:
    """Yield the records that a snapshot carries; `window` is the blocks whose receipts it does."""
    view = chain.view
    yield from view.scan(CONSORTIUMS, consortium_key(window.stop))
    yield from view.scan(HEADERS, header_key(window.stop))
    yield from view.scan(receipts_key(window.start), receipts_key(window.stop))
    yield from view.scan(STATE, after_prefix(STATE))
    yield from view.scan(UPDATES, after_prefix(UPDATES))


def remembered(chain: ChainReader, height: int) -> range:
    """Return the blocks up to a height whose transactions' ids must be remembered after it.

    A transaction expires at most `max_lifetime_us` after the time of its block, as that limit was
    then; so the greatest counts that was in force within the widest there can be.
    """
    widest = _younger(chain, height, RANGES["max_lifetime_us"][1])
    start, stop = consortium_key(widest.start + 1), consortium_key(height + 1)
    leaves = [chain.consortium_at(widest.start), *(raw for _, raw in chain.view.scan(start, stop))]
    lifetime_us = max(Consortium.decode(leaf).limits.max_lifetime_us for leaf in leaves)
    return _younger(chain, height, lifetime_us)


def _younger(chain: ChainReader, height: int, age_us: int) -> range:
    oldest_us = chain.header(height).time_us - age_us
    low, high = 0, height
    while low < high:  # block times never fall
        middle = (low + high) // 2
        if chain.header(middle).time_us < oldest_us:
            low = middle + 1
        else:
            high = middle
    return range(low, height + 1)


def take_snapshot(
    folder: SnapshotFolder, chain: ChainReader, chain_id: bytes, place: Position
) -> SnapshotFiles:
    """Take a snapshot of a chain that is held fast at one height.

    Args:
        folder: Where it is kept.
        chain: The chain, pinned.
        chain_id: Its id.
        place: Of the log entry of its newest block.

    Raises:
        StorageFailure: the disk refused.
    """
    height = place.index
    invariant(chain.applied_height == height, "a snapshot is of the height it says")
    window = remembered(chain, height)
    header_hash, configuration = chain.header(height).hash(), load_configuration(chain).encode()
    unfinished = Manifest(
        chain_id, height, place.term, place.hash, header_hash, configuration, 0, ()
    )
    return folder.make(content(chain, window), unfinished)
