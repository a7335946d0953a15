"""Proofs: what can be asked to be proven, and the files that prove it.

proof = await ledger.prove(proofs.twin("pump-7"))
proof.save("pump-7.proof")
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinledger.client.building import request
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.transaction import transaction_id
from twinledger.proofs import signed
from twinledger.proofs.bundle import Bundle
from twinledger.proofs.proven import Proven
from twinledger.proofs.standing import Standing
from twinledger.proofs.verify import trusted_head, verify
from twinledger.v1 import ledger_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be proven; the functions of this module make it."""

    kind: str
    fields: dict[str, Any]

    def to_message(self, trusted_size: int) -> pb.ProveRequest:
        """Writes it for the wire.

        Raises:
            LedgerError: BAD_REQUEST when a value fits no message.
        """
        claim = request(_MESSAGES[self.kind], **self.fields)
        return request(pb.ProveRequest, trusted_size=trusted_size, **{self.kind: claim})


_MESSAGES: dict[str, Any] = {
    "head": pb.HeadClaim,
    "twin": pb.TwinClaim,
    "property": pb.PropertyClaim,
    "absent": pb.AbsentClaim,
    "history": pb.HistoryClaim,
    "silence": pb.SilenceClaim,
    "transaction": pb.TransactionClaim,
}


def head() -> Question:
    """The newest certified head, and who was in the consortium then."""
    return Question("head", {})


def twin(twin_id: str, *, at: int | None = None) -> Question:
    """A whole twin after the block of height `at`, by default the newest certified one."""
    return Question("twin", {"twin_id": twin_id, "height": at})


def twin_property(twin_id: str, key: str, *, at: int | None = None) -> Question:
    """One property or relationship of a twin, or that it has none; the others stay hidden.

    `key` is `reported/PATH`, `desired/PATH` or `relationship/NAME/TARGET`.
    """
    return Question("property", {"twin_id": twin_id, "key": key, "height": at})


def absent(twin_id: str, *, at: int | None = None) -> Question:
    """That there is no such twin."""
    return Question("absent", {"twin_id": twin_id, "height": at})


def history(twin_id: str, *, at: int | None = None) -> Question:
    """A twin's passport: all of it, and every update that it ever had."""
    return Question("history", {"twin_id": twin_id, "height": at})


def silence(twin_id: str, after: int, until: int | None = None) -> Question:
    """That a twin had no update after the block of one height until that of another."""
    fields = {"twin_id": twin_id, "from_height": after, "to_height": until}
    return Question("silence", fields)


def transaction(transaction_id: bytes) -> Question:
    """That a block holds a transaction, and what became of it."""
    return Question("transaction", {"transaction_id": transaction_id})


@dataclass(frozen=True, slots=True)
class TrustedHead:
    """A head that was verified: proofs may begin at it instead of at genesis."""

    standing: Standing

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "TrustedHead":
        """Reads the file of a proof of a head that was verified before.

        Raises:
            LedgerError: as `verify` does; PROOF_NOT_ANCHORED when it proves something else.
        """
        return cls(trusted_head(Path(path).read_bytes()))

    @property
    def size(self) -> int:
        """How many blocks it covers, genesis included."""
        return self.standing.size


@dataclass(frozen=True, slots=True)
class Proof:
    """A bundle that was verified.

    Attributes:
        raw: The file's bytes.
        proven: What it proves, by whom, as of when, and what not.
    """

    raw: bytes
    proven: Proven

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the file."""
        Path(path).write_bytes(self.raw)

    @property
    def trusted_head(self) -> TrustedHead | None:
        """Of a proof of a head: the head, to begin later proofs at."""
        return None if self.proven.trusted is None else TrustedHead(self.proven.trusted)


def verified(raw: bytes, question: Question, chain_id: bytes, trusted: TrustedHead | None) -> Proof:
    """The answer to a question, when it proves just that.

    Raises:
        LedgerError: as `twinledger.proofs.verify` does; PROOF_INVALID when it proves something
            else.
    """
    proven = verify(raw, chain_id, trusted.standing if trusted else None)
    claim = Bundle.decode(raw).claim
    if claim.kind != question.kind or not _answers(claim, question.fields):
        raise LedgerError(Code.PROOF_INVALID, "it proves something else than was asked")
    return Proof(raw, proven)


def _answers(claim: Any, asked: dict[str, Any]) -> bool:
    return all(_FOUND[name](claim) == value for name, value in asked.items() if value is not None)


def _height(shown: Any) -> int:
    return BlockHeader.decode(shown.block.header).height


_FOUND: dict[str, Callable[[Any], Any]] = {
    "twin_id": lambda claim: claim.id,
    "key": lambda claim: claim.key.decode("ascii", "backslashreplace"),
    "height": lambda claim: _height(claim.twin if hasattr(claim, "twin") else claim),
    "from_height": lambda claim: _height(claim.first),
    "to_height": lambda claim: _height(claim.last),
    "transaction_id": lambda claim: transaction_id(signed.split(claim.transaction).body),
}
