"""A consortium of one node inside the test process: real ports, real LevelDB, its own loop."""

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.integration.calling import calling_as
from tests.transport_keys import channel
from twinledger.client import Identity
from twinledger.client.channels import Credential
from twinledger.consensus import NodeId
from twinledger.consortium.genesis import Genesis, build
from twinledger.consortium.members import Admin, Member
from twinledger.devnet.creation import HOST, free_ports
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.limits import Limits
from twinledger.ledger.names import IdentityName, MemberName
from twinledger.ledger.transaction import Signer, sign
from twinledger.node.configuration import load
from twinledger.node.node_keys import CERTIFICATE_VALIDITY_US, NodeKeys
from twinledger.node.running import Node as RunningNode
from twinledger.storage import DataFolder
from twinledger.storage.disk_room import FreeBytes, free_bytes
from twinledger.v1 import ledger_service_pb2, operation_pb2, operator_service_pb2
from twinledger.v1.ledger_service_pb2_grpc import LedgerServiceStub
from twinledger.v1.operator_service_pb2_grpc import OperatorServiceStub

MEMBER = "utility"
LIFETIME_US = 60_000_000


def free_address() -> str:
    """An address that stays free until it is used: no client is given a port of this range."""
    return f"{HOST}:{free_ports(1)[0]}"


class SingleNode:
    """Starts the node when entered, stops it when left."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits | None = None,
        pool: int = 20_000,
        peers: int = 0,
        free: FreeBytes = free_bytes,
    ) -> None:
        self.folder = folder
        self._free = free
        self.key = SigningKey.generate()
        self.held: dict[NodeId, Credential] = {}
        """What every node of the consortium can show."""
        self.admin = Signer(IdentityName(f"{MEMBER}/admin"), self.key)
        admins = [self.admin, *(_admin(name) for name in _others(peers))]
        members = [self._member(admin) for admin in admins]
        raw = build("one node", time.time_ns() // 1000, members, limits or Limits())
        self.genesis = Genesis.parse(raw)
        for admin in admins:
            self.genesis = self.genesis.signed_by(admin)
        raw = self.genesis.raw
        node = members[0].nodes[0]
        self.node_id = NodeId(node.node_id)
        self.client_address, self.peer_address = node.client_address, node.peer_address
        (folder / "genesis.json").write_bytes(raw)
        (folder / "node.toml").write_text(
            f'[node]\nid = "{node.node_id}"\n[listen]\nclient = "{node.client_address}"\n'
            f'peer = "{node.peer_address}"\n[pool]\nmax_transactions = {pool}\n'
            "[storage]\nmin_free_mib = 1\n"
        )
        DataFolder.create(folder / "data", raw, self.node_id, reserve_bytes=1 << 20)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)

    def _member(self, admin: Signer) -> Member:
        name = admin.identity.partition("/")[0]
        node_id = NodeId(f"{name}-1")
        folder = self.folder / ("keys" if name == MEMBER else f"keys-{name}")
        keys = NodeKeys.create(folder, f"{name}/{node_id}")
        self.held[node_id] = keys.transports[0]
        until_us = time.time_ns() // 1000 + CERTIFICATE_VALIDITY_US
        node = keys.record(node_id, free_address(), free_address(), valid_until_us=until_us)
        return Member(MemberName(name), (Admin("admin", admin.key.public_key),), (node,))

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(60)
        shown = self.held[self.node_id].certificate
        self.bare_channel = channel(self.client_address, shown)
        self.channel = self.channel_as(self.admin)
        # What another node would use; for a node alone, its own.
        other = next((each for node, each in self.held.items() if node != self.node_id), None)
        self.peer_channel = channel(self.peer_address, shown, other or self.held[self.node_id])
        self.ledger = LedgerServiceStub(self.channel)
        return self

    def __exit__(self, *_: object) -> None:
        self.bare_channel.close()
        self.peer_channel.close()
        self.loop.call_soon_threadsafe(self._stop.set)
        try:
            self._running.result(60)
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(30)
            self.loop.close()

    def channel_as(self, signer: Signer) -> grpc.Channel:
        """The node's channel, with calls made as an identity."""
        identity = Identity(signer.identity, signer.key)
        return calling_as(identity, self.genesis.chain_id, self.node_id, self.bare_channel)

    def discard(self) -> None:
        """Leave the folder as it is; the node never starts."""
        self.loop.close()

    async def _start(self) -> None:
        self._stop = asyncio.Event()
        self._data = DataFolder.open(self.folder / "data", min_free_bytes=1 << 20, free=self._free)
        self.node = await RunningNode.start(self._data, load(self.folder / "node.toml"))
        self._running = asyncio.run_coroutine_threadsafe(self._run(), self.loop)

    async def _run(self) -> None:
        try:
            await self.node.run_until(self._stop)
        finally:
            await self.node.close()
            self._data.close()

    def transaction(
        self,
        *operations: operation_pb2.Operation,
        signers: Sequence[Signer] = (),
        lifetime_us: int = LIFETIME_US,
        chain_id: bytes | None = None,
    ) -> bytes:
        """A signed transaction, by the admin unless said otherwise."""
        return sign(
            chain_id or self.genesis.chain_id,
            signers or [self.admin],
            operations,
            time.time_ns() // 1000 + lifetime_us,
            os.urandom(16),
        )

    def submit(self, raw: bytes, timeout_s: float = 20) -> ledger_service_pb2.TransactionStatus:
        """Submit and wait until it stands in a block."""
        request = ledger_service_pb2.SubmitRequest(transaction=raw)
        return self.ledger.Submit(request, timeout=timeout_s, wait_for_ready=True).status

    def take_writes(self) -> None:
        """Undo a drain: a test that makes every call there is made that one too."""
        request = operator_service_pb2.DrainRequest(undo=True)
        OperatorServiceStub(self.channel).Drain(request, timeout=60)

    def outcome(self, raw: bytes) -> str:
        """COMMITTED, or the code of the error, wherever it was found."""
        try:
            return self.submit(raw).receipt.outcome
        except grpc.RpcError as error:
            return code_of(error)


def _admin(member: str) -> Signer:
    return Signer(IdentityName(f"{member}/admin"), SigningKey.generate())


def _others(count: int) -> list[str]:
    return [f"other-{number}" for number in range(count)]


Detail = TypeVar("Detail", bound=Message)


def detail_of(error: grpc.RpcError, kind: type[Detail]) -> Detail:
    """The detail of this kind in a gRPC error."""
    assert isinstance(error, grpc.Call)
    status, found = rpc_status.from_call(error), kind()
    assert status is not None, f"an error without details: {error}"
    assert any(detail.Unpack(found) for detail in status.details), f"no {kind} in {error}"
    return found


def code_of(error: grpc.RpcError) -> str:
    """The catalogue's code in a gRPC error."""
    return str(detail_of(error, error_details_pb2.ErrorInfo).reason)
