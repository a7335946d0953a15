"""Whatever gRPC reports becomes an error of the catalogue."""

import grpc
import grpc.aio
import pytest

from twinledger.client import Code
from twinledger.client.failures import from_rpc

ADDRESS = "127.0.0.1:7001"


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (grpc.StatusCode.UNIMPLEMENTED, "no such method", Code.BAD_REQUEST),
        (grpc.StatusCode.PERMISSION_DENIED, "a proxy's word", Code.BAD_REQUEST),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls", Code.OVERLOADED),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max", Code.TOO_LARGE),
        (grpc.StatusCode.UNAVAILABLE, "Socket closed", Code.CONNECTION_LOST),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", Code.CONNECTION_LOST),
    ],
)
def test_a_status_that_is_not_of_our_nodes_becomes_an_error_of_ours(
    status: grpc.StatusCode, said: str, code: Code
) -> None:
    empty = grpc.aio.Metadata()
    failure = from_rpc(grpc.aio.AioRpcError(status, empty, empty, said, None), ADDRESS)
    assert failure.code is code
    assert failure.detail == f"{ADDRESS}: {said}"
