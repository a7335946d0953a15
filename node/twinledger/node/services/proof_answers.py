"""What a node answers other nodes that must find out where two histories part."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from twinledger.consortium.members import load_consortium
from twinledger.consortium.recovery.opening import load_recovery
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_proof import encode_way
from twinledger.ledger.names import TwinId
from twinledger.node.services.rendering import block_message
from twinledger.storage import ChainProofs, ChainSnapshot, ChainStore, HeadBook
from twinledger.twins.state_keys import TWINS
from twinledger.twins.tree import TwinLeaf
from twinledger.v1 import peer_service_pb2 as pb

MAX_CERTIFICATES: Final = 16
MAX_KEYS: Final = 256


@dataclass(frozen=True, slots=True)
class ProofAnswers:
    """Every answer is of one height, and bounded."""

    chain: ChainStore
    book: HeadBook

    def certificates(self, after_size: int) -> pb.GetCertificatesResponse:
        """Return those of changes of the witnesses above a size, the newest, and what opened it."""
        changes = islice(self.book.changes(after_size), MAX_CERTIFICATES)
        with self.chain.snapshot() as snapshot:
            recovery = load_recovery(snapshot, load_consortium(snapshot).epoch)
        return pb.GetCertificatesResponse(
            changes=[raw for _, raw in changes],
            newest=self.book.newest or b"",
            recovery=recovery.raw if recovery else b"",
        )

    def consistency(self, first: int, second: int) -> pb.GetConsistencyResponse:
        """Prove that the head of the second size extends that of the first.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED, BAD_REQUEST.
        """
        with self.chain.snapshot() as snapshot:
            proofs = ChainProofs(snapshot)
            path = proofs.consistency(first, second)
            return pb.GetConsistencyResponse(
                first_root=proofs.history_root(first),
                second_root=proofs.history_root(second),
                path=encode_way(path),
            )

    def executed(self, height: int, size: int) -> pb.GetExecutedResponse:
        """Return a block with its place under the head of a size.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED, BAD_REQUEST, BLOCK_NOT_FOUND.
        """
        with self.chain.snapshot() as snapshot:
            path = ChainProofs(snapshot).inclusion(height, size)
            block = block_message(snapshot.block(height))
        return pb.GetExecutedResponse(block=block, path=encode_way(path))

    def state(self, height: int, keys: Iterable[bytes]) -> pb.GetStateResponse:
        """Return what keys of the state tree had after a height; of twins, all their leaves too.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED, PRUNED, BAD_REQUEST.
        """
        asked = list(keys)
        if len(asked) > MAX_KEYS:
            raise LedgerError(Code.BAD_REQUEST, f"at most {MAX_KEYS} keys")
        with self.chain.snapshot() as snapshot:
            return pb.GetStateResponse(values=[_value(snapshot, key, height) for key in asked])


def _value(snapshot: ChainSnapshot, key: bytes, height: int) -> pb.StateValue:
    proofs, leaves = ChainProofs(snapshot), tuple[TwinLeaf, ...]()
    if key.startswith(TWINS):
        try:
            twin_id = TwinId(key[len(TWINS) :].decode("ascii"))
        except UnicodeDecodeError as error:
            raise LedgerError(Code.BAD_REQUEST, "a twin's id is ASCII") from error
        proven, leaves = proofs.twin(twin_id, height)
    else:
        proven = proofs.state(key, height)
    return pb.StateValue(
        value=proven.value,
        proof=proven.proof.encode(),
        leaves=[pb.StateLeaf(key=k, salt=salt, record=record) for k, salt, record in leaves],
    )
