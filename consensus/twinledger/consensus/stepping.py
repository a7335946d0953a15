"""Where each message goes: first what its term says, then what its class says."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from twinledger.consensus import (
    election,
    following,
    reads,
    replication,
    roles,
    snapshots,
    validation,
)
from twinledger.consensus.core import Core
from twinledger.consensus.dropped import Reason
from twinledger.consensus.messages import (
    Append,
    AppendAccepted,
    AppendRejected,
    Heartbeat,
    HeartbeatResponse,
    Message,
    PreVoteRequest,
    PreVoteResponse,
    ReadRequest,
    ReadResponse,
    SnapshotOffer,
    SnapshotStatus,
    StaleTerm,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from twinledger.consensus.progress import Progress
from twinledger.consensus.types import LEADER


def step(core: Core, message: Message) -> None:
    """Take one message, or drop it and count why."""
    reason = validation.fault(core.node, message)
    if reason is None and message.sender in core.configurations[0][1].removed:
        reason = _removed_fault(core, message)
    if reason is None and message.term != core.term:
        reason = _settle_terms(core, message)
    if reason is None:
        HANDLERS[type(message)](core, message)
    else:
        core.drop(reason)


def _removed_fault(core: Core, message: Message) -> Reason | None:
    """Refuse to hear a node whose removal is committed, unless we still bring it that news.

    Senders that are merely unknown are heard: a configuration that names them may be in the log of
    everyone but us (dissertation, section 4.1). That they are who they say is the transport's task.
    """
    return None if message.sender in core.peers else Reason.REMOVED_SENDER


def _settle_terms(core: Core, message: Message) -> Reason | None:
    """Adopt a higher term, answer a lower one. Return why the message goes no further, if so."""
    if message.term < core.term:
        _answer_past_term(core, message)
        return Reason.PAST_TERM
    if isinstance(message, PreVoteRequest | VoteRequest) and election.leader_alive(core):
        forced = isinstance(message, VoteRequest) and message.transfer
        if not forced:
            return Reason.LEADER_ALIVE
    if not _asks_about_future_term(message):
        roles.become_follower(core, message.term, None)
    return None


def _asks_about_future_term(message: Message) -> bool:
    """Whether the term is only one that somebody might campaign in."""
    granted = isinstance(message, PreVoteResponse) and message.granted
    return granted or isinstance(message, PreVoteRequest)


def _answer_past_term(core: Core, message: Message) -> None:
    """Tell a sender of the past about our term, for it may wait for us for ever otherwise.

    A leader of the past is told by name of the term, so that it steps down and we, who are stuck in
    a higher term and cannot win, come back in one that everybody shares.
    """
    if isinstance(message, PreVoteRequest):
        core.send(PreVoteResponse(core.node, message.sender, core.term, granted=False))
    elif isinstance(message, Append | Heartbeat | SnapshotOffer):
        core.send(StaleTerm(core.node, message.sender, core.term))


def _from_follower(
    take: Callable[[Core, Progress, Any], None],
) -> Callable[[Core, Any], None]:
    """Let only a leader hear this, and only from whom it replicates to."""

    def hear(core: Core, message: Any) -> None:
        if core.role is not LEADER:
            core.drop(Reason.NOT_LEADER)
            return
        progress = core.peers.get(message.sender)
        if progress is None:
            core.drop(Reason.UNKNOWN_SENDER)
            return
        take(core, progress, message)

    return hear


def _on_heartbeat_response(core: Core, progress: Progress, message: HeartbeatResponse) -> None:
    replication.on_heartbeat_response(core, progress, message)
    reads.confirm(core)


def _has_said_all(_core: Core, _message: StaleTerm) -> None:
    """Do nothing: all it had to say was its term."""


HANDLERS: Final[Mapping[type[Message], Callable[[Core, Any], None]]] = {
    # From a leader.
    Append: following.on_append,
    Heartbeat: following.on_heartbeat,
    SnapshotOffer: snapshots.on_offer,
    TimeoutNow: election.on_timeout_now,
    # From a follower.
    AppendAccepted: _from_follower(replication.on_accepted),
    AppendRejected: _from_follower(replication.on_rejected),
    HeartbeatResponse: _from_follower(_on_heartbeat_response),
    SnapshotStatus: _from_follower(snapshots.on_status),
    # About elections.
    PreVoteRequest: election.on_pre_vote_request,
    PreVoteResponse: election.on_pre_vote_response,
    VoteRequest: election.on_vote_request,
    VoteResponse: election.on_vote_response,
    # Of reads, and of terms.
    ReadRequest: reads.on_request,
    ReadResponse: reads.on_response,
    StaleTerm: _has_said_all,
}
"""What each class of message sets off, once its term is settled."""
