"""Channels whose calls carry a read token, for tests that work on the generated stubs."""

from typing import Any, cast

import grpc

from twinledger.client import Identity
from twinledger.client.read_tokens import ReadTokens, TokenChannel


def calling_as(
    identity: Identity, chain_id: bytes, node: str, channel: grpc.Channel
) -> grpc.Channel:
    """The channel to a node, each of whose calls says that this identity makes it."""
    # The SDK's wrapper serves both kinds of channel; only their types are two.
    wrapped = TokenChannel(cast("Any", channel), node, ReadTokens(identity, chain_id))
    return cast("grpc.Channel", wrapped)
