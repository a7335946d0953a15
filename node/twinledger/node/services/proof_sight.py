"""What a caller may have proven: no more than the plain reads would show it.

A proof shows more than its subject: the whole transaction around an update, the key beside an
absent one. So some things that a caller may read are not proven to it; nothing is proven to it that
it may not read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from twinledger.consortium.governed import CONFIGURATION_KEY
from twinledger.consortium.members import CONSORTIUM_KEY
from twinledger.consortium.proposals import COUNT_KEY
from twinledger.consortium.protocol import PROTOCOL_KEY
from twinledger.ledger import names
from twinledger.ledger.access import WHOLE_TWIN
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.names import TwinId
from twinledger.ledger.state_proof import End, StateProof
from twinledger.node.services.sight import Sight
from twinledger.node.updates import updates_of
from twinledger.proofs import signed
from twinledger.proofs.claims import PropertyClaim, StateClaim
from twinledger.twins.policy import POLICIES
from twinledger.twins.state_keys import TWINS
from twinledger.v1 import twin_service_pb2 as pb

_PUBLIC: Final = frozenset({CONSORTIUM_KEY, PROTOCOL_KEY, COUNT_KEY, CONFIGURATION_KEY})
_PUBLIC_PREFIXES: Final = (b"identity/", b"proposal/")


@dataclass(slots=True)
class ProofSight:
    """One caller's sight, for proofs. Used in one thread, for one call."""

    sight: Sight
    _blocks: dict[int, dict[int, bool]] = field(default_factory=dict)

    def require_twin(self, twin_id: TwinId) -> None:
        """Refuse a twin that is hidden or not there, alike, with TWIN_NOT_FOUND."""
        self.sight.load(twin_id)

    def knows(self, twin_id: TwinId) -> bool:
        """Whether a twin is there, and shows itself to the caller."""
        return self.sight.knows(twin_id)

    def readable_keys(self, twin_id: TwinId, keys: Iterable[bytes]) -> list[bytes]:
        """Return those keys of a twin's tree that the caller may read."""
        return [key for key in keys if self.reads(twin_id, key)]

    def reads(self, twin_id: TwinId, key: bytes) -> bool:
        """Whether the caller may read a key of a twin's tree."""
        return self.sight.reads(twin_id, key.decode("ascii", "replace"))

    def require_whole(self) -> None:
        """Refuse a caller from whom something is hidden, with ACCESS_DENIED."""
        if not self.sight.whole:
            raise _denied("it is for admins and auditors")

    def require_state(self, key: bytes) -> None:
        """Refuse a key of the state whose value the caller may not read, with ACCESS_DENIED."""
        if self.sight.whole or key in _PUBLIC or key.startswith(_PUBLIC_PREFIXES):
            return
        if key.startswith(TWINS) and self.knows(_twin_in(key, TWINS)):
            return
        if key.startswith(POLICIES):
            twin_id = _twin_in(key, POLICIES)
            # Whoever administers the whole twin sees every rule.
            if self.knows(twin_id) and self.sight.sees_rule(twin_id, WHOLE_TWIN, ()):
                return
        raise _denied("a value that is not shown to this identity")

    def require_no_neighbour(self, claim: StateClaim | PropertyClaim) -> None:
        """Refuse proofs of absence that would show another key to who may not read everything."""
        if self.sight.whole:
            return
        for raw in _absences(claim):
            if StateProof.decode(raw).end is End.OTHER_LEAF:
                raise _denied("the proof that it is not there would show something else")

    def shows_transaction(self, height: int, index: int) -> bool:
        """Whether the caller may see a transaction of twins as it was signed: it reads all of it.

        Raises:
            LedgerError: PRUNED when its body is not kept any more.
        """
        if self.sight.whole:
            return True
        if height not in self._blocks:
            self._blocks[height] = self._judge_block(height)
        return self._blocks[height].get(index, False)

    def _judge_block(self, height: int) -> dict[int, bool]:
        """Of each transaction that updated twins: whether the caller may see it."""
        judged: dict[int, bool] = {}
        for update in updates_of(self.sight.state.block(height)):
            index = update.origin.cursor.index
            own = self.sight.who.identity in update.origin.authors
            seen = own or self._sees(update)
            judged[index] = judged.get(index, True) and seen
        return judged

    def _sees(self, update: pb.TwinUpdate) -> bool:
        return self.knows(TwinId(update.twin_id)) and self.sight.update(update) == update

    def signed(self, transaction: bytes) -> bool:
        """Whether the caller itself is an author of a transaction, and so knows all of it."""
        return self.sight.whole or self.sight.who.identity in _authors(transaction)


def _authors(raw: bytes) -> Sequence[str]:
    try:
        return signed.authors(signed.split(raw))
    except LedgerError:
        return ()  # a faulty leader can put anything into a block


def _absences(claim: StateClaim | PropertyClaim) -> list[bytes]:
    if isinstance(claim, PropertyClaim):
        return [claim.proof] if claim.leaf is None else []
    return [each.proof for each in claim.values if each.value is None]


def _twin_in(key: bytes, prefix: bytes) -> TwinId:
    return names.twin_id(key[len(prefix) :].decode("ascii", "replace"))


def _denied(detail: str) -> LedgerError:
    return LedgerError(Code.ACCESS_DENIED, detail)
