"""Raft, pure: values in, values out.

This folder decides who leads and which entries are committed, as Ongaro's dissertation (2014)
says, in the shape of etcd-io/raft: a state machine that takes messages and ticks and hands out
work. It never does I/O, never reads a clock, never draws a random number, never starts a thread,
and never raises for what a peer sent.

Read in this order: types, configuration, messages, ready (the words); settings, raft (the face);
quorum, log, progress, outbox, core (the state); roles, stepping, election (who leads); appending,
replication, following, committing (what is agreed); changes, membership (who takes part); reads,
transfer, snapshots, heartbeats, validation (the rest). docs/consensus.md tells the whole.
"""

from twinledger.consensus.changes import begin_anew
from twinledger.consensus.configuration import Configuration
from twinledger.consensus.errors import (
    BadConfiguration,
    ChangeInProgress,
    ConfigurationError,
    ConsensusError,
    LeaderNotReady,
    NodeRemoved,
    NotCaughtUp,
    NotLeader,
    ProposalsFull,
    ReadsFull,
    TransferInProgress,
    TransferRefused,
    VerdictPending,
    VerdictRefused,
    WarrantNotCommitted,
)
from twinledger.consensus.invariant import InvariantViolation, invariant
from twinledger.consensus.log import LogReader
from twinledger.consensus.messages import (
    Append,
    AppendAccepted,
    AppendRejected,
    Heartbeat,
    HeartbeatResponse,
    Message,
    PreVoteRequest,
    PreVoteResponse,
    ReadRequest,
    ReadResponse,
    Snapshot,
    SnapshotOffer,
    SnapshotStatus,
    StaleTerm,
    TimeoutNow,
    VoteRequest,
    VoteResponse,
)
from twinledger.consensus.progress import Progress, ProgressState
from twinledger.consensus.raft import Raft
from twinledger.consensus.ready import Persist, Ready, SnapshotToInstall
from twinledger.consensus.settings import Settings
from twinledger.consensus.types import (
    Entry,
    EntryKind,
    HardState,
    Index,
    NodeId,
    ReadState,
    Role,
    Term,
    Verdict,
    entry_hash,
    make_entry,
)

__all__ = [
    "Append",
    "AppendAccepted",
    "AppendRejected",
    "BadConfiguration",
    "ChangeInProgress",
    "Configuration",
    "ConfigurationError",
    "ConsensusError",
    "Entry",
    "EntryKind",
    "HardState",
    "Heartbeat",
    "HeartbeatResponse",
    "Index",
    "InvariantViolation",
    "LeaderNotReady",
    "LogReader",
    "Message",
    "NodeId",
    "NodeRemoved",
    "NotCaughtUp",
    "NotLeader",
    "Persist",
    "PreVoteRequest",
    "PreVoteResponse",
    "Progress",
    "ProgressState",
    "ProposalsFull",
    "Raft",
    "ReadRequest",
    "ReadResponse",
    "ReadState",
    "ReadsFull",
    "Ready",
    "Role",
    "Settings",
    "Snapshot",
    "SnapshotOffer",
    "SnapshotStatus",
    "SnapshotToInstall",
    "StaleTerm",
    "Term",
    "TimeoutNow",
    "TransferInProgress",
    "TransferRefused",
    "Verdict",
    "VerdictPending",
    "VerdictRefused",
    "VoteRequest",
    "VoteResponse",
    "WarrantNotCommitted",
    "begin_anew",
    "entry_hash",
    "invariant",
    "make_entry",
]
