"""From cosignatures to certificates, checking no more signatures than a certificate needs.

What witnesses send is counted unchecked. When a quorum claims one head, those claims are checked;
all smaller heads are dropped without. A change of the witnesses is a barrier: the head that
ends at the changing block must be certified by the witnesses before it, and no larger one counts
until it is.

Only what came on a witness's own stream is counted unchecked: one that lies spoils but its own
place. What others pass on is checked when it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from twinledger.consortium.heads.checks import Check, Claim, Purpose
from twinledger.consortium.heads.claims import Claims, Head, head_of
from twinledger.consortium.heads.roots import OwnHeads
from twinledger.consortium.witnesses import Certificate, Witness, WitnessSet, certify
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.evidence import SignedHead


class Gathering:
    """The newest certificate, and the claims that may make the next."""

    def __init__(
        self, own: OwnHeads, witnesses: WitnessSet, changes: Iterable[tuple[int, WitnessSet]] = ()
    ) -> None:
        """Begins without a certificate.

        Args:
            own: The heads this node executed.
            witnesses: The set that certifies the next head.
            changes: (size, set that certifies larger ones), for each change executed, ascending.
        """
        self._own = own
        self.witnesses = witnesses
        self._changes = list(changes)
        self._newest_change = max((size for size, _ in self._changes), default=0)
        self._set_aside: set[Head] = set()
        self.certificate: Certificate | None = None
        self._claims = Claims()

    @property
    def size(self) -> int:
        """The certified size; 0 before the first certificate."""
        return self.certificate.checkpoint.size if self.certificate else 0

    @property
    def barrier(self) -> int | None:
        """The size at which the witnesses change and which is not certified yet."""
        return self._changes[0][0] if self._changes else None

    def witness(self, name: str) -> Witness | None:
        """The witness of this name, of the present set or one that will follow it."""
        sets = (self.witnesses, *(following for _, following in self._changes))
        return next((found for each in sets if (found := each.by_name.get(name))), None)

    def name_of_node(self, node_id: str) -> str:
        """As which witness a node signs; empty when it is none."""
        sets = (self.witnesses, *(following for _, following in self._changes))
        names = (name for each in sets for name in each.by_name)
        return next((name for name in names if name.partition("/")[2] == node_id), "")

    def silent(self) -> tuple[str, ...]:
        """The witnesses of whom no head above the certified one came."""
        speaking = {
            key
            for key, kept in self._claims.by_witness()
            if any(size > self.size for size, _ in kept)
        }
        everybody = self.witnesses.witnesses
        return tuple([each.name for each in everybody if each.public_key not in speaking])

    def change(self, size: int, following: WitnessSet) -> None:
        """Takes note that the block below this size changed the witnesses.

        After a restart blocks may be executed again whose changes are known.
        """
        if size > max(self._newest_change, self.size):
            self._changes.append((size, following))
            self._newest_change = size

    def resume(self, certificate: Certificate) -> None:
        """Goes on from a certificate that was checked under the present set."""
        self.certificate = certificate
        if self._changes and certificate.checkpoint.size == self._changes[0][0]:
            self.witnesses = self._changes.pop(0)[1]
        # Those of the certified size stay, to be signed again.
        self._claims.forget_below(certificate.checkpoint.size)

    def claim(self, claim: Claim) -> None:
        """Counts what a witness says on its own stream, unchecked."""
        if claim.signed.checkpoint.size >= self.size and self._is_news(claim):
            # Larger heads wait for the barrier's: that one must not be crowded out.
            self._claims.add(claim, spared=self.barrier)

    def claims(self, size: int) -> Iterator[Claim]:
        """All claims of one size."""
        for claims in self._claims.of_size(size).values():
            yield from claims.values()

    def newest_claims(self) -> Iterator[Claim]:
        """Each witness's newest claim of a head that this node has executed the same."""
        for _, kept in self._claims.by_witness():
            agreed = [head for head in kept if self._agrees(head)]
            if agreed:
                yield kept[max(agreed)]

    def ready(self) -> Check | None:
        """The greatest head above the certified one that a quorum claims, to be checked.

        A head with another root than this node's own is among them: a certificate of it says that
        this node is wrong. One that this node has not executed yet must wait.
        """
        limit = min(self._own.size, self.barrier or self._own.size)
        quorum = self.witnesses.quorum
        heads = [
            (head, counted)
            for head, claims in self._claims.up_to(limit)
            if len(claims) >= quorum
            and head not in self._set_aside
            and len(counted := self._counted(claims)) >= quorum
            and self._improves(head, counted)
        ]
        return Check(Purpose.CERTIFY, max(heads, key=lambda each: each[0])[1]) if heads else None

    def certified(self, claims: tuple[Claim, ...], valid: tuple[bool, ...]) -> Certificate | None:
        """The certificate, when enough of the checked claims are valid; others are dropped."""
        good = [claim for claim, holds in zip(claims, valid, strict=True) if holds]
        for claim, holds in zip(claims, valid, strict=True):
            if not holds:
                self._claims.drop(claim)
        if len(good) < self.witnesses.quorum:
            return None
        head = good[0].signed.checkpoint
        return certify(self.witnesses, head, [claim.signed.cosignature for claim in good])

    def set_aside(self, head: Checkpoint) -> None:
        """Never certify this head: this node has another one of its size."""
        self._set_aside.add((head.size, head.root))

    def _agrees(self, head: Head) -> bool:
        return head[0] <= self._own.size and self._own.head(head[0]).root == head[1]

    def _is_news(self, claim: Claim) -> bool:
        """Whether a claim is later than the one before of the same head."""
        known = self._claims.get(claim.public_key, head_of(claim))
        return known is None or known.signed.cosignature.timestamp_s < _time(claim.signed)

    def _counted(self, claims: Mapping[bytes, Claim]) -> tuple[Claim, ...]:
        """The claims of present witnesses, in the order of their keys."""
        present = self.witnesses.by_name
        return tuple(
            [
                claims[key]
                for key in sorted(claims)
                if (witness := present.get(claims[key].name)) and witness.public_key == key
            ]
        )

    def _improves(self, head: Head, counted: tuple[Claim, ...]) -> bool:
        """Whether it is larger than the certified head, or that one, signed again by a quorum."""
        if self.certificate is None or head[0] > self.size:
            return True
        if head[1] != self.certificate.checkpoint.root:
            return True
        before = {made.name: made.timestamp_s for made in self.certificate.cosignatures}
        fresh = [claim for claim in counted if _time(claim.signed) > before.get(claim.name, 0)]
        return len(fresh) >= self.witnesses.quorum


def _time(signed: SignedHead) -> int:
    return signed.cosignature.timestamp_s
