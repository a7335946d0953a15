"""Snapshots as the core sees them: an offer, an outcome, and a log that begins again above.

What a snapshot holds, how it travels and whether it is true is the driver's business.
"""

from twinledger.consensus import following
from twinledger.consensus.core import Core
from twinledger.consensus.dropped import Reason
from twinledger.consensus.invariant import invariant
from twinledger.consensus.messages import Snapshot, SnapshotOffer, SnapshotStatus
from twinledger.consensus.progress import SNAPSHOT, Progress
from twinledger.consensus.ready import SnapshotToInstall


def on_offer(core: Core, message: SnapshotOffer) -> None:
    """Take an offer that would bring us forward; otherwise say what we hold already."""
    if not following.accept_leader(core, message.sender):
        return
    offer = SnapshotToInstall(message.sender, message.snapshot)
    older = core.offered is not None and offer.snapshot.index < core.offered.snapshot.index
    if offer.snapshot.index > core.log.commit and offer != core.offered and not older:
        core.offered, core.offer_is_new = offer, True
        following.withdraw_reached_offer(core)
    if offer.snapshot.index <= core.log.commit:
        following.acknowledge(core, core.log.commit)


def installed(core: Core, snapshot: Snapshot) -> None:
    """Begin again above the snapshot."""
    offered = core.offered
    invariant(offered is not None and offered.snapshot == snapshot, "nobody asked for this")
    written = not (core.outbox.tickets or core.outbox.promises or core.log.has_unstable)
    invariant(written, "a snapshot was installed while writes were outstanding")
    idle = core.log.applying == core.log.applied
    invariant(idle, "a snapshot was installed while a page was being applied")
    core.log.restore(snapshot)
    core.configurations = [(snapshot.index, snapshot.configuration)]
    core.offered, core.offer_is_new = None, False
    following.acknowledge(core, snapshot.index)


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
    if progress.state is SNAPSHOT:
        progress.become_probe()
        progress.paused = True
