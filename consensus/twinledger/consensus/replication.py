"""The leader's side of replication: what to send to whom, and what the answers mean.

Appends are made when the driver asks for work, not when something happens: whatever waits by then
travels in one message, and no timer decides the size of a batch.
"""

from twinledger.consensus import committing, membership, transfer
from twinledger.consensus.core import Core
from twinledger.consensus.dropped import Reason
from twinledger.consensus.messages import (
    Append,
    AppendAccepted,
    AppendRejected,
    HeartbeatResponse,
    SnapshotOffer,
)
from twinledger.consensus.progress import PROBE, REPLICATE, SNAPSHOT, Progress
from twinledger.consensus.types import Entry, Index, NodeId


def wants_append(core: Core, progress: Progress) -> bool:
    """Whether something should be sent to this follower now."""
    if progress.state is not REPLICATE:
        return progress.state is PROBE and not progress.paused
    if progress.nudge:
        return True
    if progress.inflight.full:
        return False
    return progress.next <= _end(core, progress) or progress.commit_sent < _tellable(core, progress)


def send_appends(core: Core) -> None:
    """Send to every follower all that its window lets through."""
    log = core.log
    for peer, progress in core.peers.items():
        # Asked after every event of a leader, and mostly a follower was sent everything.
        up_to_date = progress.next > log.last_index and progress.commit_sent >= log.commit
        if up_to_date and progress.state is REPLICATE and not progress.nudge:
            continue
        while wants_append(core, progress):
            _send_append(core, peer, progress)


def _end(core: Core, progress: Progress) -> Index:
    """Return the last entry this follower is to have."""
    last = core.log.last_index
    return last if progress.removed_at is None else min(progress.removed_at, last)


def _tellable(core: Core, progress: Progress) -> Index:
    """Return how much of our commit index the follower can use: not past what it was sent."""
    return min(core.log.commit, Index(progress.next - 1))


def _send_append(core: Core, peer: NodeId, progress: Progress) -> None:
    previous = Index(progress.next - 1)
    previous_term = core.log.term(previous)
    if previous_term is None or progress.next < core.log.first_index:
        _offer_snapshot(core, peer, progress)
        return
    entries = () if progress.inflight.full else _next_entries(core, progress)
    last = entries[-1].index if entries else previous
    core.send(
        Append(
            core.node,
            peer,
            core.term,
            previous,
            previous_term,
            core.log.hash(previous),
            entries,
            core.log.commit,
        )
    )
    progress.sent(last, sum([entry.size for entry in entries]))
    progress.commit_sent = min(core.log.commit, last)


def _next_entries(core: Core, progress: Progress) -> tuple[Entry, ...]:
    """A probe finds out whether one entry is taken: the follower may not want any more yet."""
    settings = core.settings
    most = 1 if progress.state is PROBE else settings.max_append_entries
    high = min(_end(core, progress), progress.next + most - 1)
    return core.log.entries(progress.next, Index(high + 1), settings.max_append_bytes)


def _offer_snapshot(core: Core, peer: NodeId, progress: Progress) -> None:
    """Offer what stands in for the compacted entries; wait if the follower is away or we have none.

    Reading state for a node that is down would be waste, so it must have been heard from lately.
    """
    away = progress.silent_ticks >= core.settings.election_ticks
    snapshot = None if away else core.log.reader.snapshot()
    if snapshot is None or snapshot.index < progress.next:
        progress.become_probe()
        progress.paused = True
        return
    progress.become_snapshot(snapshot)
    core.send(SnapshotOffer(core.node, peer, core.term, snapshot))


def tick(core: Core) -> None:
    """Repeat offers that stay open for long: the offer, or its answer, may have been lost.

    The same offer is repeated, never a newer one, so that a slow transfer is not begun anew.
    """
    for peer, progress in core.peers.items():
        if progress.snapshot is not None:
            progress.snapshot_ticks += 1
            if progress.snapshot_ticks % core.settings.election_ticks == 0:
                core.send(SnapshotOffer(core.node, peer, core.term, progress.snapshot))


def messages_lost(progress: Progress) -> None:
    """Stop sending ahead to a follower that cannot be reached."""
    if progress.state is REPLICATE:
        progress.become_probe()


def on_accepted(core: Core, progress: Progress, message: AppendAccepted) -> None:
    """Take an acknowledgement: the follower holds our log, durably, up to its index."""
    if message.index > core.log.last_index:
        core.drop(Reason.IMPOSSIBLE_INDEX)
        return
    news = progress.accept(message.index)
    if progress.state is SNAPSHOT and core.log.first_index <= progress.match + 1:
        progress.become_replicate()
    if news:
        progress.judge_catch_up(core.log.last_index, core.settings.election_ticks)
        committing.advance(core)
        if message.sender in core.peers:
            membership.part_if_told(core, message.sender)
        transfer.hand_over_if_caught_up(core)


def on_rejected(core: Core, progress: Progress, message: AppendRejected) -> None:
    """Take a refusal: find where the logs may still match, one probe for a whole term.

    Below what the follower hints, no entry of ours with a higher term than its hint can match.
    """
    may_match = message.hint_index
    if message.hint_term > 0:
        may_match = core.log.last_index_of_term_at_most(message.hint_term, message.hint_index)
    progress.reject(message.previous_index, may_match)


def on_heartbeat_response(core: Core, progress: Progress, message: HeartbeatResponse) -> None:
    """The follower is there. If it lacks something and nothing moves, what we sent is lost: ask.

    One heartbeat without progress is needed first: under load something is always on its way, and
    asking past it would only be refused.
    """
    if message.round > core.reads.round:
        core.drop(Reason.NOT_ASKED)
        return
    progress.silent_ticks = 0
    progress.acked_round = max(progress.acked_round, message.round)
    progress.paused = False
    stuck = progress.match == progress.match_at_beat and progress.match < _end(core, progress)
    progress.nudge = stuck and progress.state is REPLICATE
    progress.match_at_beat = progress.match
