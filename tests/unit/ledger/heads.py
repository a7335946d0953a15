"""Witnesses with keys that follow from their names, and heads over trees in memory."""

from collections.abc import Iterable

from tests.unit.ledger.trees import MemoryHistory
from twinledger.ledger.checkpoint import Checkpoint, origin_of
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.evidence import SignedHead
from twinledger.ledger.history_tree import root
from twinledger.ledger.keys import SigningKey

CHAIN_ID = bytes(range(32))
ORIGIN = origin_of(CHAIN_ID)
NOW_S = 1_795_305_600


def witness_key(name: str) -> SigningKey:
    return SigningKey.load(b"witness".ljust(8, b".") + name.encode().ljust(24, b".")[:24])


def head_of(tree: MemoryHistory, size: int, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, root(tree, size))


def signed_head(name: str, checkpoint: Checkpoint, timestamp_s: int = NOW_S) -> SignedHead:
    made = cosign(witness_key(name), name, checkpoint, timestamp_s)
    return SignedHead(checkpoint, made)


def history(*leaves: bytes) -> MemoryHistory:
    return MemoryHistory.of(leaves)


def branch(shared: int, name: bytes, length: int) -> Iterable[bytes]:
    """The leaves of a tree that leaves the common one after so many."""
    return [b"common %d" % n if n < shared else b"%s %d" % (name, n) for n in range(length)]
