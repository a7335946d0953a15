"""What this node remembers of the others: how often each has started, and what each must have.

A node's own disk cannot tell that the whole folder was put back from yesterday, or wiped and made
again: everything on it agrees with everything else. The others can. They remember the highest boot
number each node has greeted with, the highest committed height it acknowledged to a leader, and the
newest head it signed. A node that shows less has lost what it acknowledged: it might vote a second
time in a term, miss what its acknowledgement helped to commit, or sign a second history. It is
refused.

What stays undetectable: a folder put back before any peer was greeted with a newer one, and a
majority put back together.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Self

from twinledger.consensus import NodeId
from twinledger.ledger.errors import Code, LedgerError
from twinledger.storage.durable_file import write_durably

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """What a node has shown: its boot number, a committed height it acknowledged, and a head.

    `signed_size` is of the newest head that it signed, 0 for none, and None when it may not sign.
    """

    boot: int
    height: int
    signed_size: int | None = None
    signed_root: str = ""
    """The head's root, hex."""


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
        _check_signed(node, shown, known)
        fresh = replace(shown, height=known.height)
        if shown.signed_size is None:
            fresh = replace(fresh, signed_size=known.signed_size, signed_root=known.signed_root)
        self._shown[node] = fresh
        if shown.boot > known.boot:
            self.save()

    def acknowledged(self, node: NodeId, height: int) -> None:
        """Remember that a node acknowledged a height that is committed; saved by `save`."""
        known = self._shown.get(node)
        if known is not None and height > known.height:
            self._shown[node] = replace(known, height=height)

    def save(self) -> None:
        """Write what is news.

        Raises:
            StorageFailure: the disk refused.
        """
        if self._shown == self._saved:
            return
        nodes = {node: asdict(shown) for node, shown in sorted(self._shown.items())}
        content = json.dumps({"format": _FORMAT, "nodes": nodes}, indent=2) + "\n"
        write_durably(self._path, content.encode())
        self._saved = dict(self._shown)


def _check_signed(node: NodeId, shown: Shown, known: Shown) -> None:
    if shown.signed_size is None or known.signed_size is None:
        return
    if shown.signed_size < known.signed_size:
        raise LedgerError(
            Code.PEER_REGRESSED,
            f"{node} shows a signed head of size {shown.signed_size}, "
            f"it had signed one of size {known.signed_size}",
        )
    if shown.signed_size == known.signed_size and shown.signed_root != known.signed_root:
        raise LedgerError(
            Code.PEER_REGRESSED, f"{node} shows another signed head of size {shown.signed_size}"
        )
