"""What a bundle can claim, and what each claim shows: ``docs/formats``, "Proof bundle".

Every claim is about blocks whose headers the bundle's certified head includes. Field names are the
keys of the canonical maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from twinledger.ledger.canonical import Timestamp


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """A block's header, 185 bytes, and its inclusion path in the certified head."""

    header: bytes
    path: bytes


@dataclass(frozen=True, slots=True)
class ShownTwin:
    """A twin's record under a block's state root.

    Attributes:
        block: The block.
        record: The canonical record at the state key ``twin/ID``.
        proof: The state proof of it.
    """

    block: ShownBlock
    record: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A leaf of a twin's tree: its key, its salt, and the record that it hashes."""

    key: bytes
    salt: bytes
    record: bytes


@dataclass(frozen=True, slots=True)
class ShownUpdate:
    """One item of a twin's history; its version is its place, from 1.

    Attributes:
        transaction: The id of the transaction.
        operation: Which of its operations, from 0.
        height: The block.
        time: The block's time.
    """

    transaction: bytes
    operation: int
    height: int
    time: Timestamp


@dataclass(frozen=True, slots=True)
class ShownTransaction:
    """A signed transaction: the body whose hash is its id, and one signature for each author."""

    body: bytes
    signatures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class HeadClaim:
    """That this is the certified head, and this the consortium after its newest block."""

    kind: ClassVar[str] = "head"
    block: ShownBlock
    consortium: bytes


@dataclass(frozen=True, slots=True)
class TwinClaim:
    """That a twin was this after a block: its record, and all its properties and relationships."""

    kind: ClassVar[str] = "twin"
    id: str
    twin: ShownTwin
    leaves: tuple[Disclosed, ...]


@dataclass(frozen=True, slots=True)
class PropertyClaim:
    """That a twin had this property or relationship after a block, or none at the key.

    Attributes:
        id: The twin.
        twin: Its record.
        key: ``reported/PATH``, ``desired/PATH`` or ``relationship/NAME/TARGET``.
        leaf: What stands at the key; None claims that nothing does.
        proof: The proof of either under the record's property root.
    """

    kind: ClassVar[str] = "property"
    id: str
    twin: ShownTwin
    key: bytes
    leaf: Disclosed | None
    proof: bytes


@dataclass(frozen=True, slots=True)
class AbsentClaim:
    """That there was no such twin after a block."""

    kind: ClassVar[str] = "absent"
    id: str
    block: ShownBlock
    proof: bytes


@dataclass(frozen=True, slots=True)
class HistoryClaim:
    """The passport: a whole twin, and every update that it ever had.

    Attributes:
        id: The twin.
        twin: Its record.
        leaves: All its properties and relationships.
        updates: Every update, in order, the first being version 1.
        transactions: The updates' transactions, each once, in the order in which they come; what
            is missing was pruned.
    """

    kind: ClassVar[str] = "history"
    id: str
    twin: ShownTwin
    leaves: tuple[Disclosed, ...]
    updates: tuple[ShownUpdate, ...]
    transactions: tuple[ShownTransaction, ...]


@dataclass(frozen=True, slots=True)
class SilenceClaim:
    """That a twin had no update after the first block until the last."""

    kind: ClassVar[str] = "silence"
    id: str
    first: ShownTwin
    last: ShownTwin


@dataclass(frozen=True, slots=True)
class TransactionClaim:
    """The receipt: that a block holds a transaction, and what became of it.

    Attributes:
        block: The block.
        transaction: The serialized SignedTransaction as it stands in the block.
        transaction_path: Its inclusion path in the transactions root.
        receipt: The canonical receipt.
        receipt_path: Its inclusion path in the receipts root.
        sides: Of both paths: bit i is 1 when hash i, from the leaf up, stands to the left.
    """

    kind: ClassVar[str] = "transaction"
    block: ShownBlock
    transaction: bytes
    transaction_path: bytes
    receipt: bytes
    receipt_path: bytes
    sides: int


@dataclass(frozen=True, slots=True)
class BlockClaim:
    """That this is a block: all its transactions, and what became of each.

    Attributes:
        block: The block.
        transactions: The leaves of its transactions root, in order.
        receipts: The leaves of its receipts root, in order.
    """

    kind: ClassVar[str] = "block"
    block: ShownBlock
    transactions: tuple[bytes, ...]
    receipts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ShownValue:
    """What a key of the state has; None says that it has nothing. Either with its proof."""

    key: bytes
    value: bytes | None
    proof: bytes


@dataclass(frozen=True, slots=True)
class StateClaim:
    """That keys of the state had these values after a block, or none; keys ascending."""

    kind: ClassVar[str] = "state"
    block: ShownBlock
    values: tuple[ShownValue, ...]


@dataclass(frozen=True, slots=True)
class ShownLeaf:
    """A leaf of a twin's tree, and the proof of it under the twin's property root."""

    leaf: Disclosed
    proof: bytes


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A twin's record under a state root, and some leaves of its tree, keys ascending."""

    id: str
    record: bytes
    proof: bytes
    leaves: tuple[ShownLeaf, ...]


@dataclass(frozen=True, slots=True)
class PartsClaim:
    """That twins had these records after a block, and these leaves among others; ids ascending."""

    kind: ClassVar[str] = "parts"
    block: ShownBlock
    twins: tuple[ShownPart, ...]


@dataclass(frozen=True, slots=True)
class ShownOutcome:
    """A transaction and its receipt in their block's trees; fields as in TransactionClaim."""

    transaction: bytes
    transaction_path: bytes
    receipt: bytes
    receipt_path: bytes
    sides: int


@dataclass(frozen=True, slots=True)
class ShownOutcomes:
    """Some transactions of a block, in their order there; none shows the block alone."""

    block: ShownBlock
    transactions: tuple[ShownOutcome, ...]


@dataclass(frozen=True, slots=True)
class TransactionsClaim:
    """That blocks hold these transactions, and what became of each; heights ascending."""

    kind: ClassVar[str] = "transactions"
    blocks: tuple[ShownOutcomes, ...]


Claim = (
    HeadClaim
    | TwinClaim
    | PropertyClaim
    | AbsentClaim
    | HistoryClaim
    | SilenceClaim
    | TransactionClaim
    | BlockClaim
    | StateClaim
    | PartsClaim
    | TransactionsClaim
)
CLAIMS: dict[str, type[Claim]] = {
    each.kind: each
    for each in (
        HeadClaim,
        TwinClaim,
        PropertyClaim,
        AbsentClaim,
        HistoryClaim,
        SilenceClaim,
        TransactionClaim,
        BlockClaim,
        StateClaim,
        PartsClaim,
        TransactionsClaim,
    )
}
