"""Building the claims that a client reads by: blocks, values of the state, parts of twins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

from twinledger.ledger.names import TwinId
from twinledger.proofs.builder import Builder, disclosed
from twinledger.proofs.claims import (
    BlockClaim,
    PartsClaim,
    ShownLeaf,
    ShownOutcome,
    ShownOutcomes,
    ShownPart,
    ShownValue,
    StateClaim,
    TransactionsClaim,
)
from twinledger.proofs.history_builder import BlockTrees
from twinledger.proofs.sources import UpdatePlace
from twinledger.twins.state_keys import twin_key

PAGE_BYTES: Final = 4 << 20
"""A page of transactions ends when it has so many bytes; a bundle's bound lies above that."""

Readable = Callable[[int, int], bool]
"""Whether a transaction, at a place of a block, may be shown."""


def block_claim(builder: Builder, height: int) -> BlockClaim:
    """A whole block.

    Raises:
        LedgerError: HEIGHT_NOT_REACHED; PRUNED when its body is not kept any more.
    """
    at, chain = builder.certified(height), builder.chain
    return BlockClaim(builder.block(at), tuple(chain.transactions(at)), tuple(chain.receipts(at)))


def state_claim(builder: Builder, keys: Iterable[bytes], height: int | None = None) -> StateClaim:
    """What keys of the state had after a block, the newest certified one by default.

    Raises:
        LedgerError: HEIGHT_NOT_REACHED, PRUNED; BAD_REQUEST for a key of a twin's own tree.
    """
    at = builder.certified(height)
    values = []
    for key in sorted(set(keys)):
        found = builder.chain.state(key, at)
        values.append(ShownValue(key, found.value, found.proof.encode()))
    return StateClaim(builder.block(at), tuple(values))


def parts_claim(
    builder: Builder, wanted: Mapping[TwinId, Iterable[bytes]], height: int | None = None
) -> PartsClaim:
    """Records of twins, and of their trees the leaves at some keys. What is not there is left out.

    Raises:
        LedgerError: HEIGHT_NOT_REACHED, PRUNED.
    """
    at = builder.certified(height)
    twins = []
    for twin_id, keys in sorted(wanted.items()):
        found = builder.chain.state(twin_key(twin_id), at)
        if found.value is not None:
            leaves = _leaves(builder, twin_id, keys, at)
            twins.append(ShownPart(twin_id, found.value, found.proof.encode(), leaves))
    return PartsClaim(builder.block(at), tuple(twins))


def _leaves(
    builder: Builder, twin_id: TwinId, keys: Iterable[bytes], height: int
) -> tuple[ShownLeaf, ...]:
    shown = []
    for key in sorted(set(keys)):
        part = builder.chain.twin_property(twin_id, key, height)
        if part.leaf is not None and part.proof is not None:
            shown.append(ShownLeaf(disclosed([part.leaf])[0], part.proof.encode()))
    return tuple(shown)


def updates_claim(
    builder: Builder, twin_id: TwinId, after_version: int, limit: int, readable: Readable
) -> TransactionsClaim:
    """The transactions of a twin's updates after a version, of as many as fit.

    Those that may not be shown are left out; then the block stands alone.

    Raises:
        LedgerError: PRUNED when a body is not kept any more.
    """
    places = [
        place
        for place in builder.chain.updates(twin_id, after_version, limit)
        if place.height < builder.size
    ]
    blocks: list[ShownOutcomes] = []
    size = 0
    for height, group in groupby(places, key=_height_of):
        shown = _shown(builder, height, (place.transaction_index for place in group), readable)
        blocks.append(shown)
        size += sum(len(each.transaction) + len(each.receipt) for each in shown.transactions)
        if size > PAGE_BYTES:
            break
    # A claim speaks of some block: of the newest when there is nothing to be shown.
    return TransactionsClaim(tuple(blocks) or (_shown(builder, builder.size - 1, (), readable),))


def block_transactions_claim(
    builder: Builder, height: int, indexes: Sequence[int], readable: Readable
) -> TransactionsClaim:
    """Some transactions of a block; without any, its header alone.

    Raises:
        LedgerError: HEIGHT_NOT_REACHED; PRUNED when its body is not kept any more.
    """
    at = builder.certified(height)
    return TransactionsClaim((_shown(builder, at, indexes, readable),))


def _shown(
    builder: Builder, height: int, indexes: Iterable[int], readable: Readable
) -> ShownOutcomes:
    wanted = sorted({index for index in indexes if readable(height, index)})
    outcomes: list[ShownOutcome] = []
    if wanted:
        trees = BlockTrees(builder, height)
        outcomes = [trees.outcome(index) for index in wanted if index < len(trees)]
    return ShownOutcomes(builder.block(height), tuple(outcomes))


def _height_of(place: UpdatePlace) -> int:
    return place.height
