"""The hash chain over a twin's updates: one head pins every update that the twin ever had."""

from __future__ import annotations

from twinledger.ledger import domains
from twinledger.ledger.canonical import Timestamp, encode


def next_head(
    head: bytes,
    twin_id: str,
    version: int,
    transaction_id: bytes,
    operation_index: int,
    height: int,
    block_time: Timestamp,
) -> bytes:
    """The history head after one more update; before the first it is 32 zero bytes."""
    item = encode([twin_id, version, transaction_id, operation_index, height, block_time])
    return domains.domain_hash(domains.HISTORY, head + item)
