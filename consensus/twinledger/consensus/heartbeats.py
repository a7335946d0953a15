"""The leader's pulse: it keeps followers from campaigning and proves, by round, that it leads."""

from twinledger.consensus import quorum, roles
from twinledger.consensus.core import Core
from twinledger.consensus.messages import Heartbeat
from twinledger.consensus.types import NodeId


def tick(core: Core) -> None:
    """Let time pass for a leader: pulse, and step down when no quorum answers any more."""
    for progress in core.peers.values():
        progress.tick(core.log.last_index, core.settings.election_ticks)
    if core.settings.check_quorum and not quorum_active(core):
        roles.become_follower(core, core.term, None)
        return
    core.heartbeat_elapsed += 1
    if core.heartbeat_elapsed >= core.settings.heartbeat_ticks:
        core.heartbeat_elapsed = 0
        broadcast(core)


def quorum_active(core: Core) -> bool:
    """Whether a quorum was heard from within an election timeout (dissertation, section 6.2)."""
    limit = core.settings.election_ticks
    heard = {peer: progress.silent_ticks < limit for peer, progress in core.peers.items()}
    heard[core.node] = True
    configuration = core.configuration
    return quorum.joint_reached(configuration.voters, configuration.outgoing, heard) > 0


def broadcast(core: Core) -> None:
    """Tell every follower that we lead, under the current round."""
    for peer in core.peers:
        beat(core, peer)


def beat(core: Core, peer: NodeId) -> None:
    """Tell one follower; never a commit index beyond what it is known to hold."""
    commit = min(core.log.commit, core.peers[peer].match)
    core.send(Heartbeat(core.node, peer, core.term, commit, core.reads.round))
