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
        raise missing(extra, error) from error


def missing(extra: str, error: ModuleNotFoundError) -> Exception:
    """What to raise for a module that is not there: which extra brings it.

    One of our own that is missing is a fault of the program, and stays what it is.
    """
    name = error.name or ""
    if name.partition(".")[0] == "twinledger":
        return error
    said = f"no module named {name}; run: pip install 'twinledger[{extra}]'"
    return LedgerError(Code.MISSING_EXTRA, said)
