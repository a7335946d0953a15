"""How a leader's own entries come into its log, and how many may wait there uncommitted."""

from twinledger.consensus.core import Core
from twinledger.consensus.types import EntryKind, Index, make_entry


def append_own(core: Core, kind: EntryKind, payload: bytes) -> Index:
    """Append an entry of the current term and return its index."""
    log = core.log
    entry = make_entry(log.last_hash, Index(log.last_index + 1), core.term, kind, payload)
    log.append((entry,))
    core.uncommitted.append((entry.index, entry.size))
    core.uncommitted_bytes += entry.size
    return entry.index


def fits(core: Core, size: int) -> bool:
    """Whether an entry of this size may join what waits uncommitted. A lone one always may."""
    total = core.uncommitted_bytes + size
    return not core.uncommitted or total <= core.settings.max_uncommitted_bytes


def count_uncommitted(core: Core) -> None:
    """Count what an earlier leader left uncommitted in our log."""
    low, high = Index(core.log.commit + 1), Index(core.log.last_index + 1)
    while low < high:
        page = core.log.entries(low, high, core.settings.max_append_bytes)
        core.uncommitted.extend((entry.index, entry.size) for entry in page)
        low = Index(page[-1].index + 1)
    core.uncommitted_bytes = sum(size for _, size in core.uncommitted)


def forget_committed(core: Core) -> None:
    """Stop counting what is committed by now."""
    while core.uncommitted and core.uncommitted[0][0] <= core.log.commit:
        core.uncommitted_bytes -= core.uncommitted.popleft()[1]
