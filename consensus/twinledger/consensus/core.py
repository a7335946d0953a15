"""The state of one node. It only holds things; the modules named after what they do change it.

Who writes what: `roles` alone writes term, vote, role, leader and refused; `membership` alone
writes configurations and the set of peers; `progress` alone moves a follower's state.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from twinledger.consensus.configuration import Configuration
from twinledger.consensus.dropped import Reason
from twinledger.consensus.log import Log
from twinledger.consensus.messages import Message
from twinledger.consensus.outbox import Outbox
from twinledger.consensus.progress import Progress
from twinledger.consensus.ready import SnapshotToInstall
from twinledger.consensus.settings import Settings
from twinledger.consensus.types import (
    FOLLOWER,
    HardState,
    Index,
    NodeId,
    ReadState,
    Role,
    Term,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class PendingRead:
    """A read that the leader must confirm."""

    context: bytes
    requester: NodeId


@dataclass(frozen=True, slots=True)
class ReadRound:
    """Reads that one heartbeat round confirms."""

    number: int
    index: Index
    """The commit index when the round began."""
    reads: tuple[PendingRead, ...]


@dataclass(slots=True)
class Reads:
    """Reads under way, on a leader and on a follower."""

    round: int = 0
    """The last heartbeat round begun in this term."""
    waiting: list[PendingRead] = field(default_factory=list)
    """Reads that have no round yet."""
    rounds: deque[ReadRound] = field(default_factory=deque)
    """Rounds begun and not acknowledged by a quorum yet, oldest first."""
    forwarded: dict[bytes, int] = field(default_factory=dict)
    """Contexts sent to the leader, with the ticks they have waited."""
    ready: list[ReadState] = field(default_factory=list)
    aborted: list[bytes] = field(default_factory=list)

    def take_answers(self) -> tuple[tuple[ReadState, ...], tuple[bytes, ...]]:
        """Hand over what was confirmed and what was given up."""
        answers = tuple(self.ready), tuple(self.aborted)
        self.ready.clear()
        self.aborted.clear()
        return answers


@dataclass(slots=True)
class Core:
    """Everything one node knows."""

    settings: Settings
    log: Log
    verdict: Callable[[Configuration, Configuration], Verdict]
    term: Term
    vote: NodeId | None
    configurations: list[tuple[Index, Configuration]]
    """Ascending. The first is committed, those after it may still be truncated away."""

    unsaved: bool = False
    """Whether term or vote changed since they were last handed to the driver."""
    role: Role = FOLLOWER
    leader: NodeId | None = None
    refused: NodeId | None = None
    """The leader of this term whose configuration entry our ledger refused."""
    election_elapsed: int = 0
    heartbeat_elapsed: int = 0
    election_timeout: int = 0

    votes: dict[NodeId, bool] = field(default_factory=dict)
    peers: dict[NodeId, Progress] = field(default_factory=dict)
    """Leader only: everyone it replicates to, without itself, sorted."""
    uncommitted: deque[tuple[Index, int]] = field(default_factory=deque)
    """Leader only: sizes of entries above commit."""
    uncommitted_bytes: int = 0
    transferee: NodeId | None = None
    transfer_elapsed: int = 0

    reads: Reads = field(default_factory=Reads)
    offered: SnapshotToInstall | None = None
    """A snapshot that is to be installed."""
    offer_is_new: bool = False
    outbox: Outbox = field(default_factory=Outbox)
    dropped: dict[str, int] = field(default_factory=dict)
    node: NodeId = field(init=False)
    """This node's id, as the settings say: every message asks for it."""

    def __post_init__(self) -> None:
        self.node = self.settings.node

    @property
    def configuration(self) -> Configuration:
        """The configuration in force: the newest appended one (dissertation, section 4.1)."""
        return self.configurations[-1][1]

    @property
    def hard_state(self) -> HardState:
        """Term and vote as they must be durable before any promise leaves."""
        return HardState(self.term, self.vote)

    @property
    def committed_in_own_term(self) -> bool:
        """Whether the commit index is of the current term: only then is it known to be fresh."""
        return self.log.term(self.log.commit) == self.term

    def send(self, message: Message) -> None:
        """Send at once."""
        self.outbox.messages.append(message)

    def promise(self, message: Message) -> None:
        """Send once everything this node has said to itself so far is durable."""
        waits = self.outbox.tickets or self.unsaved or self.log.has_unstable
        (self.outbox.promises if waits else self.outbox.messages).append(message)

    def drop(self, reason: Reason) -> None:
        """Count a message that came to nothing."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
