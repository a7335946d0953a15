"""What a verified bundle proves, by whom, as of when, and what it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twinledger.consortium.recovery.file import RecoveryFile
from twinledger.consortium.witnesses import Certificate
from twinledger.ledger.header import BlockHeader
from twinledger.proofs.standing import Standing
from twinledger.proofs.words import time_text


@dataclass(frozen=True, slots=True)
class Told:
    """What a claim comes to, once it is checked.

    Attributes:
        header: The block that it speaks of, the last one when it speaks of two.
        statements: What is proven, in sentences.
        not_proven: What one might think it proves, and it does not.
        facts: The same for programs: JSON's kinds only.
    """

    header: BlockHeader
    statements: tuple[str, ...]
    not_proven: tuple[str, ...]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Proven:
    """What a bundle proves to whoever trusts its anchor.

    Attributes:
        kind: Of the claim.
        chain_id: The chain, 32 bytes.
        certificate: The head that everything is proven under, and who signed it when.
        witnesses: How many witnesses there were.
        quorum: How many of them had to sign.
        told: The claim.
        trusted: For a head: where a verifier that trusts it stands.
        recovery: What opened the epoch, where the way from the anchor led through it.
    """

    kind: str
    chain_id: bytes
    certificate: Certificate
    witnesses: int
    quorum: int
    told: Told
    trusted: Standing | None
    recovery: RecoveryFile | None = None

    @property
    def signers(self) -> tuple[tuple[str, int], ...]:
        """Who signed the head, and when, seconds since 1970."""
        made = self.certificate.cosignatures
        return tuple((each.name, each.timestamp_s) for each in made)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is proven, for a person."""
        return (*self.told.statements, *self._epoch)

    @property
    def not_proven(self) -> tuple[str, ...]:
        """What is not, for a person."""
        newest = time_text(max(seconds for _, seconds in self.signers) * 1_000_000)
        height = self.certificate.checkpoint.height
        return (
            *self.told.not_proven,
            f"what came after height {height}, the newest that was signed, last at {newest}",
            f"anything, if {self._conspiracy} of these witnesses or more lied together",
        )

    @property
    def _epoch(self) -> tuple[str, ...]:
        """That the members opened a new epoch, and what may be lost since."""
        if self.recovery is None:
            return ()
        fork, lost, by = self.recovery.fork, self.recovery.may_be_lost, self.recovery.signed_by
        said = (
            f"epoch {self.recovery.epoch} goes on from height {fork.height}, signed by "
            f"{', '.join(by)}, after a quorum was lost for good"
        )
        if lost:
            said += f"; what stood at heights {lost[0]} to {lost[-1]} before may be lost"
        return (said,)

    @property
    def _conspiracy(self) -> int:
        """How few liars could have made two certified heads that conflict."""
        return max(1, 2 * self.quorum - self.witnesses)

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        head = self.certificate.checkpoint
        return {
            "proven": True,
            "kind": self.kind,
            "chain_id": self.chain_id.hex(),
            "head": {"origin": head.origin, "size": head.size, "root": head.root.hex()},
            "signed_by": [
                {"witness": name, "time_s": seconds, "time": time_text(seconds * 1_000_000)}
                for name, seconds in self.signers
            ],
            "quorum": self.quorum,
            "witnesses": self.witnesses,
            "height": self.told.header.height,
            "block_time_us": self.told.header.time_us,
            "statements": list(self.sentences),
            "not_proven": list(self.not_proven),
            "facts": self.told.facts,
        }
