"""The face of the core: every call the driver makes, and where each message goes."""

from collections.abc import Callable, Mapping

from twinledger.consensus.configuration import Configuration, Nodes
from twinledger.consensus.log import LogReader
from twinledger.consensus.messages import Message, Snapshot
from twinledger.consensus.ready import Ready
from twinledger.consensus.settings import Settings
from twinledger.consensus.types import HardState, Index, NodeId, Role, Term, Verdict


class Raft:
    """One node's consensus state machine. Not thread-safe; call it from one place.

    Args:
        settings: limits and this node's id.
        log: the durable log.
        hard_state: as last persisted; HardState(Term(0), None) at first.
        commit: the greater of the stored commit and applied indexes, at most the last log index.
        applied: the last index whose effects are durable in the driver's state.
        configuration: in force after the entry at `applied` (genesis or snapshot at first). The
            core reads configuration entries above it from the log itself.
        verdict: asked before a configuration entry is appended here.
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
        verdict: Callable[[Configuration], Verdict],
    ) -> None: ...

    # What the driver feeds in.

    def tick(self) -> None:
        """Let one unit of time pass."""

    def step(self, message: Message) -> None:
        """Take a message from a peer. Never raises for what a peer sent: see `dropped`."""

    def propose(self, payload: bytes) -> Index:
        """Append a BLOCK entry and return its index, which is not committed yet.

        Raises:
            NotLeader, TransferInProgress, ProposalsFull.
        """
        raise NotImplementedError

    def propose_configuration(self, voters: Nodes, learners: Nodes, warrant: Index) -> Index:
        """Append a CONFIGURATION entry that moves to these sets, by way of a joint one if needed.

        Nodes that are in neither set any more are removed for ever. From a joint configuration
        the leader moves on by itself. Raises NotLeader, TransferInProgress or ConfigurationError.
        """
        raise NotImplementedError

    def transfer_leadership(self, to: NodeId) -> None:
        """Hand leadership to a voter. Given up after an election timeout.

        Raises:
            NotLeader, TransferRefused.
        """

    def read_index(self, context: bytes) -> None:
        """Ask from which index a read may be served; the answer comes in Ready.reads.

        `context` is unique among this node's reads, across restarts too. Works on followers.

        Raises:
            NotLeader: no leader is known. ReadsFull.
        """

    # What the driver reports back.

    def persisted(self, sequence: int) -> None:
        """Tell that the persist of this sequence, and all before it, are synced."""

    def applied(self, index: Index) -> None:
        """Tell that everything up to `index` is applied."""

    def snapshot_installed(self, snapshot: Snapshot) -> None:
        """Tell that the snapshot now stands for the log, which is empty above it.

        Call only while `pending_snapshot` is this one and no persist is outstanding.
        """

    def snapshot_failed(self, snapshot: Snapshot) -> None:
        """Tell that the snapshot was refused or could not be fetched."""

    def snapshot_sent(self, peer: NodeId, *, delivered: bool) -> None:
        """Tell that streaming a snapshot to this peer ended."""

    def unreachable(self, peer: NodeId) -> None:
        """Tell that sending to this peer failed: messages are lost."""

    # What there is to do.

    def has_ready(self) -> bool:
        """Whether `ready` has anything to hand out."""
        raise NotImplementedError

    def ready(self) -> Ready:
        """Hand out everything that waits, once."""
        raise NotImplementedError

    # What can be seen.

    @property
    def role(self) -> Role:
        """This node's role."""
        raise NotImplementedError

    @property
    def leader(self) -> NodeId | None:
        """The leader of the current term, as far as known."""
        raise NotImplementedError

    @property
    def term(self) -> Term:
        """The current term (maybe not durable yet)."""
        raise NotImplementedError

    @property
    def vote(self) -> NodeId | None:
        """The vote in the current term (maybe not durable yet)."""
        raise NotImplementedError

    @property
    def commit(self) -> Index:
        """The highest index known to be committed."""
        raise NotImplementedError

    @property
    def last_index(self) -> Index:
        """The last index of the log (maybe not durable yet)."""
        raise NotImplementedError

    @property
    def configuration(self) -> Configuration:
        """The configuration in force: the newest appended one."""
        raise NotImplementedError

    @property
    def pending_snapshot(self) -> Snapshot | None:
        """The snapshot that is to be installed, if it is still wanted."""
        raise NotImplementedError

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many messages were dropped, by reason."""
        raise NotImplementedError
