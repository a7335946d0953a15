"""The signing rule: which heads this node signs, in which order, and which never.

Sizes are signed in ascending order; only the newest signed one may be signed again, at a later
time. No head is signed before its entries are durable in this node's own log, nor one beyond a
change of the witnesses that is not certified yet. So that head can be signed again for as long as
it waits for its certificate, whatever happens to this node meanwhile: a change can never be wedged
by witnesses that have gone on.

Every executed height is signed, in batches: one mark on the disk, the newest of the batch, covers
all of them. A node that has fallen far behind signs only the newest: the others have signed it too,
or will.
"""

from __future__ import annotations

from typing import Final

from twinledger.consortium.heads.roots import OwnHeads
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import Code, LedgerError, invariant

MAX_BATCH: Final = 64
"""Heads signed at once, some 30 microseconds each."""


class Signing:
    """What this node has signed, and what it may sign next."""

    def __init__(self, own: OwnHeads, signed: Checkpoint | None) -> None:
        """``signed`` is the newest head ever signed with this key."""
        self._own = own
        self.signed = signed
        self.check_own()

    @property
    def signed_size(self) -> int:
        """The size of the newest head signed; 0 while none is."""
        return self.signed.size if self.signed is not None else 0

    def check_own(self) -> None:
        """Holds what was signed against what was executed.

        Raises:
            LedgerError: DIVERGED. Whatever changed the history below the signed head, this node
                must not go on: its next signature would be evidence against it.
        """
        if self.signed is not None and self._own.differs(self.signed):
            detail = f"it had signed another head of size {self.signed.size}"
            raise LedgerError(Code.DIVERGED, detail)

    def batch(self, durable_size: int, barrier: int | None) -> tuple[Checkpoint, ...]:
        """The heads to sign now, sizes ascending.

        Args:
            durable_size: One more than the last index that is durable in this node's log.
            barrier: The size that no larger one may be signed before, if there is one.
        """
        last = min(self._own.size, durable_size, barrier or durable_size)
        first = self.signed_size + 1
        if last - first >= MAX_BATCH:
            first = last
        return tuple([self._own.head(size) for size in range(first, last + 1)])

    def again(self, durable_size: int) -> tuple[Checkpoint, ...]:
        """The newest head signed, to be signed again with the present time."""
        if self.signed is None or self.signed_size > min(self._own.size, durable_size):
            return ()
        return (self.signed,)

    def note(self, heads: tuple[Checkpoint, ...]) -> None:
        """Takes note that these were signed, after their mark was synced."""
        invariant(bool(heads) and heads[-1].size >= self.signed_size, "signed sizes ascend")
        self.signed = heads[-1]
