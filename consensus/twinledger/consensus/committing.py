"""The commit index: the only rule by which a leader raises it, and what follows when it rises."""

from twinledger.consensus import appending, membership, quorum
from twinledger.consensus.core import Core
from twinledger.consensus.types import Index


def advance(core: Core) -> None:
    """Commit what a quorum holds durably, if it is of our own term (dissertation, 3.6.2).

    Older entries are committed only indirectly: counting them could commit an entry that a later
    leader may still overwrite (Figure 3.7 there, Figure 8 of the paper).
    """
    if core.log.commit == core.log.last_index:
        return
    reached = reached_by_quorum(core)
    if reached > core.log.commit and core.log.term(reached) == core.term:
        raise_to(core, reached)
        appending.forget_committed(core)


def reached_by_quorum(core: Core) -> Index:
    """Return the highest index that a quorum of the configuration in force holds durably.

    We count ourselves only up to what our own disk has synced.
    """
    match = {peer: int(progress.match) for peer, progress in core.peers.items()}
    match[core.node] = core.log.stable
    configuration = core.configuration
    return Index(quorum.joint_reached(configuration.voters, configuration.outgoing, match))


def raise_to(core: Core, index: Index) -> None:
    """Raise the commit index, on a leader or a follower, and settle what it commits."""
    if index <= core.log.commit:
        return
    core.log.commit_to(index)
    if core.offered is not None and core.offered.snapshot.index <= core.log.commit:
        core.offered, core.offer_is_new = None, False
    membership.settle(core)
