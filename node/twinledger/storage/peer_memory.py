"""What this node remembers of the others: how often each has started, and what each must have.

A node's own disk cannot tell that the whole folder was put back from yesterday, or wiped and made
again: everything on it agrees with everything else. The others can. They remember the highest boot
number each node has greeted with, and the highest committed height it acknowledged to a leader. A
node that shows less has lost what it acknowledged: it might vote a second time in a term, or miss
what its acknowledgement helped to commit. It is refused.

What stays undetectable: a folder put back before any peer was greeted with a newer one, and a
majority put back together.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from twinledger.consensus import NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.durable_file import write_durably

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """What a node has shown: its boot number, and a committed height it acknowledged."""

    boot: int
    height: int


class PeerMemory:
    """The memory of one node. Used by one thread."""

    def __init__(self, path: Path, shown: dict[NodeId, Shown]) -> None:
        """Use `open`."""
        self._path = path
        self._shown = shown
        self._saved = dict(shown)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the memory; a missing file is an empty one, and so is one that does not read.

        It can only be stricter than no memory: losing it makes nothing unsafe that was safe.
        """
        try:
            content = json.loads(path.read_bytes())
            if content["format"] != _FORMAT:
                return cls(path, {})
            return cls(path, {NodeId(n): Shown(**s) for n, s in content["nodes"].items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(path, {})

    def check(self, node: NodeId, shown: Shown) -> None:
        """Hold a greeting against what is remembered, and remember it, durably if it is news.

        Raises:
            LedgerError: PEER_REGRESSED.
            StorageFailure: the disk refused.
        """
        known = self._shown.get(node, Shown(0, 0))
        if shown.boot < known.boot:
            raise LedgerError(
                Code.PEER_REGRESSED, f"{node} shows boot {shown.boot}, it had shown {known.boot}"
            )
        if shown.height < known.height:
            raise LedgerError(
                Code.PEER_REGRESSED,
                f"{node} shows height {shown.height}, it had acknowledged {known.height}",
            )
        if shown.boot > known.boot:
            self._shown[node] = Shown(shown.boot, known.height)
            self.save()

    def acknowledged(self, node: NodeId, height: int) -> None:
        """Remember that a node acknowledged a height that is committed; saved by `save`."""
        known = self._shown.get(node)
        if known is not None and height > known.height:
            self._shown[node] = Shown(known.boot, height)

    def save(self) -> None:
        """Write what is news.

        Raises:
            StorageFailure: the disk refused.
        """
        if self._shown == self._saved:
            return
        nodes = {
            node: {"boot": shown.boot, "height": shown.height}
            for node, shown in sorted(self._shown.items())
        }
        content = json.dumps({"format": _FORMAT, "nodes": nodes}, indent=2) + "\n"
        write_durably(self._path, content.encode())
        self._saved = dict(self._shown)
