"""Stands where a log would: for a chain that nobody asks for the bodies of blocks."""

from twinledger.consensus import Entry, Index
from twinledger.ledger.errors import Code, LedgerError


class NoBodies:
    """Implements chain_reader.Bodies."""

    def entry(self, index: Index) -> Entry:
        """Refuse.

        Raises:
            LedgerError: INTERNAL.
        """
        raise LedgerError(Code.INTERNAL, f"there is no log to ask for block {index}")
