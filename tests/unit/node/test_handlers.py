"""What an error becomes on the wire, whatever its detail repeats of what a caller sent."""

import asyncio
from typing import Any, cast
from urllib.parse import quote

import pytest
from google.rpc import status_pb2

from twinledger.ledger.codes import Code
from twinledger.ledger.errors import LedgerError
from twinledger.node.services.handlers import abort

SOFT_LIMIT_BYTES = 8192
"""gRPC's default for all metadata of an answer; what is larger may be dropped with its code."""
OTHER_METADATA_BYTES = 512


class AbortedError(Exception):
    """Stands for the end of the call."""


class Context:
    """Keeps what the call was ended with."""

    message = ""
    status = b""

    async def abort(self, _code: object, message: str, metadata: Any) -> None:
        self.message, ((_, self.status),) = message, metadata
        raise AbortedError

    @property
    def size(self) -> int:
        """Bytes on the wire: the message in percent-encoding, the status in base64."""
        return len(quote(self.message)) + (len(self.status) + 2) // 3 * 4


def aborted(error: LedgerError) -> Context:
    context = Context()
    with pytest.raises(AbortedError):
        asyncio.run(abort(cast("Any", context), error))
    return context


@pytest.mark.parametrize("detail", ["x" * 100_000, "\u00e9" * 50_000, "\U0001f9ea" * 30_000])
def test_an_error_of_any_length_stays_within_what_grpc_carries(detail: str) -> None:
    for code in Code:
        context = aborted(LedgerError(code, detail, retry_after_us=1))
        assert context.size + OTHER_METADATA_BYTES < SOFT_LIMIT_BYTES, code
        assert context.message.endswith(" [...].")
        assert status_pb2.Status.FromString(context.status).message == context.message


def test_a_short_detail_is_told_whole() -> None:
    detail = "h\u00e9ight 7 of 5"
    assert detail in aborted(LedgerError(Code.HEIGHT_NOT_REACHED, detail)).message
