"""What every update of a twin has in common: where it stands, and how it moves the history on."""

from __future__ import annotations

from dataclasses import dataclass

from twinledger.consortium.identities import IdentityRecord
from twinledger.ledger import domains
from twinledger.ledger.canonical import Timestamp, encode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import MemberName
from twinledger.ledger.receipt import Event, EventKind
from twinledger.ledger.state import StateDraft
from twinledger.ledger.transaction import TransactionId
from twinledger.twins import state_keys
from twinledger.twins.records import Origin, Twin
from twinledger.twins.tree import leaf_salt


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operation stands in the chain, and who asks for it.

    Attributes:
        transaction_id: Its transaction.
        authors: The transaction's authors, as registered before it.
        block_time_us: The block's time.
        height: The block.
        index: The transaction's place in the block.
        operation_index: The operation's place in the transaction.
        salt: The transaction's 16 random bytes.
    """

    transaction_id: TransactionId
    authors: tuple[IdentityRecord, ...]
    block_time_us: int
    height: int
    index: int
    operation_index: int
    salt: bytes

    @property
    def first_member(self) -> MemberName:
        """The member that owns what is created here."""
        return self.authors[0].member

    def leaf_salt(self, key: bytes) -> bytes:
        """The salt of what the operation writes at a key of its twin's tree."""
        return leaf_salt(self.salt, self.operation_index, key)

    def origin(self, observed_at_us: int | None) -> Origin:
        """The origin of what the operation writes."""
        return Origin(
            self.transaction_id,
            tuple([author.identity for author in self.authors]),
            observed_at_us,
            self.block_time_us,
            self.height,
            self.index,
        )


def check_version(twin: Twin, expected: int | None) -> None:
    """Compare-and-set: refuses a twin of another version with VERSION_MISMATCH."""
    if expected is not None and twin.version != expected:
        raise LedgerError(
            Code.VERSION_MISMATCH, f"{twin.twin_id} has {twin.version}, not {expected}"
        )


def store_update(
    state: StateDraft, twin: Twin, place: Place, kind: EventKind, property_count: int | None = None
) -> Event:
    """Keeps a twin as its newest version, and tells of it."""
    after = next_version(twin, place, property_count)
    state.put(state_keys.twin_key(after.twin_id), after.encode())
    return Event(kind, after.twin_id, after.version)


def next_version(twin: Twin, place: Place, property_count: int | None = None) -> Twin:
    """The twin after one more update: version and history head move on together.

    Its property root stays behind: it is computed once, when the whole block is judged.
    """
    version = twin.version + 1
    count = twin.property_count if property_count is None else property_count
    # Not dataclasses.replace: that takes three times as long, and this is the hot path.
    return Twin(
        twin.twin_id,
        twin.model,
        twin.owner,
        version,
        _next_head(twin, version, place),
        twin.retired,
        twin.successor_id,
        count,
        twin.property_root,
        twin.property_height,
    )


def _next_head(twin: Twin, version: int, place: Place) -> bytes:
    return history_head(
        twin.history_head,
        twin.twin_id,
        version,
        place.transaction_id,
        place.operation_index,
        place.height,
        place.block_time_us,
    )


def history_head(
    before: bytes,
    twin_id: str,
    version: int,
    transaction_id: bytes,
    operation_index: int,
    height: int,
    block_time_us: int,
) -> bytes:
    """The head of a twin's history after one more update (docs/formats, "History head")."""
    update = encode(
        [twin_id, version, transaction_id, operation_index, height, Timestamp(block_time_us)]
    )
    return domains.domain_hash(domains.HISTORY, before + update)
