"""Configurations in the log: in force from append, settled by commit, taken back by truncation.

Rules: a leader proposes none before it has committed in its own term (the 2015 bug of single-server
changes); one is pending at a time; a node learns before it votes; a removed id never returns; the
height that warrants a change is committed first, never decreases, and the driver has the last word.
"""

from collections.abc import Callable, Mapping

from twinledger.consensus import appending, changes, heartbeats, roles
from twinledger.consensus.configuration import Configuration, Nodes
from twinledger.consensus.core import Core
from twinledger.consensus.errors import (
    BadConfiguration,
    ChangeInProgress,
    LeaderNotReady,
    NodeRemoved,
    NotCaughtUp,
    VerdictPending,
    VerdictRefused,
    WarrantNotCommitted,
)
from twinledger.consensus.inflight import Inflight
from twinledger.consensus.messages import TimeoutNow
from twinledger.consensus.progress import CatchUp, Progress
from twinledger.consensus.types import (
    CONFIGURATION,
    LEADER,
    MAX_NUMBER,
    Entry,
    Index,
    NodeId,
    Verdict,
)

# What the log remembers.


def read_from_log(core: Core) -> None:
    """At start: adopt what the log holds above the applied index."""
    low, high = Index(core.log.applied + 1), Index(core.log.last_index + 1)
    while low < high:
        page = core.log.entries(low, high, core.settings.max_append_bytes)
        for entry in page:
            if entry.kind is CONFIGURATION:
                adopt(core, entry)
        low = Index(page[-1].index + 1)
    settle(core)


def adopt(core: Core, entry: Entry) -> None:
    """Put a configuration in force: its entry has just been appended."""
    core.configurations.append((entry.index, Configuration.decode(entry.payload)))
    if core.role is LEADER:
        track_peers(core)


def forget_truncated(core: Core) -> None:
    """Go back to the newest configuration that is still in the log."""
    while core.configurations[-1][0] > core.log.last_index:
        core.configurations.pop()


def settle(core: Core) -> None:
    """Forget configurations that a later, committed one has replaced."""
    replaced = sum(1 for index, _ in core.configurations[1:] if index <= core.log.commit)
    if not replaced:
        return
    del core.configurations[:replaced]
    if core.role is LEADER:
        _release_removed(core)
        if not core.configuration.is_voter(core.node):
            _step_down(core)


# The leader's peers.


def track_peers(core: Core) -> None:
    """Replicate to everyone in any configuration that may still be in force somewhere.

    So a node that is being removed goes on receiving until its removal is committed: retiring it
    earlier can leave the others without a quorum (CCF, NSDI 2025).
    """
    members = {node for _, config in core.configurations for node in config.members}
    leaving = {peer for peer, progress in core.peers.items() if progress.removed_at is not None}
    peers = tuple(sorted((members | leaving) - {core.node}))
    core.peers = tracked(core.peers, peers, lambda: _new_progress(core))


def tracked(
    known: Mapping[NodeId, Progress], members: Nodes, begin: Callable[[], Progress]
) -> dict[NodeId, Progress]:
    """Return the progress of these members: what is known is kept, others begin anew."""
    return {member: known.get(member) or begin() for member in members}


def _new_progress(core: Core) -> Progress:
    settings, last = core.settings, core.log.last_index
    window = Inflight(settings.max_inflight_messages, settings.max_inflight_bytes)
    return Progress(Index(last + 1), window, CatchUp(last))


def _release_removed(core: Core) -> None:
    """Send the removed ones nothing above their removal, and part from those who have it."""
    removal = core.configurations[0][0]
    for peer, progress in list(core.peers.items()):
        if peer not in core.configuration.members and progress.removed_at is None:
            progress.removed_at = removal
            part_if_told(core, peer)


