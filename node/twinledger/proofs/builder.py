"""Making bundles from what a node keeps: its chain, and its book of certificates.

A bundle is proven under the newest certified head. All reads must come from one snapshot of the
chain, taken after the certificate was read, so that the chain holds what it certifies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from twinledger.consortium.members import CONSORTIUM_KEY
from twinledger.consortium.recovery.opening import read_recovery, recovery_key
from twinledger.ledger.checkpoint import Checkpoint, epoch_of, head_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_proof import encode_way
from twinledger.ledger.names import TwinId
from twinledger.ledger.state_proof import End
from twinledger.proofs.bundle import (
    MAX_BYTES,
    Bundle,
    GenesisAnchor,
    HeadAnchor,
    ShownChange,
    ShownHead,
    ShownRecovery,
)
from twinledger.proofs.claims import (
    AbsentClaim,
    Claim,
    Disclosed,
    HeadClaim,
    PropertyClaim,
    ShownBlock,
    ShownTwin,
    SilenceClaim,
    TwinClaim,
)
from twinledger.proofs.sources import Certificates, ProvenChain, ProvenState
from twinledger.twins.state_keys import twin_key
from twinledger.twins.tree import TwinLeaf


@dataclass(frozen=True, slots=True)
class _Opened:
    """A recovery to show, and the size of the head that it goes on from."""

    shown: ShownRecovery
    size: int


@dataclass(frozen=True)
class Builder:
    """Builds bundles.

    Attributes:
        chain: A snapshot of the chain.
        certificates: The node's book.
        certificate: The newest certificate, read before the snapshot was taken.
        genesis: The genesis body.
        under_size: The size of the certified head that claims are made under; 0: of the newest.
    """

    chain: ProvenChain
    certificates: Certificates
    certificate: bytes
    genesis: bytes
    under_size: int = 0

    @property
    def head(self) -> Checkpoint:
        """The newest certified head."""
        return head_of(self.certificate)

    @cached_property
    def size(self) -> int:
        """The size of the head that claims are made under.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED when no head of that size or a greater is certified.
        """
        newest = self.head.size
        if self.under_size > newest:
            detail = f"the newest certified size is {newest}, not {self.under_size}"
            raise LedgerError(Code.HEIGHT_NOT_REACHED, detail)
        return self.under_size or newest

    def bundle(self, claim: Claim, trusted_size: int = 0) -> bytes:
        """The file that proves a claim.

        Args:
            claim: One that this builder made.
            trusted_size: The size of the head that the verifier trusts; 0 begins at genesis.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED when that size is not certified yet; PROOF_TOO_LARGE;
                NOT_CERTIFIED when the certificate of a change has not reached this node yet; what
                the chain raises.
        """
        head = self.head
        if trusted_size > head.size:
            detail = f"the newest certified size is {head.size}, not {trusted_size}"
            raise LedgerError(Code.HEIGHT_NOT_REACHED, detail)
        anchor = self._anchor(trusted_size)
        opened = self._recovery(trusted_size)
        changes, before = self._changes(trusted_size, head.size, opened)
        shown = ShownHead(self.certificate, self._consistency(before, head.size))
        raw = Bundle(anchor, (*(each.shown for each in opened), *changes), shown, claim).encode()
        if len(raw) > MAX_BYTES:
            raise too_large()
        return raw

    def head_claim(self) -> HeadClaim:
        """The head itself, and the consortium after it."""
        height = self.size - 1
        record = self.chain.state(CONSORTIUM_KEY, height).value
        return HeadClaim(self.block(height), record or b"")

    def twin_claim(self, twin_id: TwinId, height: int | None = None) -> TwinClaim:
        """A whole twin after a block, the newest certified one by default.

        Raises:
            LedgerError: TWIN_NOT_FOUND, HEIGHT_NOT_REACHED, PRUNED.
        """
        at = self.certified(height)
        found = self.chain.twin(twin_id, at)
        return TwinClaim(twin_id, self._twin(twin_id, found.twin, at), disclosed(found.leaves))

    def property_claim(
        self, twin_id: TwinId, key: bytes, height: int | None = None
    ) -> PropertyClaim:
        """What a twin has at one key, or that it has nothing there.

        Raises:
            LedgerError: TWIN_NOT_FOUND, HEIGHT_NOT_REACHED, PRUNED.
        """
        at = self.certified(height)
        found = self.chain.twin_property(twin_id, key, at)
        twin = self._twin(twin_id, found.twin, at)
        leaf = None if found.leaf is None else Disclosed(*found.leaf)
        proof = b"" if found.proof is None else found.proof.encode()
        return PropertyClaim(twin_id, twin, key, leaf, proof)

    def absent_claim(self, twin_id: TwinId, height: int | None = None) -> AbsentClaim:
        """That there is no such twin.

        Raises:
            LedgerError: TWIN_EXISTS, HEIGHT_NOT_REACHED, PRUNED.
        """
        at = self.certified(height)
        found = self.chain.state(twin_key(twin_id), at)
        if found.value is not None:
            raise LedgerError(Code.TWIN_EXISTS, twin_id)
        return AbsentClaim(twin_id, self.block(at), found.proof.encode())

    def silence_claim(self, twin_id: TwinId, first: int, last: int | None) -> SilenceClaim:
        """That a twin had no update after one block until another.

        Raises:
            LedgerError: TWIN_NOT_FOUND, HEIGHT_NOT_REACHED, PRUNED, BAD_REQUEST; PROOF_SILENCE when
                it was updated.
        """
        until = self.certified(last)
        if not first < until:
            raise LedgerError(Code.BAD_REQUEST, "the first height lies before the last")
        heights = (self.certified(first), until)
        shown = [self._twin(twin_id, self.chain.state(twin_key(twin_id), at), at) for at in heights]
        if shown[0].record != shown[1].record:
            raise LedgerError(Code.PROOF_SILENCE, f"{twin_id} was updated in between")
        return SilenceClaim(twin_id, *shown)

    def block(self, height: int) -> ShownBlock:
        """A block's header with its path in the certified head."""
        way = self.chain.inclusion(height, self.size)
        return ShownBlock(self.chain.header_bytes(height), encode_way(way))

    def certified(self, height: int | None) -> int:
        """The height of a claim.

        Raises:
            LedgerError: HEIGHT_NOT_REACHED, when no certified head holds it yet.
        """
        newest = self.size - 1
        if height is None:
            return newest
        if not 0 <= height <= newest:
            detail = f"height {height}, the newest certified one is {newest}"
            raise LedgerError(Code.HEIGHT_NOT_REACHED, detail)
        return height

    def _twin(self, twin_id: TwinId, found: ProvenState, height: int) -> ShownTwin:
        if found.value is None or found.proof.end is not End.LEAF:
            raise LedgerError(Code.TWIN_NOT_FOUND, twin_id)
        return ShownTwin(self.block(height), found.value, found.proof.encode())

    def _anchor(self, trusted_size: int) -> GenesisAnchor | HeadAnchor:
        if trusted_size:
            return HeadAnchor(trusted_size, self.chain.history_root(trusted_size))
        return GenesisAnchor(self.genesis)

    def _recovery(self, trusted_size: int) -> tuple[_Opened, ...]:
        """The recovery between the anchor and the head, and the size where it leads to.

        The newest one is enough: it brings its own proof from genesis of what was before.
        """
        epoch = epoch_of(self.head.origin)
        record = self.chain.state(recovery_key(epoch), self.head.height).value if epoch else None
        if record is None:
            return ()
        recovery = read_recovery(record)
        size = recovery.fork.size
        if trusted_size > size:
            return ()
        shown = ShownRecovery(recovery.raw, self._consistency(trusted_size, size))
        return (_Opened(shown, size),)

    def _changes(
        self, after: int, until: int, opened: Sequence[_Opened]
    ) -> tuple[tuple[ShownChange, ...], int]:
        """Every change of the witnesses between two sizes, and the size of the last one's head.

        The block that opened an epoch is none of them: its recovery stands for it.
        """
        changes, before = list[ShownChange](), after
        for each in opened:
            before, after = each.size, each.size + 1
        certificates = dict(self.certificates.changes(after))
        for height, record in self.certificates.members():
            size = height + 1
            if after < size < until:
                if size not in certificates:
                    detail = f"the change of the witnesses at height {height}"
                    raise LedgerError(Code.NOT_CERTIFIED, detail)
                changes.append(self._change(before, size, record, certificates[size]))
                before = size
        return tuple(changes), before

    def _change(self, before: int, size: int, record: bytes, certificate: bytes) -> ShownChange:
        height = size - 1
        return ShownChange(
            self.chain.header_bytes(height),
            encode_way(self.chain.inclusion(height, size)),
            record,
            certificate,
            self._consistency(before, size),
        )

    def _consistency(self, first: int, second: int) -> bytes:
        return encode_way(self.chain.consistency(first, second)) if first else b""


def disclosed(leaves: Sequence[TwinLeaf]) -> tuple[Disclosed, ...]:
    """Leaves of a twin's tree as a bundle shows them."""
    return tuple([Disclosed(*leaf) for leaf in sorted(leaves)])


def too_large() -> LedgerError:
    """The refusal of what would not fit a bundle."""
    return LedgerError(Code.PROOF_TOO_LARGE, f"at most {MAX_BYTES} bytes")
