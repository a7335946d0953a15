"""Makes the tokens by which a client's calls say who makes them, and puts them on every call."""

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import grpc.aio

from twinledger.client.identity import Identity
from twinledger.ledger.read_token import BOOTSTRAP_METHOD, METADATA_KEY, make_token

_RENEW_SECONDS: Final = 20.0
"""A token is used this long: a third of its life, so that clocks may differ by the rest."""

Metadata = tuple[tuple[str, bytes], ...]


def bearer_token(identity: Identity, chain_id: bytes, node: str, method: str, now_us: int) -> str:
    """A token as HTTP's header ``Authorization: Bearer`` takes it: base64url without padding."""
    token = make_token(identity.key, identity.name, chain_id, node, method, now_us)
    return urlsafe_b64encode(token).decode().rstrip("=")


@dataclass(slots=True)
class ReadTokens:
    """The tokens of one identity on one chain.

    Attributes:
        identity: Who calls; None for a client that no node will answer.
        chain_id: The chain, 32 bytes; empty until it is known.
    """

    identity: Identity | None
    chain_id: bytes = b""
    _made: dict[tuple[str, str], tuple[float, Metadata]] = field(default_factory=dict)

    def learn_chain(self, chain_id: bytes) -> None:
        """From now on tokens are for this chain."""
        self.chain_id = chain_id
        self._made.clear()

    def metadata(self, node: str, method: str) -> Metadata:
        """What a call of a method at a node carries."""
        if self.identity is None:
            return ()
        now = time.monotonic()
        renew_at, metadata = self._made.get((node, method), (0.0, ()))
        if now >= renew_at:
            metadata = ((METADATA_KEY, self._make(self.identity, node, method)),)
            self._made[node, method] = now + _RENEW_SECONDS, metadata
        return metadata

    def _make(self, identity: Identity, node: str, method: str) -> bytes:
        # GetConsortium tells the chain, and then whether it is the one that is meant.
        chain_id = b"" if method == BOOTSTRAP_METHOD else self.chain_id
        now_us = time.time_ns() // 1000
        return make_token(identity.key, identity.name, chain_id, node, method, now_us)


@dataclass(frozen=True, slots=True)
class TokenChannel:
    """A channel for generated stubs, each of whose calls carries a token.

    Not gRPC's interceptors: those cost a task for each call, and take writing to a stream away.
    """

    channel: grpc.aio.Channel
    node: str
    tokens: ReadTokens

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """One request, one response."""
        return self._with_token(method, self.channel.unary_unary(method, *args, **kwargs))

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """One request, a stream of responses."""
        return self._with_token(method, self.channel.unary_stream(method, *args, **kwargs))

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """A stream of requests, one response."""
        return self._with_token(method, self.channel.stream_unary(method, *args, **kwargs))

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """A stream of requests, a stream of responses."""
        return self._with_token(method, self.channel.stream_stream(method, *args, **kwargs))

    def _with_token(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def with_token(*args: Any, **kwargs: Any) -> Any:
            return call(*args, metadata=self.tokens.metadata(self.node, method), **kwargs)

        return with_token
