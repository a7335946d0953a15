"""Linearizable reads without a log entry: ReadIndex (dissertation, section 6.4).

A read is confirmed by a heartbeat round that began after the read came; a round is a number that is
never used again, so an old acknowledgement proves nothing new (etcd #20418). Nothing is confirmed
before the leader has committed in its own term, for until then its commit index may be old.
"""

from twinledger.consensus import heartbeats, quorum
from twinledger.consensus.core import Core, PendingRead, ReadRound
from twinledger.consensus.dropped import Reason
from twinledger.consensus.errors import NotLeader, ReadsFull
from twinledger.consensus.messages import ReadRequest, ReadResponse
from twinledger.consensus.types import LEADER, Index, ReadState


def ask(core: Core, context: bytes) -> None:
    """Begin a read of this node's own."""
    if core.role is LEADER:
        if _full(core):
            raise ReadsFull("too many reads wait to be confirmed")
        core.reads.waiting.append(PendingRead(context, core.node))
        return
    if core.leader is None:
        raise NotLeader(None)
    if len(core.reads.forwarded) >= core.settings.max_pending_reads:
        raise ReadsFull("too many reads wait for the leader")
    core.reads.forwarded[context] = 0
    core.send(ReadRequest(core.node, core.leader, core.term, context))


def on_request(core: Core, message: ReadRequest) -> None:
    """Take a follower's read."""
    if core.role is not LEADER:
        core.drop(Reason.NOT_LEADER)
    elif _full(core):
        core.drop(Reason.READS_FULL)
    else:
        core.reads.waiting.append(PendingRead(message.context, message.sender))


def on_response(core: Core, message: ReadResponse) -> None:
    """Take the leader's answer, if we asked and still count it as leader."""
    if message.sender != core.leader or message.context not in core.reads.forwarded:
        core.drop(Reason.NOT_ASKED)
        return
    del core.reads.forwarded[message.context]
    core.reads.ready.append(ReadState(message.context, message.index))


def tick(core: Core) -> None:
    """Give up forwarded reads that found no answer within an election timeout."""
    reads = core.reads
    if not reads.forwarded:
        return
    for context in list(reads.forwarded):
        reads.forwarded[context] += 1
        if reads.forwarded[context] >= core.settings.election_ticks:
            del reads.forwarded[context]
            reads.aborted.append(context)


def begin_round(core: Core) -> None:
    """Begin one round for all reads that have none."""
    reads = core.reads
    if not (reads.waiting and core.committed_in_own_term):
        return
    reads.round += 1
    reads.rounds.append(ReadRound(reads.round, core.log.commit, tuple(reads.waiting)))
    reads.waiting.clear()
    heartbeats.broadcast(core)
    confirm(core)


def confirm(core: Core) -> None:
    """Answer the reads whose round a quorum has acknowledged."""
    rounds = core.reads.rounds
    while rounds and rounds[0].number <= _acknowledged_round(core):
        confirmed = rounds.popleft()
        for read in confirmed.reads:
            _answer(core, read, confirmed.index)


def _acknowledged_round(core: Core) -> int:
    rounds = {peer: progress.acked_round for peer, progress in core.peers.items()}
    rounds[core.node] = core.reads.round
    configuration = core.configuration
    return quorum.joint_reached(configuration.voters, configuration.outgoing, rounds)


def _answer(core: Core, read: PendingRead, index: Index) -> None:
    if read.requester == core.node:
        core.reads.ready.append(ReadState(read.context, index))
    else:
        core.send(ReadResponse(core.node, read.requester, core.term, read.context, index))


def _full(core: Core) -> bool:
    begun = sum(len(started.reads) for started in core.reads.rounds)
    return begun + len(core.reads.waiting) >= core.settings.max_pending_reads
