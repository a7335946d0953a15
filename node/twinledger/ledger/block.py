"""The body of a block: the payload of its log entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.limits import Limits
from twinledger.ledger.wire import read_message, refuse_unknown_fields
from twinledger.v1 import block_pb2


@dataclass(frozen=True, slots=True)
class BlockBody:
    """A leader's proposal.

    Attributes:
        time_us: The leader's clock, microseconds since 1970.
        transactions: Serialized SignedTransactions, in the order of execution.
    """

    time_us: int
    transactions: tuple[bytes, ...]

    def encode(self) -> bytes:
        """The payload for the log entry."""
        return encode_body(self.time_us, self.transactions)

    @classmethod
    def decode(cls, payload: bytes, limits: Limits) -> BlockBody:
        """Reads a payload.

        Raises:
            LedgerError: MALFORMED, UNKNOWN_FIELD or TOO_LARGE.
        """
        if len(payload) > limits.max_block_bytes:
            raise LedgerError(Code.TOO_LARGE, f"{len(payload)} of {limits.max_block_bytes} bytes")
        body = cls.parse(payload)
        if len(body.transactions) > limits.max_block_transactions:
            raise LedgerError(Code.TOO_LARGE, f"at most {limits.max_block_transactions} in a block")
        return body

    @classmethod
    def parse(cls, payload: bytes) -> BlockBody:
        """Reads a payload of any size.

        Raises:
            LedgerError: MALFORMED or UNKNOWN_FIELD.
        """
        message = read_message(block_pb2.BlockBody, payload)
        refuse_unknown_fields(message)
        return cls(message.time_us, tuple(message.transactions))

    @classmethod
    def decode_or_empty(cls, payload: bytes, limits: Limits) -> BlockBody:
        """Reads a payload; what is no valid body counts as an empty one at its parent's time.

        Such an entry can only come from a faulty leader. It is in the log already and every node
        must do the same with it, so it is executed as an empty block rather than refused.
        """
        try:
            return cls.decode(payload, limits)
        except LedgerError:
            return EMPTY


EMPTY = BlockBody(0, ())
"""Of an empty payload: no transactions, and no time later than the parent's."""


def encode_body(time_us: int, transactions: Sequence[bytes]) -> bytes:
    """Serializes a block body."""
    return block_pb2.BlockBody(time_us=time_us, transactions=transactions).SerializeToString()
