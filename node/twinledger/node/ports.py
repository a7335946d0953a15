"""Opens listening ports. Nothing else in the node does: here it is decided who may connect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

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


class Shown(NamedTuple):
    """What a port shows, and whom it trusts."""

    pairs: list[tuple[bytes, bytes]]
    """Private key and certificate (PEM), the first unless another is asked for by its name."""
    roots: bytes | None = None
    """The only certificates (PEM) that may connect; None where everybody may."""


@dataclass(slots=True)
class Showing:
    """Tells gRPC what a port shows and whom it trusts: once, and again whenever that has changed.

    gRPC asks at every connection, in threads of its own. Whatever it is told takes the place of
    what it had, which it frees even while another connection's handshake is taking it up (1.85.1:
    `try_replace_server_handshaker_factory` is not held off by the handshakers that are being made).
    Told at every connection, a node dies of a few hundred strangers who connect at once.
    """

    look: Callable[[], Shown]
    _told: Shown | None = None

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        """What gRPC is to use from now on; None when it is what it was told last."""
        shown = self.look()
        if shown == self._told:
            return None
        self._told = shown
        return grpc.ssl_server_certificate_configuration(shown.pairs, shown.roots)


def credentials_for_clients(held: Held) -> grpc.ServerCredentials:
    """TLS that asks the other side for no certificate: clients sign what they send."""
    return _credentials(lambda: Shown(_pairs(held())), require=False)


def credentials_for_peers(held: Held, roots: Callable[[], bytes]) -> grpc.ServerCredentials:
    """TLS that demands a certificate out of `roots` (PEM).

    Both are asked anew for every connection, in threads of gRPC's.
    """
    return _credentials(lambda: Shown(_pairs(held()), roots()), require=True)


def _credentials(look: Callable[[], Shown], *, require: bool) -> grpc.ServerCredentials:
    # The published types do not know that None stands for "as before".
    told = cast("Callable[[], grpc.ServerCertificateConfiguration]", Showing(look))
    return grpc.dynamic_ssl_server_credentials(told(), told, require_client_authentication=require)


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
