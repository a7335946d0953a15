"""What became of a transaction: its receipt, its stage, and its place in the chain."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from twinledger.client.building import request
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.receipt import COMMITTED
from twinledger.v1 import block_pb2, ledger_service_pb2, twin_service_pb2


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the chain: after transaction `index` of the block at `height`."""

    height: int
    index: int

    def __str__(self) -> str:
        return f"{self.height}:{self.index}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Reads `HEIGHT:INDEX`.

        Raises:
            LedgerError: BAD_REQUEST.
        """
        height, colon, index = text.partition(":")
        if not (colon and height.isdecimal() and index.isdecimal()):
            raise LedgerError(Code.BAD_REQUEST, f"a cursor is HEIGHT:INDEX, not {text!r}")
        return cls(int(height), int(index))

    @classmethod
    def from_message(cls, message: twin_service_pb2.Cursor) -> "Cursor":
        """Reads it from the wire."""
        return cls(message.height, message.index)

    def to_message(self) -> twin_service_pb2.Cursor:
        """Writes it for the wire.

        Raises:
            LedgerError: BAD_REQUEST when it lies beyond any chain.
        """
        return request(twin_service_pb2.Cursor, height=self.height, index=self.index)


@dataclass(frozen=True, slots=True)
class ReceiptEvent:
    """One effect: what happened to which twin or identity, and the twin's version after it."""

    kind: str
    subject: str
    version: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a transaction stands and what it did.

    Attributes:
        transaction_id: 32 bytes.
        height: The block that holds it.
        index: Its position in that block, from 0.
        outcome: COMMITTED, or the code that rejected it.
        failed_operation: Which operation failed, from 0; None when none did.
        events: What it did, one for each operation.
        block_time_us: The block's time, microseconds since 1970.
    """

    transaction_id: bytes
    height: int
    index: int
    outcome: str
    failed_operation: int | None
    events: tuple[ReceiptEvent, ...]
    block_time_us: int

    @property
    def cursor(self) -> Cursor:
        """Its place in the chain: `watch(after=receipt.cursor)` tells what came later."""
        return Cursor(self.height, self.index)

    @property
    def committed(self) -> bool:
        """Whether it had its effect."""
        return self.outcome == COMMITTED

    @classmethod
    def from_message(cls, message: block_pb2.Receipt) -> "Receipt":
        """Reads it from the wire."""
        return cls(
            message.transaction_id,
            message.height,
            message.index,
            message.outcome,
            message.failed_operation if message.HasField("failed_operation") else None,
            tuple(ReceiptEvent(e.kind, e.subject, e.version) for e in message.events),
            message.block_time_us,
        )


class Wait(StrEnum):
    """How long a submission waits."""

    NONE = "none"
    """Until a node has taken charge."""
    COMMITTED = "committed"
    """Until a block holds the transaction."""
    CERTIFIED = "certified"
    """Until a quorum of the members has signed a head above that block."""

    def to_message(self) -> ledger_service_pb2.WaitFor.ValueType:
        """Writes it for the wire."""
        return _WAITS[self]


_WAITS: Final = {
    Wait.NONE: ledger_service_pb2.WAIT_FOR_NONE,
    Wait.COMMITTED: ledger_service_pb2.WAIT_FOR_COMMITTED,
    Wait.CERTIFIED: ledger_service_pb2.WAIT_FOR_CERTIFIED,
}


class Stage(StrEnum):
    """Where a transaction stands."""

    UNKNOWN = "UNKNOWN"
    PENDING = "PENDING"
    COMMITTED = "COMMITTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CERTIFIED = "CERTIFIED"


_STAGES: Final = {
    ledger_service_pb2.STAGE_UNKNOWN: Stage.UNKNOWN,
    ledger_service_pb2.STAGE_PENDING: Stage.PENDING,
    ledger_service_pb2.STAGE_COMMITTED: Stage.COMMITTED,
    ledger_service_pb2.STAGE_REJECTED: Stage.REJECTED,
    ledger_service_pb2.STAGE_EXPIRED: Stage.EXPIRED,
    ledger_service_pb2.STAGE_CERTIFIED: Stage.CERTIFIED,
}


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """What a node knows of a transaction; the receipt once a block holds it."""

    transaction_id: bytes
    stage: Stage
    receipt: Receipt | None

    @classmethod
    def from_message(cls, message: ledger_service_pb2.TransactionStatus) -> "TransactionStatus":
        """Reads it from the wire."""
        receipt = Receipt.from_message(message.receipt) if message.HasField("receipt") else None
        stage = _STAGES.get(message.stage, Stage.UNKNOWN)
        return cls(message.transaction_id, stage, receipt)