def part_if_told(core: Core, peer: NodeId) -> None:
    """Part from a removed node that holds its removal, telling it that this is committed.

    One that is silent for an election timeout is left to find out from the ledger.
    """
    progress = core.peers[peer]
    if progress.removed_at is None:
        return
    silent = progress.silent_ticks >= core.settings.election_ticks
    if progress.match >= progress.removed_at or silent:
        heartbeats.beat(core, peer)
        del core.peers[peer]
        if core.transferee == peer:
            core.transferee = None


def _step_down(core: Core) -> None:
    """Leave office: the change that removed this leader is committed (dissertation, 4.2.2).

    The best follower is told to campaign, so that nobody waits for an election timeout.
    """
    voters = [peer for peer in core.peers if peer in core.configuration.voters]
    best = max(voters, key=lambda peer: core.peers[peer].match)
    core.send(TimeoutNow(core.node, best, core.term))
    heartbeats.broadcast(core)
    roles.become_follower(core, core.term, None)


def tick(core: Core) -> None:
    """Let time pass for a leader: part from the silent, move on from a joint configuration."""
    for peer in [peer for peer, progress in core.peers.items() if progress.removed_at is not None]:
        part_if_told(core, peer)
    leave_joint(core)


# Changes.


def propose(core: Core, voters: Nodes, learners: Nodes, warrant: Index) -> Index:
    """Append the first step towards the target. Returns its index."""
    _check_leader_may_change(core, warrant)
    _check_none_was_removed(core, (*voters, *learners))
    target = changes.next_configuration(core.configuration, voters, learners, warrant)
    _check_voters_caught_up(core, target)
    return _append(core, target)


def leave_joint(core: Core) -> None:
    """Move on from a committed joint configuration, as soon as the driver agrees."""
    leads = core.role is LEADER and core.transferee is None
    if not (leads and core.configuration.joint) or pending(core):
        return
    if core.committed_in_own_term:
        target = changes.leave_joint(core.configuration)
        if core.verdict(core.configuration, target) is Verdict.ACCEPT:
            _append_accepted(core, target)


def pending(core: Core) -> bool:
    """Whether the configuration in force is not committed yet."""
    return core.configurations[-1][0] > core.log.commit


def judge(core: Core, entry: Entry) -> Verdict:
    """Say whether a follower may append this entry. The driver judges only what may be judged."""
    target = Configuration.decode(entry.payload)
    current = [config for index, config in core.configurations if index < entry.index][-1]
    if target.warrant < current.warrant or not changes.is_step(current, target):
        return Verdict.REFUSE
    if target.warrant > core.log.commit:
        return Verdict.WAIT
    return core.verdict(current, target)


def _check_leader_may_change(core: Core, warrant: Index) -> None:
    if not core.committed_in_own_term:
        raise LeaderNotReady("this leader has committed nothing of its own term yet")
    if pending(core) or core.configuration.joint:
        raise ChangeInProgress("the change before this one is not finished")
    if warrant < core.configuration.warrant:
        raise BadConfiguration("the warrant height must not decrease")
    if warrant > core.log.commit:
        raise WarrantNotCommitted("the warrant height is not committed yet")


def _check_none_was_removed(core: Core, nodes: Nodes) -> None:
    for node in nodes:
        if node in core.configuration.removed:
            raise NodeRemoved(node)


def _check_voters_caught_up(core: Core, target: Configuration) -> None:
    for node in target.voters:
        progress = core.peers.get(node)
        caught_up = progress is not None and progress.caught_up
        if not core.configuration.is_voter(node) and not caught_up:
            raise NotCaughtUp(node)


def _append(core: Core, target: Configuration) -> Index:
    verdict = core.verdict(core.configuration, target)
    if verdict is Verdict.WAIT:
        raise VerdictPending("the warrant height is not executed here yet")
    if verdict is Verdict.REFUSE:
        raise VerdictRefused("the ledger at the warrant height does not call for this change")
    return _append_accepted(core, target)


def _append_accepted(core: Core, target: Configuration) -> Index:
    index = appending.append_own(core, CONFIGURATION, target.encode())
    (entry,) = core.log.entries(index, Index(index + 1), MAX_NUMBER)
    adopt(core, entry)
    return index
