"""Page sizes: one default and one bound for every list."""

from typing import Final

from twinledger.ledger.errors import Code, LedgerError

DEFAULT_PAGE: Final = 100
MAX_PAGE: Final = 1000


def page_size(asked: int) -> int:
    """Return the size of a page; 0 asks for the default.

    Raises:
        LedgerError: BAD_REQUEST when more than MAX_PAGE are asked for.
    """
    if asked > MAX_PAGE:
        raise LedgerError(Code.BAD_REQUEST, f"page_size is at most {MAX_PAGE}")
    return asked or DEFAULT_PAGE
