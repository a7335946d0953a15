"""Signed heads as they travel between nodes."""

from collections.abc import Iterable
from typing import Final

from twinledger.ledger.checkpoint import MAX_SIZE, ROOT_SIZE, Checkpoint
from twinledger.ledger.cosignature import MAX_TIMESTAMP_S, Cosignature
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.evidence import SignedHead
from twinledger.ledger.keys import SIGNATURE_SIZE
from twinledger.v1.peer_service_pb2 import CosignatureBatch, HeadCosignature

MAX_COSIGNATURES: Final = 512
"""Of one message. A batch of a node's own is smaller; so is what it holds of others."""


def encode(head: SignedHead) -> HeadCosignature:
    """Return the message of a signed head; its origin is the stream's chain."""
    made = head.cosignature
    return HeadCosignature(
        signer=made.name,
        size=head.checkpoint.size,
        root=head.checkpoint.root,
        timestamp_s=made.timestamp_s,
        signature=made.signature,
    )


def decode(batch: CosignatureBatch, origin: str) -> list[SignedHead]:
    """Read a batch; no signature is checked.

    Raises:
        LedgerError: MALFORMED.
    """
    if not 0 < len(batch.cosignatures) <= MAX_COSIGNATURES:
        raise LedgerError(Code.MALFORMED, f"a batch has 1 to {MAX_COSIGNATURES} cosignatures")
    return list(_decode(batch.cosignatures, origin))


def _decode(messages: Iterable[HeadCosignature], origin: str) -> Iterable[SignedHead]:
    for wire in messages:
        fits = (
            0 < wire.size <= MAX_SIZE
            and len(wire.root) == ROOT_SIZE
            and wire.timestamp_s <= MAX_TIMESTAMP_S
            and len(wire.signature) == SIGNATURE_SIZE
        )
        if not fits:
            raise LedgerError(Code.MALFORMED, "a cosignature has a field of no possible value")
        yield SignedHead(
            Checkpoint(origin, wire.size, wire.root),
            Cosignature(wire.signer, wire.timestamp_s, wire.signature),
        )
