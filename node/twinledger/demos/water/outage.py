"""The fault of the demonstration: the leader is killed, another leads, the killed one returns."""

import asyncio
import time

from twinledger.demos.water.timeline import Timeline
from twinledger.devnet.control import Devnet
from twinledger.devnet.status import leader_of, view_nodes
from twinledger.ledger.errors import Code, LedgerError

LEADER_SECONDS = 60.0
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
            LedgerError: NO_LEADER when nobody, or afterwards no other node, leads in time.
        """
        self.killed, term = await self._await_leader(0, "nobody leads")
        self._timeline.killed_at = time.monotonic()
        await self._devnet.kill(self.killed)
        missing = f"nobody took over from {self.killed}"
        self.successor, _ = await self._await_leader(term + 1, missing)
        self._timeline.led_again_at = time.monotonic()

    async def restart_killed(self) -> None:
        """Starts the killed node again and waits until it answers."""
        await self._devnet.restart(self.killed)

    async def _await_leader(self, term: int, missing: str) -> tuple[str, int]:
        """Waits for whoever leads in this term or a later one; returns the name and the term."""
        deadline = time.monotonic() + LEADER_SECONDS
        while time.monotonic() < deadline:
            view = leader_of(await view_nodes(self._devnet.layout))
            if view is not None and view.status is not None and view.status.term >= term:
                return view.entry.name, view.status.term
            await asyncio.sleep(_LOOK_SECONDS)
        raise LedgerError(Code.NO_LEADER, f"{missing} within {LEADER_SECONDS:g} s")
