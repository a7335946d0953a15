"""Snapshots as the core sees them: an offer, an outcome, and a log that begins again above.

What a snapshot holds, how it travels and whether it is true is the driver's business.
"""

from twinledger.consensus import committing, following
from twinledger.consensus.core import Core
from twinledger.consensus.dropped import Reason
from twinledger.consensus.invariant import invariant
from twinledger.consensus.messages import AppendAccepted, Snapshot, SnapshotOffer, SnapshotStatus
from twinledger.consensus.progress import Progress, ProgressState
from twinledger.consensus.ready import SnapshotToInstall


def on_offer(core: Core, message: SnapshotOffer) -> None:
    """Take an offer that would bring us forward; otherwise say what we hold already."""
    if not following.accept_leader(core, message.sender):
        return
    snapshot, log = message.snapshot, core.log
    if snapshot.index > log.commit and log.matches(snapshot.index, snapshot.term, snapshot.hash):
        committing.raise_to(core, snapshot.index)
    if snapshot.index <= log.commit:
        answer = AppendAccepted(core.node, message.sender, core.term, log.commit)
        core.promise(answer)
        return
    offer = SnapshotToInstall(message.sender, snapshot)
    older = core.offered is not None and snapshot.index < core.offered.snapshot.index
    if offer != core.offered and not older:
        core.offered, core.offer_is_new = offer, True


def installed(core: Core, snapshot: Snapshot) -> None:
    """Begin again above the snapshot."""
    offered = core.offered
    invariant(offered is not None and offered.snapshot == snapshot, "nobody asked for this")
    invariant(not core.outbox.tickets, "a snapshot was installed while writes were outstanding")
    core.log.restore(snapshot)
    core.configurations = [(snapshot.index, snapshot.configuration)]
    core.offered, core.offer_is_new = None, False
    if core.leader is not None:
        answer = AppendAccepted(core.node, core.leader, core.term, snapshot.index)
        core.promise(answer)


def failed(core: Core, snapshot: Snapshot) -> None:
    """Forget an offer that came to nothing, and tell the leader."""
    offered = core.offered
    if offered is None or offered.snapshot != snapshot:
        return
    core.offered, core.offer_is_new = None, False
    if core.leader is not None:
        core.send(SnapshotStatus(core.node, core.leader, core.term, snapshot.index))


def on_status(core: Core, progress: Progress, message: SnapshotStatus) -> None:
    """A follower gave up: probe it again, after its next heartbeat."""
    if progress.snapshot is None or progress.snapshot.index != message.index:
        core.drop(Reason.NOT_ASKED)
        return
    give_up(progress)


def give_up(progress: Progress) -> None:
    """Return to probing, but not before the follower is heard from."""
    if progress.state is ProgressState.SNAPSHOT:
        progress.become_probe()
        progress.paused = True
