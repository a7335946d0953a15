"""Puts the working parts of a node together. The only file that knows all of them."""

import os
import random
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from twinledger.consensus import Index, NodeId, Raft, Settings
from twinledger.consortium.governed import load_configuration
from twinledger.consortium.members import load_consortium
from twinledger.consortium.nodes import Node, witness_name
from twinledger.consortium.protocol import KNOWN_VERSIONS
from twinledger.execution.results import Parent
from twinledger.ledger.checkpoint import epoch_of
from twinledger.node.applier import Applier
from twinledger.node.dialling import Dialling
from twinledger.node.disk_watch import DiskWatch
from twinledger.node.duties import Duties
from twinledger.node.feed import Feed
from twinledger.node.foundation import Foundation
from twinledger.node.governor import Governor, Judge
from twinledger.node.heads import Heads
from twinledger.node.heads_asking import HeadAsking
from twinledger.node.heads_autopsy import Autopsy
from twinledger.node.heads_start import note_changes, opening_height, restore_keeper
from twinledger.node.leader_watch import LeaderWatch
from twinledger.node.order_alarm import OrderAlarm
from twinledger.node.pool import Pool
from twinledger.node.preparation import Preparation
from twinledger.node.proposer import Proposer
from twinledger.node.reads import ReadHeights
from twinledger.node.replica import Replica
from twinledger.node.snapshot_fetching import SnapshotFetching
from twinledger.node.snapshot_taking import SnapshotTaking
from twinledger.node.submission import Submission
from twinledger.node.transport import Peer, Transport


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
    heads: ThreadPoolExecutor
    """One thread: heads are signed and kept in order."""

    def shutdown(self) -> None:
        """End all threads when their work is done."""
        for executor in (self.disk, self.execution, self.checks, self.snapshots, self.heads):
            executor.shutdown()


@dataclass(frozen=True, slots=True)
class Parts:
    """The working parts of a node."""

    threads: Threads
    feed: Feed[Any]
    pool: Pool
    replica: Replica
    reads: ReadHeights
    governor: Governor
    disk_watch: DiskWatch
    duties: Duties
    leader_watch: LeaderWatch
    preparation: Preparation
    proposer: Proposer
    submission: Submission
    applier: Applier
    snapshot_taking: SnapshotTaking
    snapshot_fetching: SnapshotFetching
    heads: Heads


def assemble(foundation: Foundation, knows: Collection[int] = KNOWN_VERSIONS) -> Parts:
    """Make the parts of a node that knows these protocol versions and join them; nothing runs."""
    chain, limits = foundation.stores.chain, foundation.limits
    settings, chain_id = foundation.configuration, foundation.folder.chain_id
    parent = Parent.of(chain.header(chain.applied_height or 0))
    threads = Threads(
        ThreadPoolExecutor(1, "disk"),
        ThreadPoolExecutor(1, "execution"),
        ThreadPoolExecutor(max(2, os.cpu_count() or 1), "signatures"),
        ThreadPoolExecutor(1, "snapshots"),
        ThreadPoolExecutor(1, "heads"),
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
    heads = _heads(foundation, replica, threads, feed)
    chain.certified_height = lambda: max(feed.certified_height, 0)
    proposer.refused, replica.read_answered = submission.refused, reads.answered
    fetching = SnapshotFetching(replica, foundation.folder, threads.snapshots, threads.disk)
    replica.snapshot_offered = fetching.offered
    return Parts(
        threads=threads,
        feed=feed,
        pool=pool,
        replica=replica,
        reads=reads,
        governor=Governor(Judge(chain, chain_id), replica),
        disk_watch=DiskWatch(foundation.folder.disk, replica),
        duties=Duties(foundation.folder.node_id, replica, pool, feed),
        leader_watch=LeaderWatch(
            foundation.folder.node_id,
            replica,
            pool,
            OrderAlarm(settings.consensus.order_within_s),
        ),
        preparation=preparation,
        proposer=proposer,
        submission=submission,
        applier=Applier(
            chain,
            preparation,
            threads.execution,
            chain_id,
            parent,
            knows,
            note_changes(chain, foundation.stores.heads),
        ),
        heads=heads,
        snapshot_taking=_snapshot_taking(foundation, threads, feed),
        snapshot_fetching=fetching,
    )


def _snapshot_taking(foundation: Foundation, threads: Threads, feed: Feed[Any]) -> SnapshotTaking:
    chain, folder = foundation.stores.chain, foundation.folder
    settings, newest = foundation.configuration.storage, folder.snapshots.newest()
    return SnapshotTaking(
        chain=chain,
        log=foundation.stores.log,
        book=foundation.stores.heads,
        folder=folder.snapshots,
        chain_id=folder.chain_id,
        thread=threads.snapshots,
        disk=threads.disk,
        execution=threads.execution,
        every=settings.snapshot_every,
        keep_blocks=settings.keep_blocks,
        certified=lambda: max(feed.certified_height, 0),
        newest=newest.manifest if newest else None,
    )


def _heads(foundation: Foundation, replica: Replica, threads: Threads, feed: Feed[Any]) -> Heads:
    stores, keeper = foundation.stores, restore_keeper(foundation)
    asking = HeadAsking(replica.transport, foundation.hello, keeper.own.origin)
    heads = Heads(
        keeper=keeper,
        book=stores.heads,
        mark=stores.head_mark,
        name=witness_name(foundation.member, foundation.folder.node_id),
        signer=foundation.keys.witness,
        log=stores.log,
        transport=replica.transport,
        feed=feed,
        thread=threads.heads,
        checks=threads.checks,
        sign_again_s=foundation.configuration.heads.sign_again_s,
        asking=asking,
        set_number=load_consortium(stores.chain).set_number,
        diverged=Autopsy(keeper.own, stores.chain, asking).examine,
    )
    opening = opening_height(stores.chain, epoch_of(keeper.own.origin))
    if heads.certificate is not None:
        feed.certify(heads.certificate.checkpoint.height)
    elif opening is not None:
        feed.certify(opening - 1)  # by those who were there before
    replica.written, replica.transport.greeted = heads.written, heads.greeted
    return heads


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

    def peer(node_id: NodeId, dialling: Dialling) -> Peer:
        return Peer(
            node_id,
            dialling,
            hello=foundation.hello,
            check=lambda hello: foundation.check_greeting(node_id, hello),
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
        # What was signed was committed, whatever a power cut took from the commit index.
        commit=Index(max(min(log.commit, log.last_index()), applied, _signed_height(foundation))),
        applied=Index(applied),
        configuration=load_configuration(foundation.stores.chain),
        verdict=Judge(foundation.stores.chain, foundation.folder.chain_id),
    )


def _signed_height(foundation: Foundation) -> int:
    mark = foundation.stores.head_mark
    return max(mark.mark.size - 1, 0) if mark is not None else 0
