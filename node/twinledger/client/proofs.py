"""Proofs: what can be asked to be proven, and the files that prove it.

proof = await ledger.prove(proofs.twin("pump-7"))
proof.save("pump-7.proof")
"""

import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    "block": pb.BlockClaim,
    "state": pb.StateClaim,
    "parts": pb.PartsClaim,
    "updates": pb.UpdatesClaim,
    "block_transactions": pb.BlockTransactionsClaim,
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


def readable_twin(twin_id: str) -> Question:
    """A whole twin, or as much of it as may be read: then the claim is of kind parts."""
    return Question("twin", {"twin_id": twin_id, "readable": True})


def block(height: int) -> Question:
    """A whole block."""
    return Question("block", {"height": height})


def state(keys: Iterable[bytes], *, at: int | None = None) -> Question:
    """What keys of the state have (docs/formats, "State"), or that they have nothing."""
    return Question("state", {"keys": sorted(set(keys)), "height": at})


def parts(wanted: Mapping[str, Iterable[str]], *, at: int | None = None) -> Question:
    """Records of twins by id, and of each the properties and relationships at some keys.

    What is not there, or may not be read, is left out of the answer.
    """
    twins = [
        pb.TwinPart(twin_id=twin_id, keys=sorted(set(keys))) for twin_id, keys in wanted.items()
    ]
    return Question("parts", {"twins": twins, "height": at})


def updates(twin_id: str, *, after_version: int = 0, page_size: int = 100) -> Question:
    """The transactions of a twin's updates, as many as fit, as far as they may be read."""
    fields = {"twin_id": twin_id, "after_version": after_version, "page_size": page_size}
    return Question("updates", fields)


def block_transactions(height: int, indexes: Iterable[int] = ()) -> Question:
    """Some transactions of a block, as far as they may be read; without any, its header alone."""
    return Question("block_transactions", {"height": height, "indexes": sorted(set(indexes))})


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
        """Writes the file; when there is no room, one that was there before stays as it was.

        Raises:
            OSError: it cannot be written.
        """
        target = Path(path).resolve()
        if target.exists() and not target.is_file():
            Path(path).write_bytes(self.raw)  # a pipe or a terminal
            return
        fresh = target.with_name(target.name + ".new")
        try:
            fresh.write_bytes(self.raw)
            if target.exists():
                fresh.chmod(stat.S_IMODE(target.stat().st_mode))
            fresh.replace(target)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise

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
    if not answers(Bundle.decode(raw).claim, question):
        raise LedgerError(Code.PROOF_INVALID, "it proves something else than was asked")
    return Proof(raw, proven)


def answers(claim: Any, question: Question) -> bool:
    """Whether a claim is about what was asked."""
    if claim.kind not in _KINDS.get(question.kind, (question.kind,)):
        return False
    if claim.kind == "parts" and question.kind == "twin":
        return [each.id for each in claim.twins] == [question.fields["twin_id"]]
    asked = {name: value for name, value in question.fields.items() if value is not None}
    return all(_ABOUT[question.kind, name](claim, value) for name, value in asked.items())


def _height(shown: Any) -> int:
    return BlockHeader.decode(shown.block.header).height


def _at(claim: Any, height: int) -> bool:
    return _height(claim.twin if hasattr(claim, "twin") else claim) == height


def _same_id(claim: Any, twin_id: str) -> bool:
    return bool(claim.id == twin_id)


def _anything(_claim: Any, _value: Any) -> bool:
    return True


def _asked_parts(claim: Any, twins: Sequence[pb.TwinPart]) -> bool:
    """Nothing that was not asked for; what is left out is not there, or hidden."""
    asked = {part.twin_id: set(part.keys) for part in twins}
    return all(
        each.id in asked
        and {leaf.leaf.key.decode("ascii") for leaf in each.leaves} <= asked[each.id]
        for each in claim.twins
    )


def _one_block(claim: Any, height: int) -> bool:
    return [_height(each) for each in claim.blocks] == [height]


_KINDS: dict[str, tuple[str, ...]] = {
    "twin": ("twin", "parts"),
    "updates": ("transactions",),
    "block_transactions": ("transactions",),
}
"""What kinds of claim answer a question of a kind, where it is not just that one."""

_ABOUT: dict[tuple[str, str], Callable[[Any, Any], bool]] = {
    **{
        (kind, "twin_id"): _same_id for kind in ("twin", "property", "absent", "history", "silence")
    },
    **{
        (kind, "height"): _at
        for kind in ("twin", "property", "absent", "history", "block", "state", "parts")
    },
    ("twin", "readable"): _anything,
    ("property", "key"): lambda claim, key: claim.key == key.encode("utf-8"),
    ("silence", "from_height"): lambda claim, height: _height(claim.first) == height,
    ("silence", "to_height"): lambda claim, height: _height(claim.last) == height,
    ("transaction", "transaction_id"): lambda claim, asked: (
        transaction_id(signed.split(claim.transaction).body) == asked
    ),
    ("state", "keys"): lambda claim, keys: [each.key for each in claim.values] == keys,
    ("parts", "twins"): _asked_parts,
    # Whose updates they are, and which, is for the reader of their receipts.
    ("updates", "twin_id"): _anything,
    ("updates", "after_version"): _anything,
    ("updates", "page_size"): _anything,
    ("block_transactions", "height"): _one_block,
    ("block_transactions", "indexes"): _anything,
}
"""By kind and field of a question: whether a claim is about that."""
