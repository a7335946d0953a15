"""Who may decide: every node's configuration as it stands in its own log, and its lawful steps.

Kept apart from the core's own opinion, so that a core that counts by the wrong configuration is
found.

    membership rules     one pending change; none before the leader committed in its own term; at
    most
                         one voter differs, or the step is joint; removed ids stay out
    warrants             never decrease, are committed first, and are stored with the entry
    electoral roll       a leader was voted for by a majority of each half of its configuration
"""

from twinledger.consensus import Configuration, Entry, NodeId, Persist, Raft
from twinledger.consensus.types import CONFIGURATION
from twinledger.simulation.broken import InvariantBroken
from twinledger.simulation.process import Process
from twinledger.simulation.promises import Promises

Places = list[tuple[int, Configuration]]


class Electorate:
    """The configurations in every node's log, by index."""

    __slots__ = ("_known", "_places", "_promises")

    def __init__(self, promises: Promises) -> None:
        """`promises` knows every vote that ever left its voter."""
        self._promises = promises
        self._known: set[bytes] = set()
        self._places: dict[NodeId, Places] = {}

    def in_force(self, process: Process) -> Configuration:
        """Return the newest configuration in this node's log."""
        return self._places[process.id][-1][1]

    def came_up(self, process: Process) -> None:
        """Read a node's log anew."""
        machine, journal = process.machine, process.disk.journal
        places: Places = [(machine.applied, machine.configuration)]
        for index in range(machine.applied + 1, journal.last_index() + 1):
            entry = journal.entry(index)
            if entry.kind is CONFIGURATION:
                places.append((index, Configuration.decode(entry.payload)))
        self._places[process.id] = places

    def wrote(self, process: Process, raft: Raft, persist: Persist) -> None:
        """Follow what a node wants written; check what is new to the world."""
        places = self._places[process.id]
        if persist.truncate_from is not None:
            while places[-1][0] >= persist.truncate_from:
                places.pop()
        for entry in persist.entries:
            if entry.kind is CONFIGURATION:
                configuration = Configuration.decode(entry.payload)
                if configuration.warrant > persist.commit:
                    raise InvariantBroken(
                        "warrants", f"{process.id} stores {entry.index} without its warrant"
                    )
                if entry.hash not in self._known:
                    self._known.add(entry.hash)
                    _check_step(process, raft, entry, places[-1], configuration)
                places.append((entry.index, configuration))
        if raft.configuration != places[-1][1]:
            raise InvariantBroken(
                "membership rules", f"{process.id} decides by {raft.configuration}, not by its log"
            )

    def installed(self, process: Process, index: int, configuration: Configuration) -> None:
        """Let a snapshot's configuration stand for the log."""
        self._places[process.id] = [(index, configuration)]

    def elected(self, process: Process, term: int) -> None:
        """Check that a majority of each half voted for a new leader."""
        configuration = self.in_force(process)
        for half in (configuration.voters, configuration.outgoing):
            votes = sum(self._promises.voted(voter, term) == process.id for voter in half)
            votes += process.id in half and not self._promises.voted(process.id, term)
            if half and votes <= len(half) // 2:
                raise InvariantBroken(
                    "electoral roll",
                    f"{process.id} leads term {term} with {votes} votes of {len(half)}",
                )


def _check_step(
    process: Process,
    raft: Raft,
    entry: Entry,
    before: tuple[int, Configuration],
    after: Configuration,
) -> None:
    """Check a change at the moment its leader appends it."""
    index, current = before
    commit = raft.commit
    if entry.term != raft.term:
        raise InvariantBroken("membership rules", f"{process.id} brings up {entry.index} late")
    if index > commit:
        raise InvariantBroken("membership rules", f"{process.id} changes while {index} is pending")
    if process.disk.written.term(commit) != raft.term:
        raise InvariantBroken(
            "membership rules", f"{process.id} changes before it committed in term {raft.term}"
        )
    if not _lawful(current, after):
        raise InvariantBroken("membership rules", f"{process.id} steps from {current} to {after}")
    if not current.warrant <= after.warrant <= commit:
        raise InvariantBroken("warrants", f"{process.id} names warrant {after.warrant}")


def _lawful(current: Configuration, after: Configuration) -> bool:
    """Whether the two configurations' majorities overlap and the dead stay dead."""
    if not set(current.removed) <= set(after.removed):
        return False
    if set(after.members) & set(after.removed):
        return False
    if current.joint:
        return not after.joint and after.voters == current.voters
    if after.joint:
        return after.outgoing == current.voters
    return len(set(current.voters) ^ set(after.voters)) <= 1
