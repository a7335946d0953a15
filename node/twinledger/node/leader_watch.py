"""Watches the leader, and joins with others to replace one that does not do its duty.

A node calls against its leader while its order alarm stands, or when its operator says so, and
hands what was not ordered to the other nodes, which then see for themselves. Whoever calls and
counts a majority of callers follows that leader no more in this term; a leader that counts one
hands over. docs/consensus.md, "A leader that censors", says why nobody can abuse this alone.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from twinledger.consensus import NodeId
from twinledger.ledger.errors import LedgerError
from twinledger.node.leader_calls import REPEAT_S, LeaderCalls, enough
from twinledger.node.order_alarm import Alarm, Leadership, OrderAlarm
from twinledger.node.pool import Pool
from twinledger.node.replica import Replica
from twinledger.v1.peer_service_pb2 import LeadershipCall

_LOOK_S: Final = 0.2
_OPERATORS_CALL_S: Final = 60.0
"""How long an operator's call stands."""
_DEFY_TICKS: Final = 60
"""Four election timeouts: others are chosen by then, or the callers were not enough after all."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class LeaderWatch:
    """One node's watch."""

    node_id: NodeId
    replica: Replica
    pool: Pool
    alarm: OrderAlarm
    now_s: Callable[[], float] = time.monotonic
    calls: LeaderCalls = field(default_factory=LeaderCalls)
    _operators: tuple[Leadership, float] | None = None
    """What the operator calls against, and until when."""
    _called_s: float = float("-inf")

    async def run(self) -> None:
        """Look again and again."""
        while True:
            if (alarm := self.look()) is not None:
                await self._show_others(alarm)
            await asyncio.sleep(_LOOK_S)

    def look(self) -> Alarm | None:
        """Judge the leader and repeat a standing call; return an alarm that is new."""
        now_s = self.now_s()
        new = self.alarm.look(now_s, self._leader_elsewhere(), self.pool.oldest)
        if new and self.alarm.standing is not None:
            logger.warning("an alarm", extra={"reason": self.alarm.standing.sentence})
        if now_s - self._called_s >= REPEAT_S and self._calls_itself(now_s):
            self._called_s = now_s
            self._send_call()
        self._act()
        return self.alarm.standing if new else None

    def call(self) -> None:
        """Call against the leader there is now, for a while, because the operator says so."""
        leadership = self._leader_elsewhere()
        if leadership is not None:
            logger.info("the operator calls for another leader", extra={"leader": leadership[1]})
            self._operators = leadership, self.now_s() + _OPERATORS_CALL_S
            self.look()

    def received(self, caller: NodeId, call: LeadershipCall) -> None:
        """Take another node's call."""
        self.calls.note(caller, (call.term, call.leader_id), self.now_s())
        self._act()

    def callers(self) -> frozenset[NodeId]:
        """Return who calls against the leader there is now."""
        now_s = self.now_s()
        others = self.calls.against(self.replica.leadership, now_s)
        return others | {self.node_id} if self._calls_itself(now_s) else others

    def warnings(self) -> list[str]:
        """Return what an operator should know, a sentence each."""
        said = [self.alarm.standing.sentence] if self.alarm.standing else []
        callers, leadership = sorted(self.callers()), self.replica.leadership
        if callers and leadership:
            said.append(f"Call for another leader than {leadership[1]}: {', '.join(callers)}.")
        return said

    def _act(self) -> None:
        """Do what a majority of callers asks for."""
        callers, leadership = self.callers(), self.replica.leadership
        core = self.replica.core
        if leadership is None or not enough(core.configuration, callers):
            return
        if self.replica.leads and core.transferee is None:
            logger.warning("others call for another leader", extra={"callers": sorted(callers)})
            self.replica.transfer_leadership()
        elif self.node_id in callers:
            logger.warning("the leader is followed no more", extra={"callers": sorted(callers)})
            term, leader = leadership
            self.replica.defy(NodeId(leader), term, _DEFY_TICKS)

    def _calls_itself(self, now_s: float) -> bool:
        leadership = self._leader_elsewhere()
        if leadership is None:
            return False
        alarmed = self.alarm.standing is not None
        return alarmed or (
            self._operators is not None
            and self._operators[0] == leadership
            and now_s < self._operators[1]
        )

    def _leader_elsewhere(self) -> Leadership | None:
        return None if self.replica.leads else self.replica.leadership

    def _send_call(self) -> None:
        leadership = self._leader_elsewhere()
        if leadership is not None:
            term, leader = leadership
            for peer in self.replica.transport.peers.values():
                peer.call_leadership(LeadershipCall(term=term, leader_id=leader))

    async def _show_others(self, alarm: Alarm) -> None:
        """Give the transaction to every node, so that each can see what becomes of it."""
        for peer in list(self.replica.transport.peers.values()):
            if peer.node_id == alarm.leadership[1] or not peer.connected:
                continue
            try:
                await peer.forward([alarm.pending.raw])
            except LedgerError as error:
                logger.warning("could not show a transaction", extra={"reason": error.detail})
