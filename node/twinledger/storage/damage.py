"""What a node says when its own disk contradicts itself: what is damaged, and what to do."""

from typing import Final

from twinledger.ledger.errors import Code, LedgerError

REPLACE_NODE: Final = (
    "This node must not vote again with this folder: it could contradict what it has acknowledged. "
    "Keep the folder for inspection and let the node join anew with a new id and an empty folder"
)
REBUILD_CHAIN: Final = (
    "Nothing is lost: move the folder 'chain' out of the data folder and start the node again; "
    "it rebuilds the chain from its log"
)


def damaged(what: str, remedy: str = REPLACE_NODE) -> LedgerError:
    """Return the error that stops the node; `what` is a sentence without its full stop."""
    return LedgerError(Code.DATA_DAMAGED, f"{what}. {remedy}")
