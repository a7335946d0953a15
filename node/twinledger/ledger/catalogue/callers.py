"""The catalogue's part on why a caller is not let in."""

from twinledger.ledger.catalogue.entry import FULL, UNKNOWN_CALLER, Entry
from twinledger.ledger.codes import Code

CALLERS: dict[Code, Entry] = {
    Code.TOKEN_MISSING: Entry(
        "The call does not say who makes it",
        "Call with a key: --as or a profile on the command line, identity= in the SDK, a read"
        " token from bare stubs.",
        UNKNOWN_CALLER,
    ),
    Code.TOKEN_REFUSED: Entry(
        "The call's token is not one that this node accepts",
        "Make it anew for this chain, node and method, with a key that the ledger has now.",
        UNKNOWN_CALLER,
    ),
    Code.TOKEN_EXPIRED: Entry(
        "The call's token does not hold now",
        "Make it anew, to live for at most a minute; if it is new, set this machine's clock.",
        UNKNOWN_CALLER,
    ),
    Code.RATE_LIMITED: Entry(
        "This identity calls more often than the consortium allows",
        "Try again after the delay; send many transactions by a stream at a steady rate.",
        FULL,
        waiting_helps=True,
    ),
}
