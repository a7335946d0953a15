"""Puts the keeping of heads together from what a node finds on its disk."""

from collections.abc import Callable

from twinledger.consortium.heads import HeadKeeper
from twinledger.consortium.heads.restoring import Kept, restore
from twinledger.consortium.heads.roots import OwnHeads
from twinledger.consortium.members import CONSORTIUM_KEY, Consortium, load_consortium
from twinledger.consortium.recovery.opening import load_recovery
from twinledger.consortium.witnesses import WitnessSet, witness_set
from twinledger.execution.results import Execution
from twinledger.ledger.checkpoint import origin_of
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.evidence import decode_evidence
from twinledger.node.foundation import Foundation
from twinledger.storage import ChainStore, HeadBook
from twinledger.storage.damage import damaged
from twinledger.storage.head_records import MOVE_HEADS


def restore_keeper(foundation: Foundation) -> HeadKeeper:
    """Return the state machine as it was.

    Raises:
        LedgerError: DATA_DAMAGED, when what was kept does not hold; DIVERGED.
    """
    stores, consortium = foundation.stores, load_consortium(foundation.stores.chain)
    origin = origin_of(foundation.folder.chain_id, consortium.epoch)
    own = OwnHeads(origin, stores.chain.trees, (stores.chain.applied_height or 0) + 1)
    mark = stores.head_mark.mark if stores.head_mark is not None else None
    owned = mark is not None and mark.key == foundation.keys.witness.public_key
    begun, after = _beginning(stores.chain, consortium.epoch, foundation.genesis.consortium)
    first, changes = witness_set(begun), _changes(stores.heads, after)
    executed = [size for size, _ in changes if size <= own.size]
    whole = len(executed) == consortium.set_number - begun.set_number
    if not whole:
        # The state came as a snapshot, from a certified height: what was before it is behind.
        first, changes = witness_set(consortium), changes[len(executed) :]
    kept = Kept(
        signed=mark.head if mark is not None and owned and mark.origin == origin else None,
        first=first,
        changes=changes,
        change_certificates=dict(stores.heads.changes()),
        newest=_newest(stores.heads, origin) if whole else None,
        seen={
            key: head
            for key, head in stores.heads.seen().items()
            if head.checkpoint.origin == origin
        },
        evidence=[decode_evidence(raw) for raw in stores.heads.evidence()],
    )
    try:
        return restore(own, kept)
    except LedgerError as error:
        if error.code.startswith(("CERTIFICATE", "QUORUM")):
            told = f"A certificate in the book of heads does not hold ({error.detail})"
            raise damaged(told, MOVE_HEADS) from error
        raise


def _beginning(chain: ChainStore, epoch: int, genesis: Consortium) -> tuple[Consortium, int]:
    """The first consortium of an epoch, and the size after which changes of it count."""
    opening = opening_height(chain, epoch)
    if opening is None:
        return genesis, 0
    return Consortium.decode(chain.consortium_at(opening)), opening + 1


def opening_height(chain: ChainStore, epoch: int) -> int | None:
    """The height of the block that opened an epoch; None for the first one."""
    recovery = load_recovery(chain, epoch)
    return None if recovery is None else recovery.fork.height + 1


def _newest(book: HeadBook, origin: str) -> bytes | None:
    """The newest certificate that was kept, when it is of this epoch."""
    newest = book.newest
    of_this = newest is not None and newest.startswith(origin.encode() + b"\n")
    return newest if of_this else None


def _changes(book: HeadBook, after_size: int) -> tuple[tuple[int, WitnessSet], ...]:
    return tuple(
        [
            (height + 1, witness_set(Consortium.decode(leaf)))
            for height, leaf in book.members()
            if height + 1 > after_size
        ]
    )


def note_changes(chain: ChainStore, book: HeadBook) -> Callable[[Execution], None]:
    """Return what must be called before a block is stored: the book may never know fewer changes.

    When the newest certificate is found again after a start, so are all changes of the witnesses
    above it, whatever the chain, which is not synced, has lost.
    """

    def note(execution: Execution) -> None:
        leaf = execution.writes.get(CONSORTIUM_KEY)
        if leaf is not None:
            before = load_consortium(chain).set_number
            if Consortium.decode(leaf).set_number != before:
                book.note_members(execution.header.height, leaf)

    return note
