"""The block header: 185 bytes that every node derives for itself."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NewType

from twinledger.ledger import domains
from twinledger.ledger.errors import Code, LedgerError

Height = NewType("Height", int)

FORMAT = 1
SIZE = 185
_LAYOUT = struct.Struct(">BQQQ32s32s32s32s32s")


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What a block was and what it led to.

    Attributes:
        height: The index of its log entry; 0 is genesis.
        term: The term of its log entry.
        time_us: Block time, microseconds since 1970.
        parent_hash: The hash of the parent's header; the chain id at height 0.
        transactions_root: Over the serialized transactions.
        receipts_root: Over the canonical receipts.
        state_root: The state after this block.
        consortium_hash: The consortium after this block.
    """

    height: int
    term: int
    time_us: int
    parent_hash: bytes
    transactions_root: bytes
    receipts_root: bytes
    state_root: bytes
    consortium_hash: bytes

    def encode(self) -> bytes:
        """The header's bytes."""
        return _LAYOUT.pack(
            FORMAT,
            self.height,
            self.term,
            self.time_us,
            self.parent_hash,
            self.transactions_root,
            self.receipts_root,
            self.state_root,
            self.consortium_hash,
        )

    def hash(self) -> bytes:
        """The hash that names the block."""
        return header_hash(self.encode())

    @classmethod
    def decode(cls, raw: bytes) -> BlockHeader:
        """Reads a header.

        Raises:
            LedgerError: MALFORMED when the bytes are not 185 of format 1.
        """
        if len(raw) != SIZE:
            raise LedgerError(Code.MALFORMED, f"a header has {SIZE} bytes, not {len(raw)}")
        found, *fields = _LAYOUT.unpack(raw)
        if found != FORMAT:
            raise LedgerError(Code.MALFORMED, f"header format {found} is unknown")
        return cls(*fields)


def header_hash(raw: bytes) -> bytes:
    """The hash of a header's bytes."""
    return domains.domain_hash(domains.HEADER, raw)
