"""Proofs from the chain of one node: of its state at a height, and of its history."""

from typing import NamedTuple

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_tree import consistency_proof, inclusion_proof, root
from twinledger.ledger.state_proof import End, StateProof, verify_presence
from twinledger.ledger.state_prover import prove
from twinledger.ledger.state_tree_page import Branch
from twinledger.storage.chain_reader import ChainReader
from twinledger.storage.damage import REBUILD_CHAIN, damaged


class ProvenValue(NamedTuple):
    """What a key of the state had at a height, None for nothing, and the proof of it."""

    value: bytes | None
    proof: StateProof


class ChainProofs:
    """Makes proofs. Give it a snapshot: what it reads must be of one height."""

    def __init__(self, chain: ChainReader) -> None:
        """`chain` is what the proofs are about."""
        self._chain = chain

    @property
    def size(self) -> int:
        """How many leaves the history tree has."""
        applied = self._chain.applied_height
        return 0 if applied is None else applied + 1

    def state(self, key: bytes, height: int) -> ProvenValue:
        """Prove what a key had after the block of a height, under that block's state root.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED; PRUNED, naming the oldest height that can be proven;
                DATA_DAMAGED.
        """
        self._check_kept(height)
        state_root = self._chain.header(height).state_root
        proof = prove(self._chain, Branch(state_root, height), key)
        if proof.end is not End.LEAF:
            return ProvenValue(None, proof)
        value = self._chain.trees.value_at(key, height)
        try:
            verify_presence(state_root, key, value or b"", proof)
        except LedgerError as error:
            told = f"The state at height {height} does not match its root"
            raise damaged(told, REBUILD_CHAIN) from error
        return ProvenValue(value, proof)

    def history_root(self, size: int) -> bytes:
        """Return the history tree's root when it had so many leaves.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED, BAD_REQUEST.
        """
        self._check_sizes(0, size)
        return root(self._chain.trees, size)

    def inclusion(self, height: int, size: int) -> tuple[bytes, ...]:
        """Prove that the history tree of a size holds the header of a height.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED, BAD_REQUEST.
        """
        self._check_sizes(height + 1, size)
        if height < 0:
            raise LedgerError(Code.BAD_REQUEST, "heights begin at 0")
        return inclusion_proof(self._chain.trees, height, size)

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Prove that the history tree of the second size begins with that of the first.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED, BAD_REQUEST.
        """
        self._check_sizes(first, second)
        if first == 0:
            raise LedgerError(Code.BAD_REQUEST, "the history tree always has a leaf")
        return consistency_proof(self._chain.trees, first, second)

    def _check_kept(self, height: int) -> None:
        if height >= self.size:
            raise LedgerError(Code.HEIGHT_NOT_REACHED, f"height {height} of {self.size - 1}")
        oldest = self._chain.trees.oldest_height
        if height < oldest:
            raise LedgerError(Code.PRUNED, f"the oldest height it keeps is {oldest}")

    def _check_sizes(self, first: int, second: int) -> None:
        if second > self.size:
            raise LedgerError(Code.HEIGHT_NOT_REACHED, f"size {second} of {self.size}")
        if not 0 <= first <= second:
            raise LedgerError(Code.BAD_REQUEST, f"no tree of size {second} holds {first} leaves")
