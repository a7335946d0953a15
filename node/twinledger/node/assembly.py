"""Puts a node together from its parts, and takes it apart again.

The only file that knows all parts. What is made here: the consensus core with what the disk holds,
two threads for disk and execution, a small pool for signatures, and two ports.
"""

import asyncio
import itertools
import logging
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Self

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from twinledger import consensus
from twinledger.consensus import Index, NodeId, Raft, Settings, Verdict
from twinledger.consortium.genesis import Genesis
from twinledger.execution.execute import genesis_block
from twinledger.execution.results import Execution, Parent
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node.applier import Applier
from twinledger.node.configuration import Configuration
from twinledger.node.disk_watch import DiskWatch
from twinledger.node.feed import Feed
from twinledger.node.pool import Pool
from twinledger.node.ports import listen, new_server
from twinledger.node.preparation import Preparation
from twinledger.node.proposer import Proposer
from twinledger.node.reads import ReadHeights
from twinledger.node.replica import Replica
from twinledger.node.services.consortium_service import ConsortiumService
from twinledger.node.services.handlers import service_handler
from twinledger.node.services.ledger_service import LedgerService
from twinledger.node.services.operator_service import OperatorService
from twinledger.node.services.peer_service import PeerService
from twinledger.node.services.twin_service import TwinService
from twinledger.node.submission import Submission
from twinledger.node.transport import PROTOCOL_VERSION, Peer, Transport
from twinledger.node.updates import Updates
from twinledger.storage import DataFolder, PeerMemory, Shown, Stores
from twinledger.v1 import (
    consortium_service_pb2,
    ledger_service_pb2,
    operator_service_pb2,
    peer_service_pb2,
    twin_service_pb2,
)

