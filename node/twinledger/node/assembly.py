"""Puts the working parts of a node together. The only file that knows all of them."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from twinledger.consensus import Index, NodeId, Raft, Settings, Verdict
from twinledger.consortium.governed import load_configuration
from twinledger.consortium.nodes import Node
from twinledger.execution.results import Parent
from twinledger.node.applier import Applier
from twinledger.node.dialling import Dialling
from twinledger.node.disk_watch import DiskWatch
from twinledger.node.feed import Feed
from twinledger.node.foundation import Foundation
from twinledger.node.pool import Pool
from twinledger.node.preparation import Preparation
from twinledger.node.proposer import Proposer
from twinledger.node.reads import ReadHeights
from twinledger.node.replica import Replica
from twinledger.node.snapshot_fetching import SnapshotFetching
from twinledger.node.snapshot_taking import SnapshotTaking
from twinledger.node.submission import Submission
from twinledger.node.transport import Peer, Transport
from twinledger.storage import Shown


@dataclass(frozen=True, slots=True)
class Threads:
    """What works beside the event loop."""

    disk: ThreadPoolExecutor
    """One thread: the log is written in order."""
    execution: ThreadPoolExecutor
    """One thread: blocks are executed in order."""
    checks: ThreadPoolExecutor
    """A thread for each core: signatures."""
    snapshots: ThreadPoolExecutor
    """One thread: snapshots are taken, and made a chain of, one after the other."""

    def shutdown(self) -> None:
        """End all threads when their work is done."""
        for executor in (self.disk, self.execution, self.checks, self.snapshots):
            executor.shutdown()


@dataclass(frozen=True, slots=True)
class Parts:
    """The working parts of a node."""

    threads: Threads
    feed: Feed[Any]
    pool: Pool
    replica: Replica
    reads: ReadHeights
    disk_watch: DiskWatch
    preparation: Preparation
    proposer: Proposer
    submission: Submission
    applier: Applier
    snapshot_taking: SnapshotTaking
    snapshot_fetching: SnapshotFetching


def assemble(foundation: Foundation) -> Parts:
    """Make the parts and join them; nothing runs yet."""
    chain, limits = foundation.stores.chain, foundation.limits
    settings, chain_id = foundation.configuration, foundation.folder.chain_id
    parent = Parent.of(chain.header(chain.applied_height or 0))
    threads = Threads(
        ThreadPoolExecutor(1, "disk"),
        ThreadPoolExecutor(1, "execution"),
        ThreadPoolExecutor(max(2, os.cpu_count() or 1), "signatures"),
        ThreadPoolExecutor(1, "snapshots"),
    )
    feed: Feed[Any] = Feed(parent.height)
    pool = Pool(settings.pool.max_transactions, settings.pool.max_bytes)
    replica = _replica(foundation, threads)
    preparation = Preparation(threads.checks, limits, chain_id)
    proposer = Proposer(
        pool, replica, replica.transport, limits, feed, settings.consensus.max_blocks_in_flight
    )
    submission = Submission(chain, pool, preparation, feed, proposer, limits, parent.time_us)
    reads = ReadHeights(replica)
    proposer.refused, replica.read_answered = submission.refused, reads.answered
    fetching = SnapshotFetching(replica, foundation.folder, threads.snapshots, threads.disk)
    replica.snapshot_offered = fetching.offered
    return Parts(
        threads=threads,
        feed=feed,
        pool=pool,
        replica=replica,
        reads=reads,
        disk_watch=DiskWatch(foundation.folder.disk, replica),
        preparation=preparation,
        proposer=proposer,
        submission=submission,
        applier=Applier(chain, preparation, threads.execution, chain_id, parent),
        snapshot_taking=_snapshot_taking(foundation, threads),
        snapshot_fetching=fetching,
    )


def _snapshot_taking(foundation: Foundation, threads: Threads) -> SnapshotTaking:
    chain, folder = foundation.stores.chain, foundation.folder
    settings, newest = foundation.configuration.storage, folder.snapshots.newest()
    return SnapshotTaking(
        chain=chain,
        log=foundation.stores.log,
        folder=folder.snapshots,
        chain_id=folder.chain_id,
        thread=threads.snapshots,
        disk=threads.disk,
        execution=threads.execution,
        every=settings.snapshot_every,
        keep_blocks=settings.keep_blocks,
        # Until nodes exchange cosignatures, what is committed is all there is.
        certified=lambda: chain.applied_height or 0,
        newest=newest.manifest if newest else None,
    )


def _replica(foundation: Foundation, threads: Threads) -> Replica:
    replica = Replica(
        core=_core(foundation),
        log=foundation.stores.log,
        transport=_transport(foundation),
        disk=threads.disk,
        tick_s=foundation.configuration.consensus.tick_ms / 1000,
        limits=foundation.limits,
    )
    replica.transport.lost = replica.lost
    return replica


def _transport(foundation: Foundation) -> Transport:
    memory = foundation.memory

    def peer(node_id: NodeId, dialling: Dialling) -> Peer:
        return Peer(
            node_id,
            dialling,
            hello=foundation.hello,
            check=lambda hello: memory.check(node_id, Shown(hello.boot, hello.height)),
        )

    transport = Transport(peer)
    transport.follow(diallings(foundation))
    return transport


def diallings(foundation: Foundation) -> list[tuple[NodeId, Dialling]]:
    """How every other node is dialled now."""
    elsewhere, records = foundation.configuration.peers.root, foundation.records
    own = tuple(records.shown(foundation.held.held))

    def dialling(node: Node) -> Dialling:
        address = elsewhere.get(node.node_id, node.peer_address)
        if records.insecure:
            return Dialling(address, None)
        shown = tuple(each.der for each in node.certificates)
        return Dialling(address, shown, own, records.whose)

    return [(node.node_id, dialling(node)) for node in records.peers]


def _core(foundation: Foundation) -> Raft:
    ticks, log = foundation.configuration.consensus, foundation.stores.log
    applied = foundation.stores.chain.applied_height or 0
    draw = random.SystemRandom()
    settings = Settings(
        node=foundation.folder.node_id,
        next_election_timeout=lambda: draw.randrange(
            ticks.election_ticks, 2 * ticks.election_ticks
        ),
        election_ticks=ticks.election_ticks,
        heartbeat_ticks=ticks.heartbeat_ticks,
    )
    return Raft(
        settings,
        log,
        hard_state=log.hard_state,
        commit=Index(max(min(log.commit, log.last_index()), applied)),
        applied=Index(applied),
        configuration=load_configuration(foundation.stores.chain),
        verdict=lambda _, __: Verdict.REFUSE,
    )
