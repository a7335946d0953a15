"""What a node says when its own disk contradicts itself: what is damaged, and what to do."""

from typing import Final

from twinledger.ledger.errors import Code, LedgerError

REPLACE_NODE: Final = (
    "This node must not vote again with this folder: it could contradict what it has acknowledged. "
    "Keep the folder for inspection and let the node join anew with a new id and an empty folder."
)
REBUILD_CHAIN: Final = (
    "Nothing is lost: move the folder 'chain' out of the data folder and start the node again; "
    "it rebuilds the chain from its log."
)


class DataDamaged(LedgerError):  # noqa: N818 - named as its code is
    """DATA_DAMAGED with its own next step: a damaged chain is rebuilt, a damaged log is not."""

    def __init__(self, detail: str, remedy: str) -> None:
        """`detail` is what is damaged, `remedy` what the operator should do."""
        super().__init__(Code.DATA_DAMAGED, detail)
        self._remedy = remedy

    @property
    def next_step(self) -> str:
        """What to do next, in sentences."""
        return self._remedy


def damaged(what: str, remedy: str = REPLACE_NODE) -> DataDamaged:
    """Return the error that stops the node; `what` is a sentence without its full stop."""
    return DataDamaged(what, remedy)
