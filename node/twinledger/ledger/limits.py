"""The limits on everything, agreed in the genesis file and kept in the consortium's state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a transaction, a value, a twin and a block may not exceed.

    Execution depends on them, so every node of a chain must hold the same ones.
    """

    max_lifetime_us: int = 3_600_000_000
    """How far after block time a transaction's expiry may lie; also how long ids are remembered."""
    max_transaction_bytes: int = 262_144
    """A serialized SignedTransaction."""
    max_operations: int = 1_000
    """Operations in one transaction."""
    max_authors: int = 8
    """Authors of one transaction."""
    max_value_depth: int = 8
    """Lists and maps inside one another; a plain value has depth 0."""
    max_path_depth: int = 8
    """Segments of a property path."""
    max_properties: int = 4_096
    """Properties of one twin, both sections together."""
    max_policy_rules: int = 64
    """Rules and sign-offs of one twin's policy, together."""
    max_requests_per_s: int = 20_000
    """Calls, and transactions in them, of one identity at one node."""
    max_block_bytes: int = 1_048_576
    """A serialized BlockBody."""
    max_block_transactions: int = 2_000
    """Transactions in one block."""
    max_clock_lead_us: int = 10_000_000
    """How far an uncommitted block's time may lead a follower's clock."""


DEFAULT_LIMITS = Limits()

# The widest a consortium may choose. Value depth leaves room for the maps a value is stored in
# (canonical nesting ends at 16) and keeps wire messages well above protobuf's depth of 100.
RANGES: dict[str, tuple[int, int]] = {
    "max_lifetime_us": (1_000_000, 7 * 86_400_000_000),
    "max_transaction_bytes": (1_024, 16_777_216),
    "max_operations": (1, 100_000),
    "max_authors": (1, 64),
    "max_value_depth": (0, 12),
    "max_path_depth": (1, 16),
    "max_properties": (1, 1_000_000),
    "max_policy_rules": (1, 4_096),
    "max_requests_per_s": (1, 1_000_000),
    "max_block_bytes": (2_048, 67_108_864),
    "max_block_transactions": (1, 100_000),
    "max_clock_lead_us": (100_000, 3_600_000_000),
}

# What a BlockBody adds around one transaction, generously.
_BLOCK_OVERHEAD_BYTES = 64


def limits_fault(limits: Limits) -> str:
    """Why limits, each within its range, do not go together; empty when they do."""
    if limits.max_transaction_bytes + _BLOCK_OVERHEAD_BYTES > limits.max_block_bytes:
        return "max_transaction_bytes does not fit max_block_bytes"
    return ""
