"""From suspicion to evidence.

A head with another root than this node's own at that size means that somebody was misled or lies:
perhaps its signer, perhaps this node. It is kept as a suspicion. Only two heads of one key that
cannot both be of one growing tree convict, whatever their sizes. When the larger is of this node's
branch, its own history tree shows it; when it is of another branch, somebody there must be asked
for the path.

Rule: nobody is named without evidence that ``ledger.evidence`` accepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from twinledger.consortium.heads.roots import OwnHeads
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.evidence import Evidence, SignedHead, find_evidence
from twinledger.ledger.history_proof import verify_consistency

MAX_SUSPECTS: Final = 64
MAX_HEADS: Final = 4
"""Kept of one suspect, the first ones: any two beyond a fork, one on each side, convict."""
MAX_CLEARED: Final = 1_024


@dataclass(frozen=True, slots=True)
class Question:
    """What must be asked of somebody who has the larger head in its history.

    Attributes:
        public_key: Who signed both.
        smaller: Which root did your tree have at its size?
        larger: Prove it under this head.
    """

    public_key: bytes
    smaller: SignedHead
    larger: SignedHead


class Suspicions:
    """What is known of witnesses that signed on another branch than this node's."""

    def __init__(self, own: OwnHeads) -> None:
        """``own`` is this node's branch. Every head given here was checked."""
        self._own = own
        self.seen: dict[bytes, SignedHead] = {}
        """The newest head of each witness on this node's branch."""
        self._foreign: dict[bytes, list[SignedHead]] = {}
        self.evidence: dict[bytes, Evidence] = {}
        self._cleared: dict[tuple[bytes, Checkpoint, Checkpoint], None] = {}

    @property
    def suspects(self) -> frozenset[bytes]:
        """The keys that signed on another branch."""
        return frozenset(self._foreign)

    @property
    def suspect_names(self) -> tuple[str, ...]:
        """The witnesses that signed on another branch and are not convicted."""
        kept = [heads[0] for key, heads in self._foreign.items() if key not in self.evidence]
        return tuple(sorted({head.cosignature.name for head in kept}))

    def knows_enough_of(self, public_key: bytes) -> bool:
        """Whether no more heads of other branches are needed of a key."""
        return len(self._foreign.get(public_key, ())) >= MAX_HEADS or public_key in self.evidence

    @property
    def heads(self) -> Iterator[SignedHead]:
        """Every head kept, to be passed on, so that the heads of a double signer meet."""
        yield from self.seen.values()
        for kept in self._foreign.values():
            yield from kept

    def restore(self, seen: Mapping[bytes, SignedHead], evidence: Iterable[Evidence]) -> None:
        """Goes on from what was kept on the disk."""
        for public_key, head in seen.items():
            if head.checkpoint.size <= self._own.size and not self._own.differs(head.checkpoint):
                self.seen[public_key] = head
        self.evidence |= {found.public_key: found for found in evidence}

    def note(self, public_key: bytes, head: SignedHead) -> Evidence | None:
        """Takes a checked head of a size that this node executed; returns new evidence, if any."""
        if public_key in self.evidence:
            return None
        if self._own.differs(head.checkpoint):
            self._keep_foreign(public_key, head)
        elif not self._keep_seen(public_key, head):
            return None
        return self._convict(public_key)

    def questions(self) -> tuple[Question, ...]:
        """What to ask others now: one question for each suspect at most."""
        asked = {}
        for public_key in self._foreign:
            for smaller, larger in self._open_pairs(public_key):
                asked[public_key] = Question(public_key, smaller, larger)
        return tuple(asked.values())

    def answer(
        self, question: Question, root_within: bytes, way: tuple[bytes, ...]
    ) -> Evidence | None:
        """Takes an answer, true or not; returns new evidence, if any."""
        smaller, larger = question.smaller.checkpoint, question.larger.checkpoint
        if question.public_key in self.evidence:
            return None
        try:
            verify_consistency(root_within, smaller.size, larger.root, larger.size, way)
        except LedgerError:
            return None  # whoever answered does not have that head, or lies
        if root_within == smaller.root:
            self._clear(question)
            return None
        found = Evidence(question.public_key, question.smaller, question.larger, root_within, way)
        return self._record(found)

    def _convict(self, public_key: bytes) -> Evidence | None:
        for one, other in self._pairs(public_key):
            larger = max(one.checkpoint, other.checkpoint, key=lambda head: head.size)
            same_size = one.checkpoint.size == other.checkpoint.size
            if same_size or not self._own.differs(larger):
                found = find_evidence(self._own.history, public_key, one, other)
                if found is not None:
                    return self._record(found)
        return None

    def _pairs(self, public_key: bytes) -> Iterator[tuple[SignedHead, SignedHead]]:
        foreign = self._foreign.get(public_key, [])
        seen = self.seen.get(public_key)
        heads = [*foreign, seen] if seen is not None else foreign
        for place, one in enumerate(heads):
            for other in heads[place + 1 :]:
                yield one, other

    def _open_pairs(self, public_key: bytes) -> Iterator[tuple[SignedHead, SignedHead]]:
        """Pairs whose larger head is of another branch, and that nobody has explained yet."""
        if public_key in self.evidence:
            return
        for pair in self._pairs(public_key):
            smaller, larger = sorted(pair, key=lambda head: head.checkpoint.size)
            if (
                smaller.checkpoint.size < larger.checkpoint.size
                and self._own.differs(larger.checkpoint)
                and (public_key, smaller.checkpoint, larger.checkpoint) not in self._cleared
            ):
                yield smaller, larger

    def _keep_seen(self, public_key: bytes, head: SignedHead) -> bool:
        known = self.seen.get(public_key)
        if known is not None and _rank(head) <= _rank(known):
            return False
        self.seen[public_key] = head
        return True

    def _keep_foreign(self, public_key: bytes, head: SignedHead) -> None:
        if public_key not in self._foreign and len(self._foreign) >= MAX_SUSPECTS:
            return
        kept = self._foreign.setdefault(public_key, [])
        if len(kept) < MAX_HEADS and all(each.checkpoint != head.checkpoint for each in kept):
            kept.append(head)

    def _clear(self, question: Question) -> None:
        pair = question.smaller.checkpoint, question.larger.checkpoint
        self._cleared[question.public_key, *pair] = None
        if len(self._cleared) > MAX_CLEARED:
            self._cleared.pop(next(iter(self._cleared)))

    def _record(self, found: Evidence) -> Evidence:
        self.evidence[found.public_key] = found
        return found


def _rank(head: SignedHead) -> tuple[int, int]:
    return head.checkpoint.size, head.cosignature.timestamp_s
