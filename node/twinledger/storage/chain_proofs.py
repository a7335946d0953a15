"""Proofs from the chain of one node: of its state and its twins at a height, and of its history."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_tree import consistency_proof, inclusion_proof, root
from twinledger.ledger.names import TwinId
from twinledger.ledger.state_proof import End, StateProof, verify_presence
from twinledger.ledger.state_prover import prove
from twinledger.ledger.state_tree_page import Branch
from twinledger.storage.chain_reader import ChainReader
from twinledger.storage.damage import REBUILD_CHAIN, damaged
from twinledger.twins.records import Twin, twin_leaf, written_height
from twinledger.twins.state_keys import (
    LeafPlace,
    is_twin_leaf,
    leaf_place,
    leaf_record_key,
    properties_prefix,
    relationships_prefix,
    twin_key,
)
from twinledger.twins.tree import TwinLeaf, prove_leaf
from twinledger.twins.tree_proof import verify_leaf, verify_leaves


class ProvenValue(NamedTuple):
    """What a key of the state had at a height, None for nothing, and the proof of it."""

    value: bytes | None
    proof: StateProof


class ProvenTwin(NamedTuple):
    """A twin's leaf in the state tree with its proof, and every leaf of its own tree, by key."""

    twin: ProvenValue
    leaves: tuple[TwinLeaf, ...]


class ProvenLeaf(NamedTuple):
    """A twin's leaf in the state tree, and one leaf of its own tree, each with its proof.

    Without the leaf the proof is of its absence; without the twin there is none.
    """

    twin: ProvenValue
    leaf: TwinLeaf | None
    proof: StateProof | None


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
                BAD_REQUEST for a key of a twin's own tree; DATA_DAMAGED.
        """
        if is_twin_leaf(key):
            raise LedgerError(Code.BAD_REQUEST, "that is no leaf of the state tree but of a twin's")
        self._check_kept(height)
        state_root = self._chain.header(height).state_root
        proof = prove(self._chain, Branch(state_root, height), key)
        if proof.end is not End.LEAF:
            return ProvenValue(None, proof)
        value = self._chain.trees.value_at(key, height)
        with _held_against(f"The state at height {height} does not match its root"):
            verify_presence(state_root, key, value or b"", proof)
        return ProvenValue(value, proof)

    def twin(self, twin_id: TwinId, height: int) -> ProvenTwin:
        """Prove all of a twin as it was after the block of a height: itself and its tree's leaves.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED, PRUNED, DATA_DAMAGED.
        """
        proven = self.state(twin_key(twin_id), height)
        if proven.value is None:
            return ProvenTwin(proven, ())
        with _held_against(_other_leaves(twin_id, height)):
            leaves = self._leaves(twin_id, height)
            verify_leaves(Twin.decode(twin_id, proven.value).property_root, leaves)
        return ProvenTwin(proven, leaves)

    def twin_property(self, twin_id: TwinId, key: bytes, height: int) -> ProvenLeaf:
        """Prove one leaf of a twin's tree, or its absence, as it was after the block of a height.

        `key` is that of the leaf: `reported/PATH`, `desired/PATH` or `relationship/NAME/TARGET`.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED, PRUNED, DATA_DAMAGED.
        """
        twin = self.state(twin_key(twin_id), height)
        if twin.value is None:
            return ProvenLeaf(twin, None, None)
        tree = Twin.decode(twin_id, twin.value).tree
        proof = prove_leaf(self._chain, twin_id, tree, key)
        if proof.end is not End.LEAF:
            return ProvenLeaf(twin, None, proof)
        record_key = leaf_record_key(LeafPlace(twin_id, key)) or b""
        with _held_against(_other_leaves(twin_id, height)):
            leaf = twin_leaf(key, self._chain.trees.value_at(record_key, height) or b"")
            verify_leaf(tree.hash, leaf, proof)
        return ProvenLeaf(twin, leaf, proof)

    def _leaves(self, twin_id: TwinId, height: int) -> tuple[TwinLeaf, ...]:
        found: dict[bytes, TwinLeaf] = {}
        for prefix in (properties_prefix(twin_id), relationships_prefix(twin_id)):
            for key, raw in self._chain.trees.values_at(prefix, height).items():
                place = leaf_place(key)
                if place is not None:
                    found[place.key] = twin_leaf(place.key, raw)
        # What a later block created is not part of it.
        kept = [leaf for leaf in found.values() if written_height(leaf) <= height]
        return tuple(sorted(kept))

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


def _other_leaves(twin_id: TwinId, height: int) -> str:
    return f"The properties of {twin_id} at height {height} do not match their root"


@contextmanager
def _held_against(told: str) -> Iterator[None]:
    """What does not verify here was damaged on the disk."""
    try:
        yield
    except LedgerError as error:
        raise damaged(told, REBUILD_CHAIN) from error
