"""What the core wants done, and the order it must be done in.

1. Send `messages` at once, in any order, losing what cannot be sent.
2. Write `persist`, sync it, call `Raft.persisted(sequence)`, then send `persist.messages`. Persists
   are written in the order of their sequence; several may be outstanding. One that carries only
   messages needs no sync of its own, but still waits for those before it.
3. Apply `committed` in order, then call `Raft.applied(index)`. The next page comes after that.
4. Fetch and verify `snapshot`. Install it only while no persist and no page of `committed` is out,
   then call `Raft.snapshot_installed(snapshot)`.
"""

from twinledger.consensus.messages import Message, Snapshot
from twinledger.consensus.types import Entry, HardState, Index, NodeId, ReadState
from twinledger.consensus.value import value


@value
class Persist:
    """One atomic write. First truncate, then append, then note term, vote and commit."""

    sequence: int
    """1, 2, 3, ... since start."""
    hard_state: HardState | None
    """To be stored if not None."""
    truncate_from: Index | None
    """Delete this index and everything above it, before appending."""
    entries: tuple[Entry, ...]
    commit: Index
    """Store it with the rest. A configuration entry must never be durable without it: it is at
    least that entry's warrant, whose commitment a power cut must not make us forget. It never
    exceeds the last index of this and the earlier persists: a stored commit above the last stored
    index means that the log was damaged."""
    messages: tuple[Message, ...]
    """May leave only after this persist and all before it are synced."""

    @property
    def must_sync(self) -> bool:
        """Whether anything here must reach the disk before the messages leave."""
        return self.hard_state is not None or self.truncate_from is not None or bool(self.entries)


@value
class SnapshotToInstall:
    """Fetch, verify and install this, then call `snapshot_installed` or `snapshot_failed`."""

    sender: NodeId
    snapshot: Snapshot


@value
class Ready:
    """Everything that waits to be done."""

    messages: tuple[Message, ...]
    persist: Persist | None
    committed: tuple[Entry, ...]
    """Committed, locally durable, not yet handed out; at most one page is out at a time."""
    reads: tuple[ReadState, ...]
    """Reads that may be served once their index is applied."""
    aborted_reads: tuple[bytes, ...]
    """Contexts of reads that will not be answered: the leader changed. Ask again."""
    snapshot: SnapshotToInstall | None
