"""Opens listening ports. Nothing else in the node does, so that TLS has one place to go."""

from typing import Final

import grpc

from twinledger.client.channels import MESSAGE_BYTES_MAX
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.services.gate import MAX_OPEN_CALLS

_MAX_CALLS: Final = 2 * MAX_OPEN_CALLS
"""Where gRPC itself refuses, without a word; our own gate closes long before."""

_OPTIONS: Final = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_metadata_size", 16 << 10),
    # Clients ping quiet streams every 20 s; gRPC's default would hang up on them.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Two nodes must never share a port by accident.
    ("grpc.so_reuseport", 0),
)


def new_server() -> grpc.aio.Server:
    """A gRPC server without a port yet."""
    return grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=_MAX_CALLS)


def listen(server: grpc.aio.Server, address: str) -> None:
    """Open a server's port.

    Raises:
        LedgerError: ADDRESS_IN_USE.
    """
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError as error:
        raise LedgerError(Code.ADDRESS_IN_USE, f"{address}: {error}") from error
    if bound == 0:
        raise LedgerError(Code.ADDRESS_IN_USE, address)
