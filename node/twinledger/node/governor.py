"""Keeps the configuration that orders equal to the node set that the ledger agreed on.

Every node judges configurations by its own state exactly after the height that warrants them; the
leader proposes the next one. docs/consensus.md, "Membership", says why both are needed.
"""

import logging
from dataclasses import dataclass

from twinledger.consensus import Configuration, ConsensusError, Index, NodeId, Verdict
from twinledger.consortium.governed import agreed_nodes, calls_for, next_step
from twinledger.consortium.members import Consortium
from twinledger.consortium.recovery.opening import open_epoch
from twinledger.execution.overlay import Overlay
from twinledger.ledger.errors import LedgerError
from twinledger.node.replica import Replica
from twinledger.storage import ChainStore

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Judge:
    """What this node's ledger says of a configuration: the core's `verdict`."""

    chain: ChainStore
    chain_id: bytes

    def __call__(self, current: Configuration, target: Configuration) -> Verdict:
        """Judge a step from one configuration to another."""
        if (self.chain.applied_height or 0) < target.warrant:
            return Verdict.WAIT
        if target.record:
            return self._opens_epoch(target)
        if calls_for(self.agreed(target.warrant), current, target):
            return Verdict.ACCEPT
        return Verdict.REFUSE

    def _opens_epoch(self, target: Configuration) -> Verdict:
        """Judge a recovery: its signatures and nodes by the state exactly after the fork."""
        with self.chain.snapshot() as state:
            height = state.applied_height or 0
            if height != target.warrant:
                return Verdict.REFUSE
            parent = (height, state.header(height).hash())
            try:
                open_epoch(Overlay(state), target, parent, self.chain_id)
            except LedgerError as error:
                logger.warning("a recovery is refused", extra={"reason": str(error)})
                return Verdict.REFUSE
        return Verdict.ACCEPT

    def agreed(self, height: int) -> frozenset[NodeId]:
        """Return the nodes that the ledger wants to vote, as of a height."""
        return agreed_nodes(Consortium.decode(self.chain.consortium_at(height)))


@dataclass(slots=True)
class Governor:
    """Takes the leader's steps towards the agreed set, one at a time."""

    judge: Judge
    replica: Replica
    _told: str = ""

    def step(self) -> None:
        """As leader, propose the next configuration if one is due. Called again and again."""
        core = self.replica.core
        if not self.replica.leads:
            return
        height = self.judge.chain.consortium_changed_at
        caught_up = [node for node, progress in core.progress.items() if progress.caught_up]
        due = next_step(self.judge.agreed(height), core.configuration, caught_up)
        if due is None:
            return
        try:
            core.propose_configuration(due.voters, due.learners, Index(height))
        except ConsensusError as error:
            # Not now: the step before, the catching up or the election is not finished.
            self._tell(str(error))
            return
        self._told = ""
        logger.info("nodes that order change", extra={"voters": due.voters, "warrant": height})
        self.replica.advance()

    def _tell(self, reason: str) -> None:
        """Say once why a step waits."""
        if reason != self._told:
            self._told = reason
            logger.info("nodes that order change later", extra={"reason": reason})
