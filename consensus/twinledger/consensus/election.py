"""Elections: when to ask, whom to answer, what to make of the answers.

PreVote keeps a node that was cut off from raising terms; CheckQuorum makes a leader that was cut
off step down; both are needed (a partial cut took etcd clusters down for hours in 2020).
"""

from twinledger.consensus import appending, membership, quorum, roles
from twinledger.consensus.core import Core
from twinledger.consensus.dropped import Reason
from twinledger.consensus.messages import (
    PreVoteRequest,
    PreVoteResponse,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from twinledger.consensus.quorum import LOST, WON
from twinledger.consensus.types import BLOCK, CANDIDATE, PRE_CANDIDATE, NodeId, Term


def promotable(core: Core) -> bool:
    """Whether this node may campaign: a voter whose log is not about to be replaced.

    A voter that is being removed may, until its removal is committed: it can be the only one whose
    log is new enough to win, and then nobody else could commit it (dissertation, Figure 4.6).
    """
    votes = any(configuration.is_voter(core.node) for _, configuration in core.configurations)
    return votes and core.offered is None


def leader_alive(core: Core) -> bool:
    """Whether we heard from a leader too lately to help replace it (dissertation, 4.2.3)."""
    return (
        core.settings.check_quorum
        and core.leader is not None
        and core.election_elapsed < core.settings.election_ticks
    )


def timed_out(core: Core) -> None:
    """Campaign if we may: nobody led for as long as we were to wait."""
    if not promotable(core):
        return
    if core.settings.pre_vote:
        _ask_before_campaigning(core)
    else:
        campaign(core, transfer=False)


def leader_hung_up(core: Core) -> None:
    """Take it that nobody leads: the stream our leader spoke on is gone, and maybe the leader.

    If it lives, those who still hear from it refuse our question, and it comes to nothing. Without
    PreVote our candidacy, and without CheckQuorum theirs, would end its term, so then we wait.
    """
    if core.settings.pre_vote and core.settings.check_quorum:
        roles.become_follower(core, core.term, None)
        roles.hurry(core)


def _ask_before_campaigning(core: Core) -> None:
    roles.become_pre_candidate(core)
    for voter in _other_voters(core):
        core.send(
            PreVoteRequest(
                core.node, voter, Term(core.term + 1), core.log.last_index, core.log.last_term
            )
        )
    _record_vote(core, core.node, granted=True)


def campaign(core: Core, *, transfer: bool) -> None:
    """Ask for votes in the next term, once our own vote is durable."""
    roles.become_candidate(core)
    for voter in _other_voters(core):
        core.promise(
            VoteRequest(
                core.node, voter, core.term, core.log.last_index, core.log.last_term, transfer
            )
        )


def own_vote_durable(core: Core, term: Term) -> None:
    """Count our own vote, now that no crash can make us forget it."""
    if core.role is CANDIDATE and core.term == term:
        _record_vote(core, core.node, granted=True)


def on_pre_vote_request(core: Core, request: PreVoteRequest) -> None:
    """Say whether we would vote for the sender. Changes nothing here."""
    granted = request.term > core.term and _up_to_date(core, request)
    term = request.term if granted else core.term
    core.send(PreVoteResponse(core.node, request.sender, term, granted))


def on_vote_request(core: Core, request: VoteRequest) -> None:
    """Vote for the sender, or not (dissertation, sections 3.4 and 3.6.1)."""
    free = core.vote is None and core.leader is None
    granted = (free or core.vote == request.sender) and _up_to_date(core, request)
    if granted:
        roles.grant_vote(core, request.sender)
    core.promise(VoteResponse(core.node, request.sender, core.term, granted))


def on_pre_vote_response(core: Core, response: PreVoteResponse) -> None:
    """Count an answer to our question."""
    asked = Term(core.term + 1) if response.granted else core.term
    expected = core.role is PRE_CANDIDATE and response.term == asked
    if not expected or not core.configuration.is_voter(response.sender):
        core.drop(Reason.LATE_VOTE)
        return
    _record_vote(core, response.sender, granted=response.granted)


def on_vote_response(core: Core, response: VoteResponse) -> None:
    """Count a vote."""
    if core.role is not CANDIDATE or not core.configuration.is_voter(response.sender):
        core.drop(Reason.LATE_VOTE)
        return
    _record_vote(core, response.sender, granted=response.granted)


def on_timeout_now(core: Core, message: TimeoutNow) -> None:
    """Campaign at once, without asking first: the leader itself wants it."""
    if core.leader != message.sender or not promotable(core):
        core.drop(Reason.NOT_ASKED)
        return
    campaign(core, transfer=True)


def _record_vote(core: Core, voter: NodeId, *, granted: bool) -> None:
    core.votes.setdefault(voter, granted)
    configuration = core.configuration
    result = quorum.joint_vote(configuration.voters, configuration.outgoing, core.votes)
    if result is WON and core.role is PRE_CANDIDATE:
        campaign(core, transfer=False)
    elif result is WON:
        _lead(core)
    elif result is LOST:
        roles.become_follower(core, core.term, None)
        if core.settings.pre_vote:
            roles.hurry(core)


def _lead(core: Core) -> None:
    """Lead, and append the no-op without which nothing older can be known to be committed."""
    roles.become_leader(core)
    membership.track_peers(core)
    appending.count_uncommitted(core)
    appending.append_own(core, BLOCK, b"")


def _up_to_date(core: Core, request: PreVoteRequest | VoteRequest) -> bool:
    ours = (core.log.last_term, core.log.last_index)
    return (request.last_term, request.last_index) >= ours


def _other_voters(core: Core) -> list[NodeId]:
    configuration = core.configuration
    return sorted({*configuration.voters, *configuration.outgoing} - {core.node})
