"""Turns what gRPC reports into the project's errors, so that no caller ever sees a gRPC one.

::

    LedgerError              a code from the catalogue; everything below is one
    |-- Rejected             a block holds the transaction, without effect; carries the receipt
    `-- OutcomeUnknown       the deadline passed first; carries the transaction, safe to send again
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

import grpc
import grpc.aio
from google.rpc import error_details_pb2, status_pb2

from twinledger.ledger.catalogue import CATALOGUE
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1 import ledger_service_pb2

if TYPE_CHECKING:
    from twinledger.client.receipts import Receipt
    from twinledger.client.transactions import SignedTransaction

DOMAIN: Final = "twinledger"
"""ErrorInfo.domain of every error that a node itself gives."""

_STATUS_TRAILER: Final = "grpc-status-details-bin"

REFUSED_FOR_NOW: Final = frozenset(
    {
        Code.POOL_FULL,
        Code.NO_LEADER,
        Code.STOPPING,
        Code.DRAINING,
        Code.OVERLOADED,
        Code.RATE_LIMITED,
        Code.DISK_LOW,
        Code.HEIGHT_NOT_REACHED,
        Code.NOT_CERTIFIED,
    }
)
"""The node did not take the request; it, or another node, may do so later."""

NOT_KNOWN: Final = frozenset({Code.CONNECTION_LOST, Code.OUTCOME_UNKNOWN})
"""The node may have taken the request."""

MISTAKEN: Final = frozenset(
    {
        Code.TLS_REQUIRED,
        Code.TLS_MISSING,
        Code.CERTIFICATE_MISMATCH,
        Code.CERTIFICATE_REFUSED,
    }
)
"""No connection came about, and none will before somebody changes something."""

RETRYABLE: Final = REFUSED_FOR_NOW | NOT_KNOWN

_CONNECTION_STATUSES: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        # What gRPC makes of a stream that the other side's end cut off.
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)


class Rejected(LedgerError):  # noqa: N818 - named as the stage is
    """A block holds the transaction and gave it no effect.

    Attributes:
        receipt: Where it stands and which operation failed.
    """

    def __init__(self, code: Code, detail: str, receipt: "Receipt") -> None:
        super().__init__(code, detail)
        self.receipt = receipt


class OutcomeUnknown(LedgerError):  # noqa: N818 - named as the design names it
    """The deadline passed before the outcome was known. Sending the same transaction is safe.

    Attributes:
        transaction: What was sent; `await ledger.send(error.transaction)` asks again.
        transaction_id: Its id.
    """

    def __init__(self, transaction: "SignedTransaction", detail: str = "") -> None:
        known = f"transaction {transaction.id.hex()}"
        super().__init__(Code.OUTCOME_UNKNOWN, f"{known}; {detail}" if detail else known)
        self.transaction = transaction
        self.transaction_id: bytes = transaction.id


def end_if_cancelled() -> None:
    """To be called wherever a failed call is caught and life goes on.

    gRPC swallows a cancellation that comes just as the call fails: only the failure is raised, and
    whoever carries on after it never ends.

    Raises:
        CancelledError: somebody wants the running task to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def from_rpc(error: grpc.aio.AioRpcError, address: str) -> LedgerError:
    """The project's error for what a call to the node at `address` met."""
    status = _status_of(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == DOMAIN:
            return _from_info(info, status)
    said = f"{address}: {error.details() or error.code().name}"
    if error.code() in _CONNECTION_STATUSES:
        return LedgerError(Code.CONNECTION_LOST, said)
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        # gRPC's own limits: a message's size on either side, or too many calls at once.
        too_large = "larger than max" in (error.details() or "")
        return LedgerError(Code.TOO_LARGE if too_large else Code.OVERLOADED, said)
    # Not one of our nodes, or not this version of the service.
    return LedgerError(Code.BAD_REQUEST, said)


def from_message(error: ledger_service_pb2.Error) -> LedgerError:
    """The project's error inside a message that carries many results."""
    return _build(error.code, error.message, error.retry_after_us)


def _status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    # The stubs take the metadata of a call for one pair; it is an iterable of pairs.
    trailer = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    for key, value in trailer:
        if key == _STATUS_TRAILER and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return None


def _from_info(info: error_details_pb2.ErrorInfo, status: status_pb2.Status | None) -> LedgerError:
    retry = error_details_pb2.RetryInfo()
    retry_after_us = 0
    for detail in status.details if status else ():
        if detail.Unpack(retry):
            retry_after_us = retry.retry_delay.ToMicroseconds()
    return _build(info.reason, status.message if status else "", retry_after_us)


def _build(code: str, message: str, retry_after_us: int) -> LedgerError:
    if code not in Code.__members__:
        # A newer node may know reasons that this client does not.
        return LedgerError(Code.INTERNAL, f"unknown code {code}: {message}", retry_after_us)
    # LedgerError puts the code's sentence before the detail again.
    sentence = CATALOGUE[Code(code)].sentence
    detail = message.removeprefix(sentence).removeprefix(": ").removesuffix(".")
    return LedgerError(Code(code), detail, retry_after_us)
