"""The errors of twinledger: one class, one stable code for each reason.

::

    Exception
      LedgerError          carries a Code, a detail, and how long to wait

There is one class because callers act on the code, not on the class: the same code travels in
gRPC errors, in receipts, in the CLI's JSON and in ``last_exit.json``. What each code means and what
to do about it stands in ``catalogue``.
"""

from __future__ import annotations

from twinledger.ledger.catalogue import CATALOGUE
from twinledger.ledger.codes import Code

__all__ = ["Code", "LedgerError", "invariant"]


class LedgerError(Exception):
    """Something was refused or went wrong, for a reason with a code.

    Attributes:
        code: The stable reason.
        detail: What exactly, for a person; may be empty.
        retry_after_us: How long to wait before trying again, microseconds; 0 when not known.
    """

    def __init__(self, code: Code, detail: str = "", retry_after_us: int = 0) -> None:
        super().__init__(code, detail, retry_after_us)
        self.code = code
        self.detail = detail
        self.retry_after_us = retry_after_us

    @property
    def message(self) -> str:
        """What happened, in a sentence."""
        sentence = CATALOGUE[self.code].sentence
        return f"{sentence}: {self.detail}." if self.detail else f"{sentence}."

    @property
    def next_step(self) -> str:
        """What to do next, in a sentence."""
        return CATALOGUE[self.code].next_step

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def invariant(condition: object, message: str) -> None:
    """Stops what must never go on.

    Unlike ``assert`` it also holds under ``python -O``.

    Args:
        condition: What must be true.
        message: A constant sentence; formatting one would cost more than the check.

    Raises:
        LedgerError: INTERNAL, when the condition is false.
    """
    if not condition:
        raise LedgerError(Code.INTERNAL, message)
