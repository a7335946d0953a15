"""Makes the claims that callers ask for, as far as each may have them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import TwinId
from twinledger.node.services.paging import page_size
from twinledger.node.services.proof_sight import ProofSight
from twinledger.proofs import read_builder
from twinledger.proofs.builder import Builder
from twinledger.proofs.claims import Claim
from twinledger.proofs.history_builder import history_claim, transaction_claim
from twinledger.v1 import ledger_service_pb2 as pb

TRANSACTION_ID_BYTES: Final = 32
MAX_ASKED: Final = 1_000


@dataclass(frozen=True, slots=True)
class JudgedClaims:
    """Claims of one builder, for one caller."""

    builder: Builder
    sight: ProofSight

    def claim(self, kind: str, asked: Any) -> Claim:
        """Return the claim of a kind, named as the field of ProveRequest.

        Raises:
            LedgerError: as `Proving.prove` does.
        """
        return _MAKERS[kind](self, asked)

    def head(self, _: pb.HeadClaim) -> Claim:
        """The newest certified head."""
        return self.builder.head_claim()

    def twin(self, asked: pb.TwinClaim) -> Claim:
        """A whole twin, or what may be read of it."""
        twin_id = self._twin(asked.twin_id)
        whole = self.builder.twin_claim(twin_id, _height(asked))
        keys = [leaf.key for leaf in whole.leaves]
        readable = self.sight.readable_keys(twin_id, keys)
        if len(readable) == len(keys):
            return whole
        if not asked.readable:
            raise _denied("a part of the twin is hidden from this identity; ask for parts of it")
        return read_builder.parts_claim(self.builder, {twin_id: readable}, _height(asked))

    def property(self, asked: pb.PropertyClaim) -> Claim:
        """One property or relationship, or that there is none."""
        twin_id, key = self._twin(asked.twin_id), asked.key.encode()
        if not self.sight.reads(twin_id, key):
            raise _denied("it is hidden from this identity")
        claim = self.builder.property_claim(twin_id, key, _height(asked))
        self.sight.require_no_neighbour(claim)
        return claim

    def absent(self, asked: pb.AbsentClaim) -> Claim:
        """That there is no such twin. Who does not see every twin cannot be told that."""
        twin_id = names.twin_id(asked.twin_id)
        if not self.sight.knows(twin_id):
            self.sight.require_whole()
        return self.builder.absent_claim(twin_id, _height(asked))

    def history(self, asked: pb.HistoryClaim) -> Claim:
        """A passport, without the transactions that the caller may not see."""
        twin_id = self._twin(asked.twin_id)
        shows = self.sight.shows_transaction
        claim = history_claim(self.builder, twin_id, _height(asked), shows)
        keys = [leaf.key for leaf in claim.leaves]
        if len(self.sight.readable_keys(twin_id, keys)) < len(keys):
            raise _denied("a part of the twin is hidden from this identity")
        return claim

    def silence(self, asked: pb.SilenceClaim) -> Claim:
        """That a twin had no update."""
        twin_id, until = self._twin(asked.twin_id), _height(asked, "to_height")
        return self.builder.silence_claim(twin_id, asked.from_height, until)

    def transaction(self, asked: pb.TransactionClaim) -> Claim:
        """What became of a transaction; one that the caller may not see is not there."""
        if len(asked.transaction_id) != TRANSACTION_ID_BYTES:
            detail = f"a transaction id has {TRANSACTION_ID_BYTES} bytes"
            raise LedgerError(Code.BAD_REQUEST, detail)
        place = self.builder.chain.location(asked.transaction_id)
        if place is None:
            raise _not_found(asked.transaction_id)
        raw = self.builder.chain.transactions(place.height)[place.transaction_index]
        sees = self.sight.shows_transaction(place.height, place.transaction_index)
        if not (sees or self.sight.signed(raw)):
            raise _not_found(asked.transaction_id)
        return transaction_claim(self.builder, asked.transaction_id)

    def block(self, asked: pb.BlockClaim) -> Claim:
        """A whole block."""
        self.sight.require_whole()
        return read_builder.block_claim(self.builder, asked.height)

    def state(self, asked: pb.StateClaim) -> Claim:
        """Values of the state."""
        for key in _bounded(asked.keys):
            self.sight.require_state(key)
        claim = read_builder.state_claim(self.builder, asked.keys, _height(asked))
        self.sight.require_no_neighbour(claim)
        return claim

    def parts(self, asked: pb.PartsClaim) -> Claim:
        """Parts of twins; what the caller may not read is left out, as what is not there is."""
        _bounded([key for part in asked.twins for key in (part.twin_id, *part.keys)])
        wanted: dict[TwinId, list[bytes]] = {}
        for part in asked.twins:
            twin_id = names.twin_id(part.twin_id)
            if self.sight.knows(twin_id):
                keys = self.sight.readable_keys(twin_id, [key.encode() for key in part.keys])
                wanted.setdefault(twin_id, []).extend(keys)
        return read_builder.parts_claim(self.builder, wanted, _height(asked))

    def updates(self, asked: pb.UpdatesClaim) -> Claim:
        """The transactions of a twin's updates that the caller may see."""
        twin_id, size = self._twin(asked.twin_id), page_size(asked.page_size)
        shows = self.sight.shows_transaction
        return read_builder.updates_claim(self.builder, twin_id, asked.after_version, size, shows)

    def block_transactions(self, asked: pb.BlockTransactionsClaim) -> Claim:
        """Some transactions of a block that the caller may see."""
        indexes, shows = _bounded(asked.indexes), self.sight.shows_transaction
        return read_builder.block_transactions_claim(self.builder, asked.height, indexes, shows)

    def _twin(self, text: str) -> TwinId:
        twin_id = names.twin_id(text)
        self.sight.require_twin(twin_id)
        return twin_id


_MAKERS: Final[dict[str, Callable[[JudgedClaims, Any], Claim]]] = {
    "head": JudgedClaims.head,
    "twin": JudgedClaims.twin,
    "property": JudgedClaims.property,
    "absent": JudgedClaims.absent,
    "history": JudgedClaims.history,
    "silence": JudgedClaims.silence,
    "transaction": JudgedClaims.transaction,
    "block": JudgedClaims.block,
    "state": JudgedClaims.state,
    "parts": JudgedClaims.parts,
    "updates": JudgedClaims.updates,
    "block_transactions": JudgedClaims.block_transactions,
}


def _height(claim: Any, name: str = "height") -> int | None:
    return getattr(claim, name) if claim.HasField(name) else None


def _bounded(asked: Sequence[Any]) -> Sequence[Any]:
    if len(asked) > MAX_ASKED:
        raise LedgerError(Code.BAD_REQUEST, f"at most {MAX_ASKED} at once")
    return asked


def _denied(detail: str) -> LedgerError:
    return LedgerError(Code.ACCESS_DENIED, detail)


def _not_found(transaction_id: bytes) -> LedgerError:
    return LedgerError(Code.TRANSACTION_NOT_FOUND, transaction_id.hex())
