"""Expecting a refusal by its code."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from twinledger.ledger.errors import Code, LedgerError


@contextmanager
def only_refused(code: Code) -> Iterator[None]:
    """The block may be refused, but with no other code and no other exception."""
    try:
        yield
    except LedgerError as error:
        if error.code is not code:
            raise


@contextmanager
def refused(code: Code, detail: str = "") -> Iterator[None]:
    """The block must be refused with this code, and a detail that holds the text."""
    with pytest.raises(LedgerError) as caught:
        yield
    assert caught.value.code is code, caught.value
    assert detail in caught.value.detail
