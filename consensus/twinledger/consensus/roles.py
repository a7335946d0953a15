"""The only place that writes term, vote, role and leader, and notes that they are to be saved.

    follower -> pre-candidate -> candidate -> leader
    any      -> follower        on a higher term, a leader of this term, or a lost quorum

Term and vote change together with the role, so that no caller can forget one of them.
"""

from twinledger.consensus.core import Core, Reads
from twinledger.consensus.invariant import invariant
from twinledger.consensus.types import (
    CANDIDATE,
    FOLLOWER,
    LEADER,
    PRE_CANDIDATE,
    NodeId,
    Term,
)


def become_follower(core: Core, term: Term, leader: NodeId | None) -> None:
    """Follow a leader, known or not, in this term. A new term has no vote yet."""
    invariant(term >= core.term, "a term must never go back")
    if term > core.term:
        core.term, core.vote = term, None
        core.unsaved = True
        core.refused = None
    core.role = FOLLOWER
    core.leader = leader
    _begin(core)


def become_pre_candidate(core: Core) -> None:
    """Ask around, without touching term or vote (dissertation, section 9.6)."""
    invariant(core.role is not LEADER, "a leader has no reason to ask for votes")
    core.role = PRE_CANDIDATE
    core.leader = None
    _begin(core)
    hurry(core)


def hurry(core: Core) -> None:
    """Campaign within one election timeout instead of after one: up to all of it by chance.

    For whoever knows that no leader is there, and may ask again at no cost: asking raises no term.
    """
    core.election_timeout += 1 - core.settings.election_ticks


def become_candidate(core: Core) -> None:
    """Enter the next term and vote for oneself. The vote counts only once it is durable."""
    invariant(core.role is not LEADER, "a leader has no reason to ask for votes")
    core.term, core.vote = Term(core.term + 1), core.node
    core.unsaved = True
    core.role = CANDIDATE
    core.leader = core.refused = None
    _begin(core)


def become_leader(core: Core) -> None:
    """Lead the current term."""
    invariant(core.role is CANDIDATE, "only a candidate becomes leader")
    core.role = LEADER
    core.leader = core.node
    _begin(core)


def grant_vote(core: Core, candidate: NodeId) -> None:
    """Vote, for the only time in this term."""
    invariant(core.vote in (None, candidate), "one vote a term")
    if core.vote is None:
        core.vote = candidate
        core.unsaved = True
    core.election_elapsed = 0


def disown(core: Core, sender: NodeId) -> None:
    """Stop counting the sender as leader of this term (DESIGN, governed membership).

    The election timer goes on from where it is: the sender no longer resets it.
    """
    core.leader, core.refused = None, sender
    abort_reads(core)


def _begin(core: Core) -> None:
    """Leave everything behind that belonged to the role before."""
    core.election_elapsed = core.heartbeat_elapsed = 0
    core.election_timeout = core.settings.next_election_timeout()
    core.votes.clear()
    core.peers.clear()
    core.uncommitted.clear()
    core.uncommitted_bytes = 0
    core.transferee, core.transfer_elapsed = None, 0
    abort_reads(core)


def abort_reads(core: Core) -> None:
    """Give up the reads under way: whoever was to confirm them does not lead any more."""
    reads = core.reads
    if not (reads.rounds or reads.waiting or reads.forwarded):
        reads.round = 0
        return
    begun = (read for started in core.reads.rounds for read in started.reads)
    asked = (*begun, *core.reads.waiting)
    local = (read.context for read in asked if read.requester == core.node)
    aborted = [*core.reads.aborted, *local, *core.reads.forwarded]
    core.reads = Reads(ready=core.reads.ready, aborted=aborted)
