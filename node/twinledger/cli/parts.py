"""Loads parts of twinledger that not every installation has."""

from importlib import import_module
from typing import Any

from twinledger.ledger.errors import Code, LedgerError


def load_part(module: str, extra: str) -> Any:
    """Imports a module that needs what an extra brings.

    Raises:
        LedgerError: MISSING_EXTRA, naming the extra.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        said = f"no module named {error.name}; run: pip install 'twinledger[{extra}]'"
        raise LedgerError(Code.MISSING_EXTRA, said) from error
