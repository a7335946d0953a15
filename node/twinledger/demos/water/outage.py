"""The fault of the demonstration: the leader is killed, another leads, the killed one returns."""

import asyncio
import time

from twinledger.demos.water.timeline import Timeline
from twinledger.devnet.control import Devnet
from twinledger.devnet.status import NodeView, leader_of, view_nodes
from twinledger.ledger.errors import Code, LedgerError

SUCCESSOR_SECONDS = 60.0
"""An election takes a second or two; a machine with much else to do may need more."""

_LOOK_SECONDS = 0.02


class Outage:
    """One loss of the leader.

    Attributes:
        killed: The node that was killed; empty before.
        successor: The node that led next; empty before.
    """

    def __init__(self, devnet: Devnet, timeline: Timeline) -> None:
        """Nothing happens before `kill_leader`."""
        self._devnet = devnet
        self._timeline = timeline
        self.killed = ""
        self.successor = ""

    async def kill_leader(self) -> None:
        """Ends the leader's process with SIGKILL and waits until another node leads.

        Raises:
            LedgerError: NO_LEADER when no other node leads in time.
        """
        leader = leader_of(await view_nodes(self._devnet.layout))
        if leader is None or leader.status is None:
            raise LedgerError(Code.NO_LEADER, "there is nobody to kill")
        self.killed = leader.entry.name
        self._timeline.killed_at = time.monotonic()
        await self._devnet.kill(self.killed)
        successor = await self._await_successor(leader.status.term)
        self._timeline.led_again_at = time.monotonic()
        self.successor = successor.entry.name

    async def restart_killed(self) -> None:
        """Starts the killed node again and waits until it answers."""
        await self._devnet.restart(self.killed)

    async def _await_successor(self, old_term: int) -> NodeView:
        deadline = time.monotonic() + SUCCESSOR_SECONDS
        while time.monotonic() < deadline:
            view = leader_of(await view_nodes(self._devnet.layout))
            if view is not None and view.status is not None and view.status.term > old_term:
                return view
            await asyncio.sleep(_LOOK_SECONDS)
        said = f"nobody took over from {self.killed} within {SUCCESSOR_SECONDS:g} s"
        raise LedgerError(Code.NO_LEADER, said)