_HOUSEKEEPING_S: Final = 0.2
_STOP_GRACE_S: Final = 2.0
_SAVE_MEMORY_EVERY: Final = 25
"""Beats of housekeeping, five seconds: the memory of peers helps against operators, not crashes."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Node:
    """A running node."""

    replica: Replica
    applier: Applier
    submission: Submission
    proposer: Proposer
    feed: Feed[Any]
    disk_watch: DiskWatch
    stores: Stores
    memory: PeerMemory
    _executors: list[ThreadPoolExecutor]
    _servers: list[grpc.aio.Server] = field(default_factory=list)
    _health: Any = field(default_factory=HealthServicer)
    _stopping: bool = False

    @classmethod
    async def start(cls, folder: DataFolder, configuration: Configuration) -> Self:
        """Open the stores, put the parts together, and open the ports.

        Raises:
            LedgerError: what is wrong with genesis, data or addresses.
            StorageFailure: the disk refused.
        """
        started_s = time.monotonic()
        genesis = _read_genesis(folder, configuration)
        stores = folder.open_stores()
        try:
            node = cls._build(folder, configuration, genesis, stores)
            await node.serve(folder, configuration, genesis, started_s)
        except BaseException:
            stores.close()
            raise
        logger.info("the node is up", extra={"height": node.feed.height})
        return node

    @classmethod
    def _build(
        cls, folder: DataFolder, configuration: Configuration, genesis: Genesis, stores: Stores
    ) -> Self:
        chain = stores.chain
        if chain.applied_height is None:
            chain.apply(genesis_block(genesis))
        disk, execution = ThreadPoolExecutor(1, "disk"), ThreadPoolExecutor(1, "execution")
        checks = ThreadPoolExecutor(max(2, os.cpu_count() or 1), "signatures")
        preparation = Preparation(checks, genesis.limits, folder.chain_id)
        parent = Parent.of(chain.header(chain.applied_height or 0))
        feed: Feed[Any] = Feed(parent.height)
        pool = Pool(configuration.pool.max_transactions, configuration.pool.max_bytes)
        memory = folder.peer_memory()
        transport = _transport(folder, configuration, genesis, stores, memory)
        replica = Replica(
            core=_core(folder, configuration, genesis, stores),
            log=stores.log,
            transport=transport,
            disk=disk,
            tick_s=configuration.consensus.tick_ms / 1000,
            limits=genesis.limits,
        )
        for peer in transport.peers.values():
            peer.lost = replica.lost
        disk_watch = DiskWatch(folder.disk, replica)
        proposer = Proposer(
            pool,
            replica,
            transport,
            genesis.limits,
            feed,
            configuration.consensus.max_blocks_in_flight,
        )
        submission = Submission(
            chain, pool, preparation, feed, proposer, genesis.limits, parent.time_us
        )
        applier = Applier(chain, preparation, execution, folder.chain_id, genesis.limits, parent)
        node = cls(
            replica,
            applier,
            submission,
            proposer,
            feed,
            disk_watch,
            stores,
            memory,
            [disk, execution, checks],
        )
        applier.executed = node._executed
        replica.leadership_changed = node._leadership_changed
        proposer.refused = submission.refused
        submission.refusing = node._refusal
        return node

    async def run_until(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; raises what must stop the node before that."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.replica.run(), name="replica"),
                group.create_task(self.applier.run(self.replica.committed), name="applier"),
                group.create_task(self.proposer.run(), name="forwarder"),
                group.create_task(self.replica.transport.run(), name="transport"),
                group.create_task(self._keep_house(), name="housekeeping"),
            ]
            await stop.wait()
            await self._leave()
            for task in tasks:
                task.cancel()

    async def close(self) -> None:
        """Close ports, threads and stores, in this order."""
        self.feed.close()
        await asyncio.gather(*(server.stop(_STOP_GRACE_S) for server in self._servers))
        for executor in self._executors:
            executor.shutdown()
        self.stores.close()

    async def _leave(self) -> None:
        """Stop taking transactions and hand over leadership, so that nobody waits for a timeout."""
        logger.info("the node stops")
        self._stopping = True
        await self._health.enter_graceful_shutdown()
        if self.replica.leads:
            await self.replica.hand_over()

    async def _keep_house(self) -> None:
        for beat in itertools.count():
            self.disk_watch.look()
            self.replica.note_acknowledged(self.memory)
            if beat % _SAVE_MEMORY_EVERY == 0 and not self.disk_watch.low:
                self.memory.save()
            # Something may wait that nothing else will wake: a refused proposal, a lost forward.
            self.proposer.wake()
            await asyncio.sleep(_HOUSEKEEPING_S)

    def _executed(self, execution: Execution) -> None:
        height = execution.header.height
        self.submission.executed(execution)
        self.feed.advance(height)
        self.replica.applied(Index(height))
        self.proposer.wake()

    def _leadership_changed(self) -> None:
        core = self.replica.core
        logger.info(
            "leadership",
            extra={"term": core.term, "leader": core.leader, "role": str(core.role)},
        )
        self.proposer.wake()

    def _refusal(self) -> LedgerError | None:
        if self._stopping:
            return LedgerError(Code.STOPPING)
        return self.disk_watch.refusal()

    async def serve(
        self, folder: DataFolder, configuration: Configuration, genesis: Genesis, started_s: float
    ) -> None:
        """Open the ports.

        Raises:
            LedgerError: ADDRESS_IN_USE.
        """
        chain = self.stores.chain
        client_server, peer_server = new_server(), new_server()
        reads = ReadHeights(self.replica)
        self.replica.read_answered = reads.answered
        services = {
            ledger_service_pb2: LedgerService(
                self.submission, self.feed, chain, folder.chain_id, genesis.limits, reads
            ),
            twin_service_pb2: TwinService(chain, Updates(chain, genesis.limits), self.feed),
            consortium_service_pb2: ConsortiumService(chain, folder.chain_id),
            operator_service_pb2: OperatorService(
                folder.node_id,
                _member_of(genesis, folder),
                folder.chain_id,
                self.replica,
                chain,
                self.submission.pool,
                self.disk_watch,
                self.feed,
                started_s,
            ),
        }
        names = [reflection.SERVICE_NAME, health.SERVICE_NAME]
        for module, implementation in services.items():
            (service,) = module.DESCRIPTOR.services_by_name.values()
            client_server.add_generic_rpc_handlers((service_handler(service, implementation),))
            names.append(service.full_name)
        peers = PeerService(
            lambda: _hello(folder, self.stores),
            folder.node_id,
            folder.chain_id,
            self.memory,
            self.replica,
            self.submission,
            self.applier.preparation,
            genesis.limits,
        )
        (service,) = peer_service_pb2.DESCRIPTOR.services_by_name.values()
        peer_server.add_generic_rpc_handlers((service_handler(service, peers),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, client_server)
        reflection.enable_server_reflection(names, client_server)
        for name in ("", *names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        listen(client_server, configuration.listen.client)
        listen(peer_server, configuration.listen.peer)
        await peer_server.start()
        await client_server.start()
        self._servers = [client_server, peer_server]


def _read_genesis(folder: DataFolder, configuration: Configuration) -> Genesis:
    try:
        given = configuration.node.genesis.read_bytes()
    except OSError as error:
        raise LedgerError(
            Code.CONFIG_INVALID, f"{configuration.node.genesis}: {error.strerror}"
        ) from error
    if given != folder.genesis:
        raise LedgerError(
            Code.GENESIS_MISMATCH,
            f"{configuration.node.genesis} is not the genesis this data folder was made with",
        )
    if configuration.node.id != folder.node_id:
        raise LedgerError(
            Code.CONFIG_INVALID,
            f"the data folder belongs to {folder.node_id}, not to {configuration.node.id}",
        )
    return Genesis.parse(given)


def _member_of(genesis: Genesis, folder: DataFolder) -> str:
    for member, record in genesis.nodes:
        if record.node_id == folder.node_id:
            return member
    raise LedgerError(Code.CONFIG_INVALID, f"the genesis file has no node {folder.node_id}")


def _transport(
    folder: DataFolder,
    configuration: Configuration,
    genesis: Genesis,
    stores: Stores,
    memory: PeerMemory,
) -> Transport:
    elsewhere = configuration.peers.root

    def peer(node_id: NodeId, address: str) -> Peer:
        return Peer(
            node_id,
            elsewhere.get(node_id, address),
            hello=lambda: _hello(folder, stores),
            check=lambda hello: memory.check(node_id, Shown(hello.boot, hello.height)),
        )

    return Transport(
        {
            record.node_id: peer(record.node_id, record.peer_address)
            for _, record in genesis.nodes
            if record.node_id != folder.node_id
        }
    )


def _hello(folder: DataFolder, stores: Stores) -> peer_service_pb2.PeerHello:
    return peer_service_pb2.PeerHello(
        node_id=folder.node_id,
        chain_id=folder.chain_id,
        protocol_version=PROTOCOL_VERSION,
        boot=folder.boot,
        height=stores.log.last_index(),
    )


def _core(
    folder: DataFolder, configuration: Configuration, genesis: Genesis, stores: Stores
) -> Raft:
    ticks = configuration.consensus
    draw = random.SystemRandom()
    applied = stores.chain.applied_height or 0
    settings = Settings(
        node=folder.node_id,
        next_election_timeout=lambda: draw.randrange(
            ticks.election_ticks, 2 * ticks.election_ticks
        ),
        election_ticks=ticks.election_ticks,
        heartbeat_ticks=ticks.heartbeat_ticks,
    )
    # Membership is what genesis says until the ledger governs it.
    voters = tuple(sorted(record.node_id for _, record in genesis.nodes))
    return Raft(
        settings,
        stores.log,
        hard_state=stores.log.hard_state,
        commit=Index(max(min(stores.log.commit, stores.log.last_index()), applied)),
        applied=Index(applied),
        configuration=consensus.Configuration(voters),
        verdict=lambda _: Verdict.REFUSE,
    )
