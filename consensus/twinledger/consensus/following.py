"""The follower's side of replication: check first, then append, then acknowledge what was sent."""

from itertools import pairwise

from twinledger.consensus import committing, membership, roles
from twinledger.consensus.core import Core
from twinledger.consensus.dropped import Reason
from twinledger.consensus.messages import (
    Append,
    AppendAccepted,
    AppendRejected,
    Heartbeat,
    HeartbeatResponse,
)
from twinledger.consensus.types import CONFIGURATION, FOLLOWER, Entry, Index, NodeId, Term, Verdict


def accept_leader(core: Core, sender: NodeId) -> bool:
    """Count the sender as leader of this term, unless that cannot be."""
    if core.refused == sender:
        core.drop(Reason.REFUSED_LEADER)
        return False
    if core.leader not in (None, sender) or core.refused is not None:
        core.drop(Reason.SECOND_LEADER)
        return False
    if core.role is not FOLLOWER or core.leader is None:
        roles.become_follower(core, core.term, sender)
    core.election_elapsed = 0
    return True


def on_heartbeat(core: Core, message: Heartbeat) -> None:
    """The leader is there; it names no more of its commit index than we are known to hold."""
    if message.commit > core.log.last_index:
        core.drop(Reason.IMPOSSIBLE_INDEX)
        return
    if accept_leader(core, message.sender):
        committing.raise_to(core, message.commit)
        core.send(HeartbeatResponse(core.node, message.sender, core.term, message.round))


def on_append(core: Core, message: Append) -> None:
    """Take entries if they continue our log (dissertation, section 3.5)."""
    if not accept_leader(core, message.sender):
        return
    log, previous = core.log, message.previous_index
    if previous < log.first_index - 1:
        # Compacted away here, therefore committed: every leader from now on holds it.
        acknowledge(core, log.commit)
    elif log.matches(previous, message.previous_term, message.previous_hash):
        _continue(core, message)
    elif previous > log.commit:
        _reject(core, message)
    else:
        core.drop(Reason.CONTENT_DIFFERS)


def _continue(core: Core, message: Append) -> None:
    """Take what continues our log, learn what is committed of it, and acknowledge it."""
    position = core.log.first_conflict(message.entries)
    new = message.entries[position:]
    if new and new[0].index <= core.log.commit:
        # Two committed histories: no answer can mend that, and the operator must see it.
        core.drop(Reason.CONTENT_DIFFERS)
        return
    end = _take(core, message, new)
    if core.leader == message.sender:
        committing.raise_to(core, min(message.commit, end))
        withdraw_reached_offer(core)
        acknowledge(core, end)


def withdraw_reached_offer(core: Core) -> None:
    """Drop the snapshot offered to us if our log has come to hold the place it stands for.

    What it stands for is committed. Installing it now would throw away what we hold above it, and
    have acknowledged.
    """
    offered = core.offered.snapshot if core.offered is not None else None
    if offered is not None and core.log.matches(offered.index, offered.term, offered.hash):
        committing.raise_to(core, offered.index)


def acknowledge(core: Core, index: Index) -> None:
    """Say how far we match: to the end of what the message carried, never to the end of our log."""
    if core.leader is not None:
        core.promise(AppendAccepted(core.node, core.leader, core.term, index))


def _reject(core: Core, message: Append) -> None:
    """Say where the logs may still match: the last entry of ours that is no newer by term.

    If the terms agree and only the contents differ, no hint can be trusted but the commit index.
    """
    log = core.log
    previous = message.previous_index
    if log.term(previous) == message.previous_term:
        core.drop(Reason.CONTENT_DIFFERS)
        hint = log.commit
    else:
        hint = log.last_index_of_term_at_most(message.previous_term, min(previous, log.last_index))
    hint_term = log.term(hint) or Term(0)
    core.send(AppendRejected(core.node, message.sender, core.term, previous, hint, hint_term))


def _take(core: Core, message: Append, new: tuple[Entry, ...]) -> Index:
    """Append what is new, cutting off only what conflicts. Return the end of what we hold of it."""
    end = Index(message.previous_index + len(message.entries) - len(new))
    for start, stop in _runs(new):
        run = new[start:stop]
        if run[0].kind is CONFIGURATION and not _judge(core, message, run[0]):
            break
        _replace_tail(core, run)
        end = run[-1].index
    return end


def _runs(entries: tuple[Entry, ...]) -> list[tuple[int, int]]:
    """Cut before and after every configuration entry: each is judged alone, after those before."""
    cuts = [0]
    for position, entry in enumerate(entries):
        if entry.kind is CONFIGURATION:
            cuts += [position, position + 1]
    cuts.append(len(entries))
    return [(start, stop) for start, stop in pairwise(cuts) if start < stop]


def _replace_tail(core: Core, entries: tuple[Entry, ...]) -> None:
    """Append entries; an entry of ours in their place conflicts, and goes with all above it."""
    if entries[0].index <= core.log.last_index:
        core.log.truncate(entries[0].index)
        core.outbox.supersede(entries[0].index)
        membership.forget_truncated(core)
    core.log.append(entries)
    for entry in entries:
        if entry.kind is CONFIGURATION:
            membership.adopt(core, entry)


def _judge(core: Core, message: Append, entry: Entry) -> bool:
    """Ask whether this configuration entry may be appended here, now.

    What stands before it is committed first, as far as the leader says, for its warrant must be
    known to be committed here, and be stored with it, before the entry itself is.
    """
    committing.raise_to(core, min(message.commit, Index(entry.index - 1)))
    verdict = membership.judge(core, entry)
    if verdict is Verdict.REFUSE:
        core.drop(Reason.CONFIGURATION_REFUSED)
        roles.disown(core, message.sender)
    elif verdict is Verdict.WAIT:
        core.drop(Reason.CONFIGURATION_WAITS)
    return verdict is Verdict.ACCEPT
