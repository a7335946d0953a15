"""What a local caller can be told. Remote faults are never raised: they are dropped and counted.

ConsensusError
|-- NotLeader                   ask the leader it names, if it names one
|-- ProposalsFull               too much is uncommitted: retry later
|-- TransferInProgress          leadership is being handed over: retry at the next leader
|-- TransferRefused             the target cannot become leader
|-- ReadsFull                   too many reads are waiting: retry later
`-- ConfigurationError
    |-- BadConfiguration        the bytes or the sets make no sense
    |-- ChangeInProgress        an earlier change is not committed, or the configuration is joint
    |-- LeaderNotReady          the leader has committed nothing of its own term yet
    |-- NotCaughtUp             a node must be a learner that keeps up before it may vote
    |-- NodeRemoved             a removed id is dead for ever
    |-- WarrantNotCommitted     the height that warrants the change is not committed here
    |-- VerdictPending          the driver said WAIT
    `-- VerdictRefused          the driver said REFUSE
"""

# ruff: noqa: N818 - the names say what is wrong; "Error" would add nothing

from twinledger.consensus.types import NodeId


class ConsensusError(Exception):
    """The root of everything a caller of this package can be told."""


class NotLeader(ConsensusError):
    """Only the leader can do this."""

    def __init__(self, leader: NodeId | None) -> None:
        """`leader` is the leader this node knows of, if any."""
        super().__init__(f"not the leader; the leader is {leader or 'unknown'}")
        self.leader = leader


class ProposalsFull(ConsensusError):
    """The uncommitted tail has reached its limit."""


class TransferInProgress(ConsensusError):
    """The leader is handing over and takes no proposals until that ends."""

    def __init__(self, to: NodeId) -> None:
        """`to` is the node that is to lead next."""
        super().__init__(f"leadership is being handed to {to}")
        self.to = to


class TransferRefused(ConsensusError):
    """Leadership cannot be handed to this node."""


class ReadsFull(ConsensusError):
    """Too many reads wait for confirmation."""


class ConfigurationError(ConsensusError):
    """A change of configuration cannot be made, or not now."""


class BadConfiguration(ConfigurationError):
    """The configuration's bytes or sets are malformed."""


class ChangeInProgress(ConfigurationError):
    """One change at a time."""


class LeaderNotReady(ConfigurationError):
    """The leader has committed nothing of its own term yet."""


class NotCaughtUp(ConfigurationError):
    """A node must keep up as a learner before it may vote."""

    def __init__(self, node: NodeId) -> None:
        """`node` is the one that lags."""
        super().__init__(f"{node} has not caught up as a learner yet")
        self.node = node


class NodeRemoved(ConfigurationError):
    """A removed id never comes back."""

    def __init__(self, node: NodeId) -> None:
        """`node` is the id that was removed earlier."""
        super().__init__(f"{node} was removed earlier; a node that returns needs a new id")
        self.node = node


class WarrantNotCommitted(ConfigurationError):
    """The height that warrants the change is not committed here yet."""


class VerdictPending(ConfigurationError):
    """The driver has not executed the warrant height yet."""


class VerdictRefused(ConfigurationError):
    """The ledger at the warrant height does not call for this change."""
