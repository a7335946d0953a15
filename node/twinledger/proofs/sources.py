"""What a builder reads: a snapshot of a node's chain, and the node's book of certificates.

Named here and not where they are implemented, because proofs know nothing of databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from twinledger.ledger.names import TwinId
from twinledger.ledger.state_proof import StateProof
from twinledger.twins.tree import TwinLeaf


class ProvenState(Protocol):
    """A value of the state, None for nothing, with its proof."""

    @property
    def value(self) -> bytes | None:
        """The value."""
        ...

    @property
    def proof(self) -> StateProof:
        """The proof."""
        ...


class ProvenWhole(Protocol):
    """A twin's record with its proof, and all leaves of its tree."""

    @property
    def twin(self) -> ProvenState:
        """The record."""
        ...

    @property
    def leaves(self) -> Sequence[TwinLeaf]:
        """The leaves, by key."""
        ...


class ProvenPart(Protocol):
    """A twin's record, and one leaf of its tree or none, each with its proof."""

    @property
    def twin(self) -> ProvenState:
        """The record."""
        ...

    @property
    def leaf(self) -> TwinLeaf | None:
        """The leaf."""
        ...

    @property
    def proof(self) -> StateProof | None:
        """The proof of the leaf or of its absence; None when there is no twin."""
        ...


class ProvenChain(Protocol):
    """A snapshot of a chain. What it does not keep it refuses with PRUNED, naming a height."""

    @property
    def size(self) -> int:
        """How many blocks it has, genesis included."""
        ...

    def header_bytes(self, height: int) -> bytes:
        """A block's header."""
        ...

    def inclusion(self, height: int, size: int) -> tuple[bytes, ...]:
        """The inclusion path of a header."""
        ...

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """The consistency path between two sizes."""
        ...

    def history_root(self, size: int) -> bytes:
        """The root of the history tree at a size."""
        ...

    def state(self, key: bytes, height: int) -> ProvenState:
        """What a key of the state had after a block."""
        ...

    def twin(self, twin_id: TwinId, height: int) -> ProvenWhole:
        """All of a twin after a block."""
        ...

    def twin_property(self, twin_id: TwinId, key: bytes, height: int) -> ProvenPart:
        """One leaf of a twin's tree after a block."""
        ...

    def transactions(self, height: int) -> Sequence[bytes]:
        """A block's transactions."""
        ...

    def receipts(self, height: int) -> Sequence[bytes]:
        """A block's receipts."""
        ...

    def updates(self, twin_id: str, after_version: int, limit: int) -> Sequence[UpdatePlace]:
        """Where the updates of a twin after a version stand, versions ascending."""
        ...

    def location(self, transaction_id: bytes) -> Place | None:
        """Where a transaction used its id up."""
        ...


class Place(Protocol):
    """A transaction's place."""

    @property
    def height(self) -> int:
        """The block."""
        ...

    @property
    def transaction_index(self) -> int:
        """Which of its transactions, from 0."""
        ...


class UpdatePlace(Place, Protocol):
    """The place of an update."""

    @property
    def version(self) -> int:
        """The version it led to."""
        ...

    @property
    def operation_index(self) -> int:
        """Which operation of the transaction, from 0."""
        ...

    @property
    def transaction_id(self) -> bytes:
        """The transaction's id, known also when its block is kept no more."""
        ...


class Certificates(Protocol):
    """A node's book of certificates."""

    def changes(self, after_size: int = 0) -> Iterator[tuple[int, bytes]]:
        """The certificates of changes of the witnesses by size, above a size."""
        ...

    def members(self) -> Iterable[tuple[int, bytes]]:
        """The consortium's record after every change of the witnesses, heights ascending."""
        ...
