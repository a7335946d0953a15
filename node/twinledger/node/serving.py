"""The two ports of a node: one for clients, one for other nodes, with everything they serve."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection, reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

from twinledger.client.channels import Credential
from twinledger.node.assembly import Parts
from twinledger.node.backing_up import BackingUp
from twinledger.node.foundation import Foundation
from twinledger.node.ports import (
    credentials_for_clients,
    credentials_for_peers,
    listen,
    new_server,
)
from twinledger.node.proving import Proving
from twinledger.node.services.consortium_service import ConsortiumService
from twinledger.node.services.door import Door
from twinledger.node.services.gate import Gate
from twinledger.node.services.handlers import Told, certificate, nothing, service_handler
from twinledger.node.services.ledger_service import LedgerService
from twinledger.node.services.operator_service import OperatorService
from twinledger.node.services.peer_service import PeerService
from twinledger.node.services.proof_answers import ProofAnswers
from twinledger.node.services.twin_service import TwinService
from twinledger.node.updates import Updates
from twinledger.v1 import (
    consortium_service_pb2,
    ledger_service_pb2,
    operator_service_pb2,
    peer_service_pb2,
    twin_service_pb2,
)

_CLIENT_GRACE_S: Final = 2.0
_PEER_GRACE_S: Final = 0.1
"""Streams between nodes never end by themselves."""


class Ports:
    """Both servers; open from `open` to `close`."""

    def __init__(self, foundation: Foundation, parts: Parts) -> None:
        """Register every service; no port is open yet."""
        self._foundation = foundation
        self._health: Any = HealthServicer()
        self._clients, self._peers = new_server(), new_server()
        self._names = [reflection.SERVICE_NAME, health.SERVICE_NAME]
        self.door = door = _door(foundation)
        gate = Gate()
        for file, implementation in _client_services(foundation, parts).items():
            service = _register(self._clients, file, implementation, gate, door=door)
            self._names.append(service.full_name)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._clients)
        told = Reflection(ReflectionServicer(self._names))
        _register(self._clients, reflection_pb2.DESCRIPTOR, told, gate, door=door)
        peers = _peer_service(foundation, parts)
        _register(self._peers, peer_service_pb2.DESCRIPTOR, peers, Gate(), certificate)

    async def open(self) -> None:
        """Open both ports.

        Raises:
            LedgerError: ADDRESS_IN_USE.
        """
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        addresses, records = self._foundation.configuration.listen, self._foundation.records
        secure = not records.insecure
        for_clients = credentials_for_clients(self._shown) if secure else None
        for_peers = credentials_for_peers(self._shown, records.roots) if secure else None
        listen(self._clients, addresses.client, for_clients)
        listen(self._peers, addresses.peer, for_peers)
        await self._peers.start()
        await self._clients.start()

    def _shown(self) -> Sequence[Credential]:
        return self._foundation.records.shown(self._foundation.held.held)

    async def leave(self) -> None:
        """Tell whoever asks for this node's health that it is going."""
        await self._health.enter_graceful_shutdown()

    async def close(self) -> None:
        """Close both ports; calls of clients have a moment to end."""
        await asyncio.gather(self._clients.stop(_CLIENT_GRACE_S), self._peers.stop(_PEER_GRACE_S))


def _register(
    server: grpc.aio.Server,
    file: FileDescriptor,
    implementation: object,
    gate: Gate,
    told: Told = nothing,
    door: Door | None = None,
) -> ServiceDescriptor:
    (service,) = file.services_by_name.values()
    server.add_generic_rpc_handlers((service_handler(service, implementation, gate, told, door),))
    return service


def _door(foundation: Foundation) -> Door:
    folder = foundation.folder
    return Door(foundation.stores.chain, folder.chain_id, folder.node_id, foundation.member)


@dataclass(frozen=True, slots=True)
class Reflection:
    """gRPC's reflection, behind the same door as everything else."""

    servicer: ReflectionServicer

    async def server_reflection_info(
        self, requests: AsyncIterator[Message]
    ) -> AsyncIterator[Message]:
        """Tell what services there are."""
        async for response in self.servicer.ServerReflectionInfo(requests, None):
            yield response


def _client_services(foundation: Foundation, parts: Parts) -> dict[FileDescriptor, object]:
    chain = foundation.stores.chain
    chain_id = foundation.folder.chain_id
    return {
        ledger_service_pb2.DESCRIPTOR: LedgerService(
            parts.submission,
            parts.feed,
            chain,
            chain_id,
            parts.reads,
            parts.heads,
            Proving(chain, parts.heads, foundation.genesis.body),
        ),
        twin_service_pb2.DESCRIPTOR: TwinService(chain, Updates(chain), parts.feed),
        consortium_service_pb2.DESCRIPTOR: ConsortiumService(chain, chain_id),
        operator_service_pb2.DESCRIPTOR: OperatorService(
            foundation.folder.node_id,
            foundation.member,
            chain_id,
            parts.replica,
            chain,
            parts.pool,
            parts.disk_watch,
            parts.duties,
            parts.leader_watch,
            parts.feed,
            foundation.records,
            parts.heads,
            _backing_up(foundation),
            started_s=time.monotonic(),
        ),
    }


def _backing_up(foundation: Foundation) -> BackingUp:
    stores, folder = foundation.stores, foundation.folder
    return BackingUp(stores.log, stores.heads, folder.snapshots, folder.genesis)


def _peer_service(foundation: Foundation, parts: Parts) -> PeerService:
    return PeerService(
        foundation.hello,
        foundation.folder.node_id,
        foundation.folder.chain_id,
        foundation.check_greeting,
        parts.replica,
        parts.submission,
        parts.preparation,
        foundation.limits,
        foundation.records,
        foundation.folder.snapshots,
        parts.heads,
        ProofAnswers(foundation.stores.chain, foundation.stores.heads),
        parts.leader_watch.received,
    )
