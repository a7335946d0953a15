"""Governed membership: what the ledger's node set means for the configuration that orders.

The consortium's leaf names the nodes; the configuration of consensus follows it, entry by entry.
A configuration names the height that warrants it, and every node judges it by the leaf exactly
after that height (docs/consensus.md, "Membership"). That one configuration may follow another at
all is the core's to check; here is only what the ledger has to say.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from twinledger.consensus import BadConfiguration, Configuration, NodeId
from twinledger.consortium.members import Consortium, Member
from twinledger.ledger.canonical import encode
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.state import StateView, decode_leaf

CONFIGURATION_KEY = b"configuration"
"""Where the state keeps the newest configuration: the entry's payload, as canonical bytes."""


def configuration_leaf(consortium: Consortium) -> bytes:
    """The leaf that genesis writes: everybody votes."""
    return encode(Configuration(tuple(sorted(agreed_nodes(consortium)))).encode())


class Step(NamedTuple):
    """What a leader proposes next, each sorted."""

    voters: tuple[NodeId, ...]
    learners: tuple[NodeId, ...]


def load_configuration(state: StateView) -> Configuration:
    """Who orders, as a state has it.

    Raises:
        LedgerError: DATA_DAMAGED, also when the state has none: genesis writes it.
    """
    payload = decode_leaf(state.get(CONFIGURATION_KEY) or b"")
    try:
        return Configuration.decode(payload if isinstance(payload, bytes) else b"")
    except BadConfiguration as error:
        raise LedgerError(Code.DATA_DAMAGED, f"the state's configuration: {error}") from error


def agreed_nodes(consortium: Consortium) -> frozenset[NodeId]:
    """The nodes that the ledger wants to vote: one for each member."""
    return frozenset(node.node_id for _, node in consortium.nodes)


def calls_for(agreed: Collection[NodeId], current: Configuration, target: Configuration) -> bool:
    """Whether the agreed set calls for this step.

    Every step moves towards the set: only agreed nodes come in, a newcomer learns or votes, and
    no agreed node that is in is demoted or dropped. Leaving a joint configuration finishes a step
    that was called for.
    """
    if current.joint:
        return not target.joint and target.voters == current.voters
    wanted, voters = set(agreed), set(target.voters)
    learners = {*target.learners, *target.learners_next}
    was_voting = set(current.voters)
    return (
        voters <= was_voting | wanted
        and voters >= was_voting & wanted
        and learners <= wanted - was_voting
        and voters | learners >= set(current.members) & wanted
    )


def next_step(
    agreed: Collection[NodeId], current: Configuration, caught_up: Collection[NodeId]
) -> Step | None:
    """The next step of a leader towards the agreed set; None when there is none to take now.

    Newcomers learn first. Those that caught up are promoted, and everyone who is not agreed on any
    more goes, in one step; so one newcomer that never comes up holds nobody else up.
    """
    if current.joint:
        return None
    wanted = set(agreed)
    if wanted - set(current.members):
        learners = (set(current.learners) & wanted) | (wanted - set(current.members))
        return Step(current.voters, tuple(sorted(learners)))
    promoted = set(current.learners) & wanted & set(caught_up)
    voters = (set(current.voters) & wanted) | promoted
    learners = (set(current.learners) & wanted) - promoted
    if not voters or (voters, learners) == (set(current.voters), set(current.learners)):
        return None
    return Step(tuple(sorted(voters)), tuple(sorted(learners)))


def with_votes(consortium: Consortium, configuration: Configuration) -> Consortium:
    """The consortium after a block that carries a configuration: who votes is on record.

    A node cosigns from the head after the block that records its promotion, so a joint
    configuration changes nothing yet.
    """
    if configuration.joint:
        return consortium
    voting = set(configuration.voters)
    members = tuple(_with_votes(member, voting) for member in consortium.members)
    if members == consortium.members:
        return consortium
    return replace(consortium, members=members, set_number=consortium.set_number + 1)


def _with_votes(member: Member, voting: Collection[NodeId]) -> Member:
    nodes = tuple(replace(node, voter=node.node_id in voting) for node in member.nodes)
    return replace(member, nodes=nodes)
