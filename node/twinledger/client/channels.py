"""Opens gRPC channels. Nothing else in the SDK does, so that TLS has one place to go."""

import grpc.aio

MESSAGE_BYTES_MAX = 64 * 1024 * 1024
"""One block may carry many transactions; gRPC's own 4 MiB would refuse it."""

KEEPALIVE_MS = 20_000
KEEPALIVE_TIMEOUT_MS = 10_000

REDIAL_MS = 1_000
"""A killed node is back within a second or two; gRPC's backoff would ignore it for minutes."""

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
    # The SDK retries by itself, at another node; a hidden second layer would only add delay.
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    # Two clients in one process must not share one connection and its flow control.
    ("grpc.use_local_subchannel_pool", 1),
)


def open_channel(address: str, *, redial_ms: int = REDIAL_MS) -> grpc.aio.Channel:
    """A channel to the node at `address` (host:port); it connects on its first call.

    `redial_ms` is the longest pause before it connects again to a node that refused.
    """
    options = (*_OPTIONS, ("grpc.max_reconnect_backoff_ms", redial_ms))
    return grpc.aio.insecure_channel(address, options=options)
