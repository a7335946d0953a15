"""The nodes a client knows and trusts, and the one it talks to now."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import grpc.aio

from twinledger.client.certificates import fingerprint
from twinledger.client.channels import open_channel
from twinledger.client.diagnosis import diagnose
from twinledger.client.profile import Profile
from twinledger.client.read_tokens import ReadTokens, TokenChannel
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1.consortium_service_pb2_grpc import ConsortiumServiceStub
from twinledger.v1.ledger_service_pb2_grpc import LedgerServiceStub
from twinledger.v1.operator_service_pb2_grpc import OperatorServiceStub
from twinledger.v1.twin_service_pb2_grpc import TwinServiceStub

if TYPE_CHECKING:
    from twinledger.v1.consortium_service_pb2_grpc import ConsortiumServiceAsyncStub
    from twinledger.v1.ledger_service_pb2_grpc import LedgerServiceAsyncStub
    from twinledger.v1.operator_service_pb2_grpc import OperatorServiceAsyncStub
    from twinledger.v1.twin_service_pb2_grpc import TwinServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a node is and what it must show.

    Attributes:
        address: Its client address, host:port.
        certificate: The certificate (DER) that is trusted there; None means plaintext.
        node_id: The node's id, as far as it is known.
    """

    address: str
    certificate: bytes | None = None
    node_id: str = ""


def endpoints_of(profile: Profile) -> list[Endpoint]:
    """The ways to the nodes of a profile; a node with two certificates has two, the newer first."""
    return [
        Endpoint(node.client_address, certificate, node.node_id)
        for node in profile.nodes
        for certificate in ((None,) if profile.insecure else reversed(node.certificates))
    ]


@dataclass(frozen=True, slots=True)
class Node:
    """One node as a client sees it: where it is and its services."""

    endpoint: Endpoint
    channel: grpc.aio.Channel
    ledger: "LedgerServiceAsyncStub"
    twins: "TwinServiceAsyncStub"
    consortium: "ConsortiumServiceAsyncStub"
    operator: "OperatorServiceAsyncStub"

    @property
    def address(self) -> str:
        """Its client address, host:port."""
        return self.endpoint.address

    @classmethod
    def at(cls, endpoint: Endpoint, tokens: ReadTokens) -> "Node":
        """The node there, called with `tokens`; nothing is sent until the first call.

        Raises:
            LedgerError: BAD_CERTIFICATE.
        """
        channel = open_channel(endpoint.address, endpoint.certificate)
        named = TokenChannel(channel, endpoint.node_id or endpoint.address, tokens)
        stamped = cast("grpc.aio.Channel", named)
        return cls(
            endpoint,
            channel,
            # The generated classes serve both kinds of channel; only their types are two.
            cast("LedgerServiceAsyncStub", LedgerServiceStub(stamped)),
            cast("TwinServiceAsyncStub", TwinServiceStub(stamped)),
            cast("ConsortiumServiceAsyncStub", ConsortiumServiceStub(stamped)),
            cast("OperatorServiceAsyncStub", OperatorServiceStub(stamped)),
        )


class Nodes:
    """A ring of nodes. A client stays with one until it fails, then turns to the next."""

    def __init__(self, endpoints: Iterable[Endpoint], tokens: ReadTokens) -> None:
        """`endpoints` in the order they are tried."""
        self._endpoints = list(dict.fromkeys(endpoints))
        if not self._endpoints:
            raise LedgerError(Code.BAD_REQUEST, "a client needs the address of at least one node")
        self._tokens = tokens
        self._open: dict[Endpoint, Node] = {}
        self._reached: dict[str, int] = {}
        self._position = 0
        self._closed = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address known."""
        return tuple(dict.fromkeys(endpoint.address for endpoint in self._endpoints))

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """Every way to a node, in the order they are tried."""
        return tuple(self._endpoints)

    @property
    def current(self) -> Node:
        """The node to talk to now.

        Raises:
            LedgerError: BAD_REQUEST when the client has been closed.
        """
        if self._closed:
            raise LedgerError(Code.BAD_REQUEST, "this client has been closed")
        endpoint = self._endpoints[self._position]
        if endpoint not in self._open:
            self._open[endpoint] = Node.at(endpoint, self._tokens)
        return self._open[endpoint]

    def only(self, name: str) -> "Nodes":
        """A ring of its own of nothing but the ways to one node, by its id or client address.

        Raises:
            LedgerError: NO_SUCH_NODE, naming those there are.
        """
        ways = [each for each in self._endpoints if name in (each.node_id, each.address)]
        if not ways:
            known = dict.fromkeys(each.node_id or each.address for each in self._endpoints)
            raise LedgerError(Code.NO_SUCH_NODE, f"{name}; known are {', '.join(known)}")
        return Nodes(ways, self._tokens)

    async def mistakes(self) -> list[LedgerError | None]:
        """For every address: what keeps TLS from working there, if that can be told."""
        expected: dict[str, list[bytes]] = {address: [] for address in self.addresses}
        for endpoint in self._endpoints:
            if endpoint.certificate is not None:
                expected[endpoint.address].append(endpoint.certificate)
        looks = (
            diagnose(address, certificates or None, self._whose)
            for address, certificates in expected.items()
        )
        return await asyncio.gather(*looks)

    def _whose(self, certificate: bytes) -> str:
        short = fingerprint(certificate)[:16]
        for endpoint in self._endpoints:
            if endpoint.certificate == certificate:
                return f"the certificate {short} of {endpoint.node_id}"
        return f"the certificate {short}, which this client does not know"

    def learn(self, endpoints: Iterable[Endpoint]) -> None:
        """Adds what is not known yet, behind what is."""
        known = set(self._endpoints)
        self._endpoints += [each for each in dict.fromkeys(endpoints) if each not in known]

    def follow(self, endpoints: Iterable[Endpoint]) -> None:
        """Keeps to these from now on: forgets what is not among them, adds what is new behind.

        What is forgotten is not called any more; calls that are under way end as they end.
        """
        wanted = dict.fromkeys(endpoints)
        current = self._endpoints[self._position]
        kept = [each for each in self._endpoints if each in wanted]
        self._endpoints = list(dict.fromkeys([*kept, *wanted])) or self._endpoints
        found = current in self._endpoints
        self._position = self._endpoints.index(current) if found else 0

    def reached(self, node: Node) -> int:
        """The height that `node` is known to have executed."""
        return self._reached.get(node.address, 0)

    def note_reached(self, node: Node, height: int) -> None:
        """Remembers that `node` has executed `height`."""
        self._reached[node.address] = max(height, self.reached(node))

    def leave(self, node: Node) -> None:
        """Turns to the next node, unless another call has already turned away from `node`."""
        # A node that comes back after a restart may execute again what it had executed before.
        self._reached.pop(node.address, None)
        if self.current is node:
            self._position = (self._position + 1) % len(self._endpoints)

    async def close(self) -> None:
        """Closes every channel, for good."""
        self._closed = True
        for node in self._open.values():
            await node.channel.close(None)
        self._open.clear()
