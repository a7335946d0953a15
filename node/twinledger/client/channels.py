"""Opens gRPC channels. Nothing else in the SDK does: here it is decided whom a channel trusts."""

from dataclasses import dataclass

import grpc
import grpc.aio

from twinledger.client.certificates import host_names, to_pem

MESSAGE_BYTES_MAX = 64 * 1024 * 1024
"""One block may carry many transactions; gRPC's own 4 MiB would refuse it."""

KEEPALIVE_MS = 20_000
KEEPALIVE_TIMEOUT_MS = 10_000

_OPTIONS = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    # A node that lost power sends no FIN: only a ping tells that a quiet stream is dead.
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # How long a connection may take to come up, too.
    ("grpc.min_reconnect_backoff_ms", 1_000),
    # A killed node is back within a second or two; gRPC's backoff would ignore it for minutes.
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # The SDK retries by itself, at another node; a hidden second layer would only add delay.
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    # Two clients in one process must not share one connection and its flow control.
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What this side shows: a certificate (DER) and its private key (PEM)."""

    certificate: bytes
    key: bytes


def open_channel(
    address: str, certificate: bytes | None, own: Credential | None = None
) -> grpc.aio.Channel:
    """A channel to the node at `address` (host:port); it connects on its first call.

    `certificate` (DER) is the only one that is trusted there; None, which only a consortium on one
    machine may use, means plaintext.

    Raises:
        LedgerError: BAD_CERTIFICATE.
    """
    if certificate is None:
        return grpc.aio.insecure_channel(address, options=_OPTIONS)
    name = ("grpc.ssl_target_name_override", host_names(certificate)[0])
    shown = (own.key, to_pem(own.certificate)) if own else (None, None)
    # Never without a root: gRPC would then trust every public authority.
    credentials = grpc.ssl_channel_credentials(to_pem(certificate), *shown)
    return grpc.aio.secure_channel(address, credentials, options=(*_OPTIONS, name))
