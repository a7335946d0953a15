"""The catalogue's part on what a client meets on its own side."""

from twinledger.ledger.catalogue.entry import DOWN, MISSING, STATE, UNKNOWN_CALLER, Entry
from twinledger.ledger.codes import Code

CLIENT: dict[Code, Entry] = {
    Code.CONNECTION_LOST: Entry(
        "The connection to the node was lost",
        "Try again, or name another node; submitting again is always safe.",
        DOWN,
        waiting_helps=True,
    ),
    Code.TLS_REQUIRED: Entry(
        "The node speaks TLS, and this side does not",
        "Name a profile with the node's certificate instead of an address alone.",
        UNKNOWN_CALLER,
    ),
    Code.TLS_MISSING: Entry(
        "The node does not speak TLS",
        "Check the address; a devnet made with --insecure has a profile that says so.",
        UNKNOWN_CALLER,
    ),
    Code.CERTIFICATE_MISMATCH: Entry(
        "The node shows another certificate than the one that is trusted",
        "Check the address; if the node has a new certificate, get a fresh profile.",
        UNKNOWN_CALLER,
    ),
    Code.CERTIFICATE_REFUSED: Entry(
        "The node hangs up on this node's certificate",
        "Record the certificate on the ledger, or wait until that node has executed its record.",
        UNKNOWN_CALLER,
    ),
    Code.MISSING_EXTRA: Entry(
        "A part of twinledger that this needs is not installed",
        "Install it as the message says.",
        STATE,
    ),
    Code.NO_SUCH_NODE: Entry(
        "There is no such node",
        "Choose one that the message, `consortium show` or `devnet status` lists.",
        MISSING,
    ),
    Code.NOT_DRAINED: Entry(
        "The node is not safe to stop yet",
        "It goes on draining: ask again, or take it back with `node drain --undo`.",
        STATE,
    ),
}
