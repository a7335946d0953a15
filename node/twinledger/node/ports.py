"""Opens listening ports. Nothing else in the node does: here it is decided who may connect."""

from collections.abc import Callable, Sequence
from typing import Final

import grpc

from twinledger.client.certificates import to_pem
from twinledger.client.channels import MESSAGE_BYTES_MAX, Credential
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.services.gate import MAX_OPEN_CALLS

_MAX_CALLS: Final = 2 * MAX_OPEN_CALLS
"""Where gRPC itself refuses, without a word; our own gate closes long before."""

_OPTIONS: Final = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_metadata_size", 16 << 10),
    # One connection may not take every place at the gate.
    ("grpc.max_concurrent_streams", MAX_OPEN_CALLS // 4),
    # A client that lost power sends no FIN: without a ping its streams would be open for ever.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Clients ping quiet streams every 20 s; gRPC's default would hang up on them.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Whoever connects has this long to say who it is.
    ("grpc.server_handshake_timeout_ms", 10_000),
    # Two nodes must never share a port by accident.
    ("grpc.so_reuseport", 0),
)

Held = Callable[[], Sequence[Credential]]
"""What this node shows now, the first unless another is asked for by its name."""


def new_server() -> grpc.aio.Server:
    """A gRPC server without a port yet."""
    return grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=_MAX_CALLS)


def credentials_for_clients(held: Held) -> grpc.ServerCredentials:
    """TLS that asks the other side for no certificate: clients sign what they send."""

    def now() -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(_pairs(held()))

    return grpc.dynamic_ssl_server_credentials(now(), now, require_client_authentication=False)


def credentials_for_peers(held: Held, roots: Callable[[], bytes]) -> grpc.ServerCredentials:
    """TLS that demands a certificate out of `roots` (PEM).

    Both are asked anew for every connection, in threads of gRPC's.
    """

    def now() -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(_pairs(held()), roots())

    return grpc.dynamic_ssl_server_credentials(now(), now, require_client_authentication=True)


def listen(
    server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None
) -> None:
    """Open a server's port; without credentials it speaks plaintext.

    Raises:
        LedgerError: ADDRESS_IN_USE.
    """
    try:
        if credentials is None:
            bound = server.add_insecure_port(address)
        else:
            bound = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise LedgerError(Code.ADDRESS_IN_USE, f"{address}: {error}") from error
    if bound == 0:
        raise LedgerError(Code.ADDRESS_IN_USE, address)


def _pairs(held: Sequence[Credential]) -> list[tuple[bytes, bytes]]:
    return [(each.key, to_pem(each.certificate)) for each in held]
