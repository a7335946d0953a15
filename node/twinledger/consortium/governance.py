"""Proposing, voting and withdrawing; and what a proposal does when it passes.

One member, one vote. A proposal passes in the block of the vote that makes the approvals more than
the share that the rules ask for, and takes effect there; it is rejected in the block of the vote
after which it could not pass any more.
"""

from __future__ import annotations

from dataclasses import replace

from twinledger.consortium.acting import Acting
from twinledger.consortium.identities import IdentityRecord, identities
from twinledger.consortium.join_file import JoinFile
from twinledger.consortium.members import Consortium, load_consortium
from twinledger.consortium.plan import Plan, ground_of, plan
from twinledger.consortium.proposals import (
    Proposal,
    Status,
    count,
    find_proposal,
    store_proposal,
)
from twinledger.consortium.protocol import PROTOCOL_KEY, load_protocol
from twinledger.consortium.rules import passes
from twinledger.consortium.storing import bury_node, check_new_node, store
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.governance_operations import (
    AdmitMember,
    ChangeProtocol,
    ChangeRules,
    Propose,
    RemoveMember,
    Vote,
    Withdraw,
)
from twinledger.ledger.names import MemberName
from twinledger.ledger.operations import Role
from twinledger.ledger.receipt import Event, EventKind
from twinledger.ledger.state import StateDraft

_EVENTS = {
    Status.OPEN: EventKind.VOTED,
    Status.PASSED: EventKind.PROPOSAL_PASSED,
    Status.REJECTED: EventKind.PROPOSAL_REJECTED,
}


def propose(state: StateDraft, operation: Propose, acting: Acting) -> Event:
    """Makes a proposal, and votes for it.

    Raises:
        LedgerError: NOT_A_VOTER, GROUND_MOVED; what `plan` and the change's effect raise.
    """
    consortium = load_consortium(state)
    author, member = acting.voter(consortium)
    _check_ground(state, consortium, operation.ground)
    proposal = Proposal(
        number=count(state) + 1,
        change=operation.change,
        ground=operation.ground,
        proposer=author.identity,
        height=acting.height,
        expires_at_us=acting.time_us + consortium.rules.proposal_lifetime_us,
        votes={member.name: True},
    )
    _check_effect(state, _plan(state, proposal, acting))
    decided = _decide(state, proposal, consortium, acting)
    kind = EventKind.PROPOSED if decided is Status.OPEN else _EVENTS[decided]
    return Event(kind, str(proposal.number), 0)


def vote(state: StateDraft, operation: Vote, acting: Acting) -> Event:
    """Votes on a proposal for a member.

    Raises:
        LedgerError: NOT_A_VOTER, PROPOSAL_NOT_FOUND, PROPOSAL_CLOSED, PROPOSAL_EXPIRED,
            PLAN_CHANGED, VOTED_TWICE, GROUND_MOVED; for the deciding vote, what `propose` raises.
    """
    consortium = load_consortium(state)
    _, member = acting.voter(consortium)
    proposal = _open(state, operation.proposal)
    if acting.time_us > proposal.expires_at_us:
        raise LedgerError(Code.PROPOSAL_EXPIRED, f"proposal {proposal.number}")
    if operation.plan != proposal.plan:
        raise LedgerError(Code.PLAN_CHANGED, f"proposal {proposal.number}")
    if member.name in proposal.votes:
        raise LedgerError(Code.VOTED_TWICE, member.name)
    _check_ground(state, consortium, proposal.ground)
    votes = {**proposal.votes, member.name: operation.approve}
    decided = _decide(state, replace(proposal, votes=votes), consortium, acting)
    return Event(_EVENTS[decided], str(proposal.number), 0)


def withdraw(state: StateDraft, operation: Withdraw, acting: Acting) -> Event:
    """Takes a proposal back.

    Raises:
        LedgerError: NOT_A_VOTER, PROPOSAL_NOT_FOUND, PROPOSAL_CLOSED, NOT_THE_PROPOSER.
    """
    _, member = acting.voter(load_consortium(state))
    proposal = _open(state, operation.proposal)
    if proposal.proposing_member != member.name:
        raise LedgerError(Code.NOT_THE_PROPOSER, f"it was {proposal.proposer}")
    _close(state, proposal, Status.WITHDRAWN, acting)
    return Event(EventKind.PROPOSAL_WITHDRAWN, str(proposal.number), 0)


def _open(state: StateDraft, number: int) -> Proposal:
    proposal = find_proposal(state, number)
    if proposal is None:
        raise LedgerError(Code.PROPOSAL_NOT_FOUND, str(number))
    if proposal.status is not Status.OPEN:
        raise LedgerError(Code.PROPOSAL_CLOSED, f"proposal {number} is {proposal.status}")
    return proposal


def _check_ground(state: StateDraft, consortium: Consortium, ground: bytes) -> None:
    if ground != ground_of(consortium, load_protocol(state)):
        raise LedgerError(Code.GROUND_MOVED)


def _plan(state: StateDraft, proposal: Proposal, acting: Acting) -> Plan:
    return plan(load_consortium(state), load_protocol(state), proposal.change, acting.height)


def _decide(
    state: StateDraft, proposal: Proposal, consortium: Consortium, acting: Acting
) -> Status:
    """Counts the votes; a proposal that passes takes effect."""
    planned = _plan(state, proposal, acting)
    members = len(consortium.members)
    against = len(proposal.votes) - proposal.approvals
    if passes(proposal.approvals, members, planned.percent):
        _take_effect(state, planned, acting)
        return _close(state, proposal, Status.PASSED, acting)
    if not passes(members - against, members, planned.percent):
        return _close(state, proposal, Status.REJECTED, acting)
    store_proposal(state, proposal)
    return Status.OPEN


def _close(state: StateDraft, proposal: Proposal, status: Status, acting: Acting) -> Status:
    store_proposal(state, replace(proposal, status=status, decided_height=acting.height))
    return status


def _check_effect(state: StateDraft, planned: Plan) -> None:
    """What only the state knows: that nothing of a newcomer is dead or taken."""
    if isinstance(planned.change, AdmitMember):
        member = JoinFile.parse(planned.change.join_file).member
        for node in member.nodes:
            check_new_node(state, node)
        for admin in member.admins:
            record = IdentityRecord(member.identity(admin), admin.public_key, Role.ADMIN)
            if state.get(record.key) is not None:
                raise LedgerError(Code.IDENTITY_EXISTS, record.identity)


def _take_effect(state: StateDraft, planned: Plan, acting: Acting) -> None:
    _check_effect(state, planned)
    match planned.change:
        case AdmitMember(join_file):
            member = JoinFile.parse(join_file).member
            for admin in member.admins:
                record = IdentityRecord(member.identity(admin), admin.public_key, Role.ADMIN)
                state.put(record.key, record.encode())
        case RemoveMember(name):
            _bury_member(state, planned.before, name, acting.height)
        case ChangeProtocol() as change:
            changed = load_protocol(state).changed(change, acting.height)
            state.put(PROTOCOL_KEY, changed.encode())
        case ChangeRules():
            pass
    if planned.after != planned.before:
        store(state, planned.before, planned.after)


def _bury_member(state: StateDraft, before: Consortium, name: MemberName, height: int) -> None:
    """Revokes all that signs for a member; its twins stay as they are."""
    member = before.member(name)
    for node in member.nodes if member else ():
        bury_node(state, node, height)
    for record in list(identities(state, name)):
        if not record.revoked:
            state.put(record.key, replace(record, revoked=True).encode())
