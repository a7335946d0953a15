"""What must hold in every world, checked after every event at the node it touched.

The observer sees all nodes at once, which no node can. Each check costs a constant, because a
rolling hash stands for a whole prefix and because only what changed is looked at.

    election safety          one leader a term
    leader completeness      a leader holds everything committed in earlier terms
    leader append-only       a leader never truncates
    log matching             one content and one parent for each (index, term)
    commit rule              only an entry of the leader's own term is committed by counting
    commit durability        what is committed is durable on a quorum
    snapshot truth           what is installed is what was committed
    state machine safety     every node commits and applies the same entries, each once, in order
    monotonicity             term and commit never go back in a life, nor the durable ones between
"""

from bisect import bisect_left
from collections.abc import Mapping

from twinledger.consensus import Entry, NodeId, Persist, Raft, Snapshot, entry_hash
from twinledger.consensus.types import LEADER
from twinledger.simulation.broken import InvariantBroken
from twinledger.simulation.electorate import Electorate
from twinledger.simulation.journal import GENESIS_HASH
from twinledger.simulation.machine import Machine, Outcome
from twinledger.simulation.process import Process


class Observer:
    """The one true history, and the comparison of every node with it."""

    __slots__ = (
        "_commit_terms",
        "_committed",
        "_content",
        "_durable",
        "_electorate",
        "_processes",
        "_state_hashes",
        "elections",
        "leader_of",
        "reference",
    )

    def __init__(
        self, processes: Mapping[NodeId, Process], reference: Machine, electorate: Electorate
    ) -> None:
        """`reference` is a machine at genesis; it will apply what is committed, once."""
        self._electorate = electorate
        self._processes = processes
        self.reference = reference
        self.elections = 0
        self.leader_of: dict[int, NodeId] = {}
        self._content: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self._committed: list[bytes] = [GENESIS_HASH]
        """The hash at every committed index."""
        self._commit_terms: list[int] = [0]
        """The term of the leader that committed it; never falls."""
        self._state_hashes: list[int] = [reference.state_hash]
        self._durable: dict[NodeId, tuple[int, NodeId | None]] = {}

    @property
    def commits(self) -> int:
        """How many entries are committed."""
        return len(self._committed) - 1

    def check(self, process: Process, raft: Raft) -> None:
        """Check a running node after its core did anything."""
        seen, standing = process.seen, raft.standing
        if standing == seen.standing:
            return
        seen.standing = standing
        term, role, commit, _ = standing
        if term < seen.term:
            raise InvariantBroken("monotonicity", f"{process.id} went back to term {term}")
        seen.term = term
        if role is LEADER and seen.led != term:
            self._elected(process, term)
        if commit != seen.commit:
            self._commits(process, raft, commit)

    # Elections.

    def _elected(self, process: Process, term: int) -> None:
        process.seen.led = term
        self.elections += 1
        other = self.leader_of.setdefault(term, process.id)
        if other != process.id:
            raise InvariantBroken(
                "election safety", f"{other} and {process.id} both lead term {term}"
            )
        index = bisect_left(self._commit_terms, term) - 1
        if not process.disk.written.holds(index, self._committed[index]):
            raise InvariantBroken(
                "leader completeness", f"{process.id} leads term {term} without entry {index}"
            )
        self._electorate.elected(process, term)

    # The log.

    def wrote(self, process: Process, raft: Raft, persist: Persist) -> None:
        """Check what a node wants written, before it is."""
        if persist.truncate_from is not None:
            self._truncates(process, raft, persist.truncate_from)
        if not persist.entries:
            self._electorate.wrote(process, raft, persist)
            return
        first = persist.entries[0].index
        if first != (persist.truncate_from or process.disk.written.last_index() + 1):
            raise InvariantBroken("log matching", f"{process.id} leaves a gap before {first}")
        parent = process.disk.written.hash(first - 1)
        for entry in persist.entries:
            self._matches(process, entry, parent)
            parent = entry.hash
        self._electorate.wrote(process, raft, persist)

    def _truncates(self, process: Process, raft: Raft, index: int) -> None:
        if raft.role is LEADER:
            raise InvariantBroken("leader append-only", f"{process.id} truncates from {index}")
        if index <= process.seen.commit:
            raise InvariantBroken(
                "state machine safety", f"{process.id} truncates committed entry {index}"
            )

    def _matches(self, process: Process, entry: Entry, parent: bytes) -> None:
        known = self._content.get((entry.index, entry.term))
        if known is None:
            expected = entry_hash(parent, entry.index, entry.term, entry.kind, entry.payload)
            if expected != entry.hash:
                raise InvariantBroken(
                    "log matching", f"{process.id} writes {entry.index} after another parent"
                )
            self._content[entry.index, entry.term] = (entry.hash, parent)
        elif known != (entry.hash, parent):
            raise InvariantBroken(
                "log matching",
                f"{process.id} writes another {entry.index} of term {entry.term}",
            )

    # Commitment.

    def _commits(self, process: Process, raft: Raft, commit: int) -> None:
        if commit < process.seen.commit:
            raise InvariantBroken("monotonicity", f"{process.id} went back to commit {commit}")
        process.seen.commit = commit
        if commit > self.commits:
            self._extend(process, raft.term, commit)
        elif not process.disk.written.holds(commit, self._committed[commit]):
            raise InvariantBroken(
                "state machine safety", f"{process.id} commits another entry {commit}"
            )

    def _extend(self, process: Process, term: int, commit: int) -> None:
        """Take over what nobody had committed before."""
        written = process.disk.written
        if commit > written.last_index():
            raise InvariantBroken("commit rule", f"{process.id} commits {commit} without having it")
        if process.seen.led != term or written.term(commit) != term:
            raise InvariantBroken(
                "commit rule", f"{process.id} in term {term} commits {commit} of another term"
            )
        for index in range(self.commits + 1, commit + 1):
            entry = written.entry(index)
            if self._content[index, entry.term][1] != self._committed[-1]:
                raise InvariantBroken("state machine safety", f"{process.id} forks below {index}")
            self._committed.append(entry.hash)
            self._commit_terms.append(term)
            self.reference.apply(entry)
            self._state_hashes.append(self.reference.state_hash)
        self._check_quorum(process, commit)

    def _check_quorum(self, process: Process, commit: int) -> None:
        configuration = self._electorate.in_force(process)
        for half in (configuration.voters, configuration.outgoing):
            copies = sum(self._has_durable(node, commit) for node in half)
            if half and copies <= len(half) // 2:
                raise InvariantBroken(
                    "commit durability",
                    f"{process.id} commits {commit}, durable on {copies} of {len(half)}",
                )

    def _has_durable(self, node: NodeId, index: int) -> bool:
        """Whether a copy is, or before its disk was damaged was, durable there."""
        process = self._processes[node]
        return process.damaged or process.disk.journal.holds(index, self._committed[index])

    # The state.

    def applied(self, process: Process, entry: Entry, outcome: Outcome | None) -> None:
        """Check one application, just after it."""
        index = entry.index
        if index > self.commits or entry.hash != self._committed[index]:
            raise InvariantBroken(
                "state machine safety", f"{process.id} applies another entry {index}"
            )
        if process.machine.state_hash != self._state_hashes[index]:
            raise InvariantBroken(
                "state machine safety", f"{process.id} has another state at {index}: {outcome}"
            )

    def applies(self, process: Process, entry: Entry) -> None:
        """Check that the next application leaves no gap and repeats nothing."""
        if entry.index != process.machine.applied + 1:
            raise InvariantBroken(
                "state machine safety",
                f"{process.id} applies {entry.index} after {process.machine.applied}",
            )

    def installed(self, process: Process, snapshot: Snapshot) -> None:
        """Check a snapshot that was just installed."""
        index = snapshot.index
        if index > self.commits or snapshot.hash != self._committed[index]:
            raise InvariantBroken("snapshot truth", f"{process.id} installs another log {index}")
        machine = process.machine
        if machine.applied != index or machine.state_hash != self._state_hashes[index]:
            raise InvariantBroken("snapshot truth", f"{process.id} installs another state {index}")
        self._electorate.installed(process, index, snapshot.configuration)

    # Restarts.

    def went_down(self, process: Process) -> None:
        """Remember what must still be there when this node starts again."""
        saved = process.disk.hard_state
        self._durable[process.id] = (saved.term, saved.vote)

    def came_up(self, process: Process, raft: Raft) -> None:
        """Check that nothing durable went back over a restart."""
        self._electorate.came_up(process)
        term, vote = self._durable.get(process.id, (0, None))
        if raft.term < term or (raft.term == term and vote not in (None, raft.vote)):
            raise InvariantBroken(
                "monotonicity", f"{process.id} restarts in term {raft.term}, had {term}"
            )
        if raft.commit < process.machine.applied:
            raise InvariantBroken("monotonicity", f"{process.id} restarts below what it applied")
