"""The prefixes that keep bytes made for one purpose from passing for another.

Each is ASCII text that ends in one zero byte; see ``docs/formats``, "Domains".
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

GENESIS: Final = b"twinledger/v1/genesis\0"
SIGN_GENESIS: Final = b"twinledger/v1/sign-genesis\0"
SIGN_JOIN: Final = b"twinledger/v1/sign-join\0"
SIGN_STATEMENT: Final = b"twinledger/v1/sign-statement\0"
RECOVERY: Final = b"twinledger/v1/recovery\0"
SIGN_RECOVERY: Final = b"twinledger/v1/sign-recovery\0"
TRANSACTION: Final = b"twinledger/v1/transaction\0"
SIGN_TRANSACTION: Final = b"twinledger/v1/sign-transaction\0"
ENTRY: Final = b"twinledger/v1/entry\0"
HEADER: Final = b"twinledger/v1/header\0"
CONSORTIUM: Final = b"twinledger/v1/consortium\0"
STATE_PATH: Final = b"twinledger/v1/state-path\0"
STATE_VALUE: Final = b"twinledger/v1/state-value\0"
STATE_LEAF: Final = b"twinledger/v1/state-leaf\0"
STATE_NODE: Final = b"twinledger/v1/state-node\0"
TWIN_PATH: Final = b"twinledger/v1/twin-path\0"
TWIN_VALUE: Final = b"twinledger/v1/twin-value\0"
TWIN_SALT: Final = b"twinledger/v1/twin-salt\0"
GROUND: Final = b"twinledger/v1/ground\0"
PLAN: Final = b"twinledger/v1/plan\0"
READ_TOKEN: Final = b"twinledger/v1/read-token\0"
HISTORY: Final = b"twinledger/v1/history\0"
SNAPSHOT: Final = b"twinledger/v1/snapshot\0"
SNAPSHOT_CHUNK: Final = b"twinledger/v1/snapshot-chunk\0"

ZERO_HASH: Final = bytes(32)
"""Stands where a chain of hashes begins."""


def domain_hash(prefix: bytes, content: bytes) -> bytes:
    """SHA-256 of a domain's prefix followed by the content."""
    return sha256(prefix + content).digest()
