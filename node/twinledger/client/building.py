"""Builds messages for the wire; what protobuf refuses is said in our words."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from google.protobuf.message import Message

from twinledger.ledger.errors import Code, LedgerError

Parameters = ParamSpec("Parameters")
Built = TypeVar("Built")
Kind = TypeVar("Kind", bound=Message)


def checked(build: Callable[Parameters, Built]) -> Callable[Parameters, Built]:
    """Decorates a builder: a negative version, an int too large, text that is not UTF-8.

    Raises:
        LedgerError: BAD_REQUEST, naming the builder.
    """

    @functools.wraps(build)
    def checking(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Built:
        try:
            return build(*args, **kwargs)
        except (ValueError, TypeError) as error:
            raise LedgerError(Code.BAD_REQUEST, f"{build.__name__}: {error}") from error

    return checking


def request(kind: type[Kind], **fields: Any) -> Kind:
    """A request with these fields.

    Raises:
        LedgerError: BAD_REQUEST when a field cannot have its value.
    """
    try:
        return kind(**fields)
    except (ValueError, TypeError) as error:
        raise LedgerError(Code.BAD_REQUEST, f"{kind.__name__}: {error}") from error
