"""The ambush: faults that wait for the moment in which they hurt most.

Millions of random faults miss a vote that was not saved, because the crash must fall between the
vote and the next one of the same term. So this nemesis watches every message leave and strikes
then.
"""

from collections.abc import Callable
from typing import Any

from twinledger.consensus import Append, AppendAccepted, Message, VoteRequest, VoteResponse
from twinledger.simulation.lifecycle import Lifecycle
from twinledger.simulation.nemesis import Nemesis
from twinledger.simulation.process import Process
from twinledger.simulation.scene import Scene


class Ambush:
    """Strikes because of what it sees."""

    __slots__ = (
        "_agenda",
        "_campaigned",
        "_chance",
        "_commits",
        "_led",
        "_lifecycle",
        "_nemesis",
        "_plans",
        "_processes",
        "_random",
        "strikes",
    )

    def __init__(self, scene: Scene, lifecycle: Lifecycle, nemesis: Nemesis) -> None:
        """Lie in wait for what the knobs name."""
        self._agenda = scene.agenda
        self._random = scene.random("ambush")
        self._chance = scene.knobs.ambush_chance
        self._lifecycle = lifecycle
        self._nemesis = nemesis
        self._plans = frozenset(scene.knobs.ambushes)
        self.strikes: dict[type[Message], Callable[[Process, Any], None]] = {
            Append: self._leader_speaks,
            AppendAccepted: self._accepts,
            VoteRequest: self._rival,
            VoteResponse: self._votes,
        }
        """What to do when a message of some class has left a node."""
        self._processes = scene.processes
        self._campaigned = 0
        self._led = 0
        self._commits = 0

    def stop(self) -> None:
        """Go home."""
        self.strikes.clear()

    def _votes(self, process: Process, message: VoteResponse) -> None:
        if message.granted:
            self._crash("crash-after-vote", process, briefly=True)

    def _accepts(self, process: Process, message: AppendAccepted) -> None:
        del message
        self._crash("crash-after-accept", process, rarer=20)

    def _leader_speaks(self, process: Process, message: Append) -> None:
        if message.term > self._led:
            self._led = message.term
            if "cut-new-leader" in self._plans and self._random.random() < self._chance:
                self._nemesis.cut_with_minority(process)
            self._crash("crash-new-leader", process)
        elif message.commit > self._commits:
            self._commits = message.commit
            self._crash("crash-after-commit", process, rarer=4)
        elif message.entries:
            self._crash("crash-between-sends", process, rarer=20)

    def _rival(self, process: Process, message: VoteRequest) -> None:
        """Let somebody else's clock jump, so that two campaign in one term."""
        if "rival-candidate" not in self._plans or message.term <= self._campaigned:
            return
        self._campaigned = message.term
        if self._random.random() < 2 * self._chance:
            others = [one for one in self._processes.values() if one is not process]
            if others:
                self._agenda.after(1, self._nemesis.call_to_campaign, self._random.choice(others))

    def _crash(self, plan: str, process: Process, *, rarer: int = 1, briefly: bool = False) -> None:
        """Crash a node that is up, maybe. What left has left; the next message has not."""
        if plan in self._plans and process.up and self._random.random() * rarer < self._chance:
            self._lifecycle.crash(process, plan, briefly=briefly)
