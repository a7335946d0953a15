"""Proves claims from this node's stores: what `LedgerService.Prove` answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from twinledger.consortium.witnesses import Certificate
from twinledger.execution.execute import executed_transactions
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import TwinId
from twinledger.node.heads import Heads
from twinledger.node.judged_claims import JudgedClaims
from twinledger.node.services.door import Caller
from twinledger.node.services.proof_sight import ProofSight
from twinledger.node.services.sight import Sight
from twinledger.proofs.builder import Builder, too_large
from twinledger.proofs.bundle import MAX_BYTES, encode_claim
from twinledger.storage import ChainReader, ChainStore
from twinledger.storage.chain_proofs import ChainProofs, ProvenLeaf, ProvenTwin, ProvenValue
from twinledger.storage.chain_records import Location, UpdatePlace
from twinledger.v1 import ledger_service_pb2 as pb


class ProvenSnapshot:
    """A snapshot of the chain as proofs read it. Implements proofs.builder.ProvenChain."""

    def __init__(self, reader: ChainReader) -> None:
        """`reader` is held fast at one height."""
        self._reader = reader
        self._proofs = ChainProofs(reader)

    @property
    def size(self) -> int:
        """How many blocks it has."""
        return self._proofs.size

    def header_bytes(self, height: int) -> bytes:
        """Return a block's header."""
        return self._reader.header_bytes(height)

    def inclusion(self, height: int, size: int) -> tuple[bytes, ...]:
        """Return the inclusion path of a header."""
        return self._proofs.inclusion(height, size)

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the consistency path between two sizes."""
        return self._proofs.consistency(first, second)

    def history_root(self, size: int) -> bytes:
        """Return the root of the history tree at a size."""
        return self._proofs.history_root(size)

    def state(self, key: bytes, height: int) -> ProvenValue:
        """Prove what a key of the state had after a block."""
        return self._proofs.state(key, height)

    def twin(self, twin_id: TwinId, height: int) -> ProvenTwin:
        """Prove all of a twin after a block."""
        return self._proofs.twin(twin_id, height)

    def twin_property(self, twin_id: TwinId, key: bytes, height: int) -> ProvenLeaf:
        """Prove one leaf of a twin's tree after a block."""
        return self._proofs.twin_property(twin_id, key, height)

    def transactions(self, height: int) -> Sequence[bytes]:
        """Return a block's transactions."""
        block = self._reader.block(height)
        return executed_transactions(block.payload, len(block.receipts))

    def receipts(self, height: int) -> Sequence[bytes]:
        """Return a block's receipts."""
        return self._reader.receipts(height)

    def updates(self, twin_id: str, after_version: int, limit: int) -> Sequence[UpdatePlace]:
        """Return where the updates of a twin stand."""
        return self._reader.updates(twin_id, after_version, limit)

    def location(self, transaction_id: bytes) -> Location | None:
        """Return where a transaction used its id up."""
        return self._reader.location(transaction_id)


@dataclass(frozen=True, slots=True)
class Proving:
    """Proves claims under certified heads. May be used from any thread."""

    chain: ChainStore
    heads: Heads
    genesis: bytes
    """The genesis body."""

    def prove(self, request: pb.ProveRequest, caller: Caller) -> pb.ProveResponse:
        """Return a bundle, or a claim alone, of what the caller may read.

        Raises:
            LedgerError: BAD_REQUEST, NOT_CERTIFIED, HEIGHT_NOT_REACHED, PRUNED, TWIN_NOT_FOUND,
                TWIN_EXISTS, TRANSACTION_NOT_FOUND, PROOF_SILENCE, PROOF_TOO_LARGE, ACCESS_DENIED.
        """
        kind = request.WhichOneof("claim")
        if kind is None:
            raise LedgerError(Code.BAD_REQUEST, "it names no claim")
        # The certificate first: the snapshot then holds every block that it certifies.
        certificate = self.heads.certificate
        if certificate is None:
            raise LedgerError(Code.NOT_CERTIFIED)
        with self.chain.snapshot() as reader, _certified_yet(certificate, reader):
            chain = ProvenSnapshot(reader)
            under = request.under_size
            builder = Builder(chain, self.heads.book, certificate.raw, self.genesis, under)
            judged = JudgedClaims(builder, ProofSight(Sight.of(caller, reader)))
            claim = judged.claim(kind, getattr(request, kind))
            if not under:
                return pb.ProveResponse(bundle=builder.bundle(claim, request.trusted_size))
        raw = encode_claim(claim)
        if len(raw) > MAX_BYTES:
            raise too_large()
        return pb.ProveResponse(claim=raw)


@contextmanager
def _certified_yet(certificate: Certificate, reader: ChainReader) -> Iterator[None]:
    """Tell a caller to wait, not that something is gone, while only what is gone is certified.

    A node keeps the state of the newest head that it knows as certified. But newer ones may come
    between the reading of the certificate and the snapshot, and a folder may be of a program that
    kept it not.
    """
    try:
        yield
    except LedgerError as error:
        newest, oldest = certificate.checkpoint.height, reader.trees.oldest_height
        if error.code is not Code.PRUNED or newest >= oldest:
            raise
        said = f"it knows {newest} as certified, and keeps the states from {oldest} on"
        raise LedgerError(Code.NOT_CERTIFIED, said) from error
