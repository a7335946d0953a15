"""Reading protobuf messages from bytes that somebody else made."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from twinledger.ledger.errors import Code, LedgerError

M = TypeVar("M", bound=Message)


def read_message(kind: type[M], raw: bytes) -> M:
    """Parses a message.

    Raises:
        LedgerError: MALFORMED.
    """
    try:
        return kind.FromString(raw)
    except (DecodeError, ValueError):  # the pure-Python runtime lets UnicodeDecodeError through
        raise LedgerError(Code.MALFORMED, f"it is no {kind.DESCRIPTOR.name}") from None


def refuse_unknown_fields(message: Message) -> None:
    """Refuses fields that this version does not know, at any depth, and drops them.

    A message counts its unknown fields in its size, so it shrinks when it had any.

    Raises:
        LedgerError: UNKNOWN_FIELD.
    """
    size = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != size:
        raise LedgerError(Code.UNKNOWN_FIELD, f"in {message.DESCRIPTOR.name}")
