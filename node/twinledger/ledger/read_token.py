"""The token by which a client's call says who makes it; ``docs/formats``, "Read token".

A token opens calls of one method at one node of one chain for at most a minute, so whoever gets
hold of one can repeat a read for that long, and do nothing else with it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from google.protobuf.message import DecodeError

from twinledger.ledger import domains, keys, names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import IdentityName
from twinledger.v1.read_token_pb2 import ReadToken as WireToken
from twinledger.v1.read_token_pb2 import ReadTokenBody

METADATA_KEY: Final = "twinledger-read-token-bin"
LIFETIME_US: Final = 60_000_000
"""The longest a token may live."""
CLOCK_SKEW_US: Final = 10_000_000
"""How far the maker's clock may be ahead of the node's."""
TOKEN_BYTES_MAX: Final = 1024
BOOTSTRAP_METHOD: Final = "/twinledger.v1.ConsortiumService/GetConsortium"
"""The call by which a client learns the chain's id: the one whose token need not name it."""

TILES_METHOD: Final = "/tiles"
"""What a token names that is shown for the history tree over HTTP."""


class Signs(Protocol):
    """Whatever signs: a key in memory, or one that never leaves its device."""

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of a message."""
        ...


@dataclass(frozen=True, slots=True)
class ReadToken:
    """A token as it was received; nothing of it has been checked.

    Attributes:
        body: The bytes that were signed.
        signature: The signature over them.
        chain_id: The chain it is for; empty when the maker does not know it yet.
        node: The node it is for.
        method: The method it is for.
        identity: Who says that it made it.
        issued_at_us: When it was made.
        expires_at_us: Until when it holds.
    """

    body: bytes
    signature: bytes
    chain_id: bytes
    node: str
    method: str
    identity: IdentityName
    issued_at_us: int
    expires_at_us: int

    @classmethod
    def parse(cls, raw: bytes) -> ReadToken:
        """Reads a token, or raises TOKEN_REFUSED."""
        if len(raw) > TOKEN_BYTES_MAX:
            raise LedgerError(Code.TOKEN_REFUSED, f"it has more than {TOKEN_BYTES_MAX} bytes")
        try:
            token = WireToken.FromString(raw)
            body = ReadTokenBody.FromString(token.body)
            identity = names.identity(body.identity)
        except (DecodeError, LedgerError):
            raise LedgerError(Code.TOKEN_REFUSED, "it is no token") from None
        return cls(
            token.body,
            token.signature,
            body.chain_id,
            body.node,
            body.method,
            identity,
            body.issued_at_us,
            body.expires_at_us,
        )

    def check(self, chain_id: bytes, node_names: Collection[str], method: str) -> None:
        """Refuses, with TOKEN_REFUSED, a token that was made for something else.

        What it should have said is not told: the caller is nobody yet.
        """
        if self.chain_id != chain_id and (self.chain_id or method != BOOTSTRAP_METHOD):
            raise LedgerError(Code.TOKEN_REFUSED, "it is for another chain")
        if self.node not in node_names:
            raise LedgerError(Code.TOKEN_REFUSED, "it is for another node")
        if self.method != method:
            raise LedgerError(Code.TOKEN_REFUSED, "it is for another method")

    def check_time(self, now_us: int) -> None:
        """Refuses, with TOKEN_EXPIRED, what holds no more, not yet, or for too long."""
        if self.expires_at_us - self.issued_at_us > LIFETIME_US:
            raise LedgerError(Code.TOKEN_EXPIRED, "it lives longer than a minute")
        if self.issued_at_us > now_us + CLOCK_SKEW_US:
            ahead_s = (self.issued_at_us - now_us) / 1e6
            raise LedgerError(Code.TOKEN_EXPIRED, f"its maker's clock is {ahead_s:.0f} s ahead")
        if now_us > self.expires_at_us:
            since_s = (now_us - self.expires_at_us) / 1e6
            raise LedgerError(Code.TOKEN_EXPIRED, f"{since_s:.0f} s ago")

    def check_signature(self, public_key: bytes) -> None:
        """Refuses, with TOKEN_REFUSED, what this key has not signed."""
        try:
            keys.verify(public_key, domains.READ_TOKEN + self.body, self.signature)
        except LedgerError:
            raise LedgerError(Code.TOKEN_REFUSED, "nobody known has signed it") from None


def make_token(
    signer: Signs, identity: str, chain_id: bytes, node: str, method: str, now_us: int
) -> bytes:
    """A token that lives for a minute.

    Args:
        signer: The identity's key.
        identity: Who calls, member/name.
        chain_id: The chain, 32 bytes; or empty, for `BOOTSTRAP_METHOD`.
        node: The node's id, or the client address that the ledger has for it.
        method: The full method name, as gRPC sends it.
        now_us: The clock.

    Returns:
        The bytes that go into the call's metadata, under `METADATA_KEY`.
    """
    body = ReadTokenBody(
        chain_id=chain_id,
        node=node,
        method=method,
        identity=identity,
        issued_at_us=now_us,
        expires_at_us=now_us + LIFETIME_US,
    ).SerializeToString()
    signature = signer.sign(domains.READ_TOKEN + body)
    return WireToken(body=body, signature=signature).SerializeToString()
