"""The face of the core: every call the driver makes, and what it gets back."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from twinledger.consensus import (
    appending,
    committing,
    election,
    heartbeats,
    membership,
    reads,
    replication,
    roles,
    snapshots,
    stepping,
    transfer,
)
from twinledger.consensus.configuration import Configuration, Nodes
from twinledger.consensus.core import Core
from twinledger.consensus.errors import NotLeader, ProposalsFull, TransferInProgress
from twinledger.consensus.invariant import invariant
from twinledger.consensus.log import Log, LogReader
from twinledger.consensus.messages import Message, Snapshot
from twinledger.consensus.progress import Progress
from twinledger.consensus.ready import Persist, Ready
from twinledger.consensus.settings import Settings
from twinledger.consensus.types import (
    BLOCK,
    CANDIDATE,
    ENTRY_OVERHEAD_BYTES,
    FOLLOWER,
    LEADER,
    START,
    HardState,
    Index,
    NodeId,
    Role,
    Term,
    Verdict,
)


class Raft:
    """One node's consensus state machine. Not thread-safe; call it from one place.

    Args:
        settings: limits and this node's id.
        log: the durable log.
        hard_state: as last persisted; HardState(Term(0), None) at first.
        commit: the greater of the stored commit and applied indexes.
        applied: the last index whose effects are durable in the driver's state.
        configuration: in force after the entry at `applied` (genesis or snapshot at first). The
            core reads configuration entries above it from the log itself.
        verdict: asked before a configuration entry is appended here; given the configuration in
            force before it and the one it brings.

    Raises:
        InvariantViolation: the log ends below `commit`: the disk lost what it had acknowledged, and
            a node in that state must not vote again.
    """

    def __init__(
        self,
        settings: Settings,
        log: LogReader,
        *,
        hard_state: HardState,
        commit: Index,
        applied: Index,
        configuration: Configuration,
        verdict: Callable[[Configuration, Configuration], Verdict],
    ) -> None:
        self._core = Core(
            settings=settings,
            log=Log(log, commit, applied, settings.max_cached_bytes),
            verdict=verdict,
            term=hard_state.term,
            vote=hard_state.vote,
            configurations=[(applied, configuration)],
        )
        membership.read_from_log(self._core)
        roles.become_follower(self._core, hard_state.term, None)

    # What the driver feeds in.

    def tick(self) -> None:
        """Let one unit of time pass."""
        core = self._core
        if core.role is not LEADER:
            core.election_elapsed += 1
            if core.election_elapsed >= core.election_timeout:
                election.timed_out(core)
        else:
            transfer.tick(core)
            heartbeats.tick(core)
            replication.tick(core)
            membership.tick(core)
        if core.reads.forwarded:
            reads.tick(core)

    def step(self, message: Message) -> None:
        """Take a message from a peer. Never raises for what a peer sent: see `dropped`."""
        stepping.step(self._core, message)

    def propose(self, payload: bytes) -> Index:
        """Append a BLOCK entry and return its index, which is not committed yet.

        Raises:
            NotLeader, TransferInProgress, ProposalsFull.
        """
        self._check_may_propose()
        if not appending.fits(self._core, len(payload) + ENTRY_OVERHEAD_BYTES):
            raise ProposalsFull("too much waits to be committed")
        return appending.append_own(self._core, BLOCK, payload)

    def propose_configuration(self, voters: Nodes, learners: Nodes, warrant: Index) -> Index:
        """Append a CONFIGURATION entry that moves to these sets, by way of a joint one if needed.

        Nodes that are in neither set any more are removed for ever. From a joint configuration
        the leader moves on by itself. Raises NotLeader, TransferInProgress or ConfigurationError.
        """
        self._check_may_propose()
        return membership.propose(self._core, voters, learners, warrant)

    def _check_may_propose(self) -> None:
        if self._core.role is not LEADER:
            raise NotLeader(self._core.leader)
        if self._core.transferee is not None:
            raise TransferInProgress(self._core.transferee)

    def transfer_leadership(self, to: NodeId) -> None:
        """Hand leadership to a voter. Given up after an election timeout.

        Raises:
            NotLeader, TransferRefused.
        """
        transfer.begin(self._core, to)

    def read_index(self, context: bytes) -> None:
        """Ask from which index a read may be served; the answer comes in Ready.reads.

        `context` is unique among this node's reads, across restarts too. Works on followers.

        Raises:
            NotLeader: no leader is known. ReadsFull.
        """
        reads.ask(self._core, context)

    # What the driver reports back.

    def persisted(self, sequence: int) -> None:
        """Tell that the persist of this sequence, and all before it, are synced."""
        core = self._core
        invariant(sequence <= core.outbox.sequence, "a persist that was never issued is synced")
        for ticket in core.outbox.settle(sequence):
            core.log.stable_to(ticket.end)
            if ticket.own_vote is not None:
                election.own_vote_durable(core, ticket.own_vote)
        if core.role is LEADER:
            committing.advance(core)

    def applied(self, index: Index) -> None:
        """Tell that everything up to `index` is applied."""
        self._core.log.applied_to(index)
        membership.leave_joint(self._core)

    def snapshot_installed(self, snapshot: Snapshot) -> None:
        """Tell that the snapshot now stands for the log, which is empty above it.

        Before replacing the log, without stepping in between: see that `pending_snapshot` is still
        this one, that `ready` holds no persist and that none is outstanding, and that no page of
        `committed` is still being applied: its effects would land on the installed state.

        Raises:
            InvariantViolation: one of these does not hold.
        """
        snapshots.installed(self._core, snapshot)

    def snapshot_failed(self, snapshot: Snapshot) -> None:
        """Tell that the snapshot was refused or could not be fetched."""
        snapshots.failed(self._core, snapshot)

    def snapshot_sent(self, peer: NodeId, *, delivered: bool) -> None:
        """Tell that streaming a snapshot to this peer ended."""
        progress = self._core.peers.get(peer)
        if progress is not None and not delivered:
            snapshots.give_up(progress)

    def unreachable(self, peer: NodeId) -> None:
        """Tell that sending to this peer failed: messages are lost."""
        progress = self._core.peers.get(peer)
        if progress is not None:
            replication.messages_lost(progress)

    def hung_up(self, peer: NodeId) -> None:
        """Tell that the connection on which this peer sends to us broke, and no other is open.

        If it was our leader, an election begins sooner than its silence alone would allow. Telling
        it of a leader that works costs it nothing.
        """
        if self._core.role is FOLLOWER and self._core.leader == peer:
            election.leader_hung_up(self._core)

    # What there is to do.

    def ready(self) -> Ready | None:
        """Hand out everything that waits, once. None if nothing does."""
        core = self._core
        log, outbox, answers = core.log, core.outbox, core.reads
        if core.role is LEADER:
            if answers.waiting:
                reads.begin_round(core)
            replication.send_appends(core)
        # Asked after every event of every node, and mostly there is nothing.
        unstable = log.taken < log.last_index or log.truncated_from is not None
        writes = core.unsaved or outbox.promises or unstable
        applies = log.commit > log.applying and log.has_committed
        answered = answers.ready or answers.aborted
        if not (outbox.messages or writes or applies or answered or core.offer_is_new):
            return None
        offered, core.offer_is_new = core.offered if core.offer_is_new else None, False
        return Ready(
            outbox.take_messages(),
            self._take_persist() if writes else None,
            log.take_committed(core.settings.max_committed_bytes_per_ready) if applies else (),
            *(answers.take_answers() if answered else ((), ())),
            offered,
        )

    def _take_persist(self) -> Persist:
        core = self._core
        truncate_from, entries = core.log.take_unstable()
        own_vote = core.term if core.unsaved and core.role is CANDIDATE else None
        sequence = core.outbox.issue(entries[-1].index if entries else START, own_vote)
        hard_state = core.hard_state if core.unsaved else None
        core.unsaved = False
        promises = core.outbox.take_promises()
        return Persist(sequence, hard_state, truncate_from, entries, core.log.commit, promises)

    # What can be seen.

    @property
    def standing(self) -> tuple[Term, Role, Index, Index]:
        """Term, role, commit index and last index, for whoever looks at all again and again."""
        core = self._core
        log = core.log
        return core.term, core.role, log.commit, log.last_index

    @property
    def role(self) -> Role:
        """This node's role."""
        return self._core.role

    @property
    def leader(self) -> NodeId | None:
        """The leader of the current term, as far as known."""
        return self._core.leader

    @property
    def term(self) -> Term:
        """The current term (maybe not durable yet)."""
        return self._core.term

    @property
    def vote(self) -> NodeId | None:
        """The vote in the current term (maybe not durable yet)."""
        return self._core.vote

    @property
    def commit(self) -> Index:
        """The highest index known to be committed."""
        return self._core.log.commit

    @property
    def last_index(self) -> Index:
        """The last index of the log (maybe not durable yet)."""
        return self._core.log.last_index

    @property
    def configuration(self) -> Configuration:
        """The configuration in force: the newest appended one."""
        return self._core.configuration

    @property
    def progress(self) -> Mapping[NodeId, Progress]:
        """What a leader knows of its followers; empty on others. To look at, not to change."""
        return MappingProxyType(self._core.peers)

    @property
    def transferee(self) -> NodeId | None:
        """The node leadership is being handed to."""
        return self._core.transferee

    @property
    def pending_snapshot(self) -> Snapshot | None:
        """The snapshot that is to be installed, if it is still wanted."""
        return self._core.offered.snapshot if self._core.offered is not None else None

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many messages were dropped, by reason."""
        return MappingProxyType(self._core.dropped)
