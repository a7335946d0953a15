"""How one peer is dialled: where, what it must show, and what this node shows there."""

from collections.abc import Callable
from dataclasses import dataclass, field

import grpc

from twinledger.client.channels import Credential, open_channel
from twinledger.client.diagnosis import diagnose
from twinledger.ledger.errors import Code, LedgerError


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a peer: both certificates are None where nothing is encrypted."""

    address: str
    certificate: bytes | None = None
    own: Credential | None = None

    def open(self) -> grpc.aio.Channel:
        """A channel that goes this way; it trusts nothing but the peer's certificate.

        Raises:
            LedgerError: BAD_CERTIFICATE.
        """
        return open_channel(self.address, self.certificate, self.own)


@dataclass(frozen=True, slots=True)
class Dialling:
    """All ways to one peer. Two are equal when they lead to the same node in the same ways.

    Attributes:
        address: Where it is dialled, host:port.
        certificates: Those of its record (DER), the newest last; None where nothing is encrypted.
        own: What this node shows, the newest first.
        whose: Says in words whose certificate (DER) it is.
    """

    address: str
    certificates: tuple[bytes, ...] | None
    own: tuple[Credential, ...] = ()
    whose: Callable[[bytes], str] = field(compare=False, default=lambda _: "another certificate")

    @property
    def ways(self) -> list[Way]:
        """The ways in the order they are tried, the newest certificates first."""
        if self.certificates is None:
            return [Way(self.address)]
        pairs = [(shown, own) for own in self.own for shown in reversed(self.certificates)]
        return [Way(self.address, shown, own) for shown, own in pairs]

    def way(self, number: int) -> Way:
        """The way of a numbered try: while certificates change, tries go through all of them.

        Raises:
            LedgerError: BAD_CERTIFICATE when the record has none.
        """
        ways = self.ways
        if not ways:
            raise LedgerError(Code.BAD_CERTIFICATE, f"there is none for {self.address}")
        return ways[number % len(ways)]

    def leads_to(self, way: Way | None) -> bool:
        """Whether the other end of a way is still the one that is meant.

        What this node shows does not matter here: whoever does not take it any more hangs up, and
        must not think that this node is gone because it hung up first.
        """
        return way is not None and (way.address, way.certificate) in {
            (other.address, other.certificate) for other in self.ways
        }

    async def mistake(self) -> LedgerError | None:
        """What keeps TLS from working there; None when it does, or nobody answers."""
        own = self.own[0] if self.own else None
        return await diagnose(self.address, self.certificates, self.whose, own)
