"""A node that signs an invented history beside the true one. Only tests start it."""

import sys
from hashlib import sha256
from pathlib import Path

from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.cosignature import cosign
from twinledger.ledger.evidence import SignedHead
from twinledger.node import heads_wire
from twinledger.node.heads import Heads, Made
from twinledger.node.main import run

honest = Heads._take_made


def lying(heads: Heads, made: Made) -> None:
    """Tell everybody another head, one block below the newest true one, and then the truth."""
    head, cosignature = made[-1]
    if head.size > 1:
        root = sha256(b"another history").digest()
        invented = Checkpoint(head.origin, head.size - 1, root)
        signed = cosign(heads.signer, heads.name, invented, cosignature.timestamp_s)
        for peer in heads.transport.peers.values():
            peer.cosign([heads_wire.encode(SignedHead(invented, signed))])
    honest(heads, made)


Heads._take_made = lying  # type: ignore[method-assign,assignment]
sys.exit(run(Path(sys.argv[sys.argv.index("--config") + 1])))
