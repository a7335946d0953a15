"""Handing leadership over (dissertation, section 3.10): catch up, tell it, take no proposals."""

from twinledger.consensus.core import Core
from twinledger.consensus.errors import NotLeader, TransferRefused
from twinledger.consensus.messages import TimeoutNow
from twinledger.consensus.types import LEADER, NodeId


def begin(core: Core, to: NodeId) -> None:
    """Begin to hand over. Asking again for the same node changes nothing."""
    if core.role is not LEADER:
        raise NotLeader(core.leader)
    if to not in core.peers or not core.configuration.is_voter(to):
        raise TransferRefused(f"{to} is not another voter")
    if core.transferee != to:
        core.transferee, core.transfer_elapsed = to, 0
        hand_over_if_caught_up(core)


def hand_over_if_caught_up(core: Core) -> None:
    """Tell the target to campaign, once it holds everything we do."""
    target = core.transferee
    if target is not None and core.peers[target].match == core.log.last_index:
        core.send(TimeoutNow(core.node, target, core.term))


def tick(core: Core) -> None:
    """Give up after an election timeout, so that proposals are taken again."""
    if core.transferee is not None:
        core.transfer_elapsed += 1
        if core.transfer_elapsed >= core.settings.election_ticks:
            core.transferee = None
