"""The changes of the witness set that a chain holds, and who must have certified each.

The set before a block certifies the head that ends at it, also when the block changes the set. Only
the head that ends at a block which opened an epoch is certified by the set after it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from twinledger.consortium.members import Consortium
from twinledger.consortium.witnesses import Certificate, check_certificate, witness_set
from twinledger.ledger.checkpoint import origin_of
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.history_tree import root
from twinledger.storage.chain_reader import ChainReader
from twinledger.storage.chain_records import after_prefix, consortium_key, decode_height

_CONSORTIUMS = b"c"


@dataclass(frozen=True, slots=True)
class SetChange:
    """A block that changed the witness set.

    Attributes:
        height: Its height.
        leaf: The consortium's leaf after it.
        before: The consortium before it.
        after: The consortium after it.
    """

    height: int
    leaf: bytes
    before: Consortium
    after: Consortium

    @property
    def certifier(self) -> Consortium:
        """The consortium whose witnesses certify the head that ends at it."""
        return self.before if self.before.epoch == self.after.epoch else self.after

    @property
    def size(self) -> int:
        """The size of the head that ends at it."""
        return self.height + 1


def set_changes(chain: ChainReader) -> Iterator[SetChange]:
    """Yield every change of the witness set since genesis, ascending.

    Raises:
        LedgerError: DATA_DAMAGED.
    """
    before: Consortium | None = None
    for key, leaf in chain.view.scan(consortium_key(1), after_prefix(_CONSORTIUMS)):
        before = before or Consortium.decode(chain.consortium_at(0))
        after = Consortium.decode(leaf)
        if after.set_number != before.set_number:
            yield SetChange(decode_height(key[1:]), leaf, before, after)
        before = after


def check_certified(
    raw: bytes, consortium: Consortium, chain: ChainReader, chain_id: bytes
) -> Certificate:
    """Check a certificate of a head that this chain holds; `consortium` is the one that certifies.

    Raises:
        LedgerError: CERTIFICATE_INVALID, also for a head of another history; QUORUM_MISSING;
            HEIGHT_NOT_REACHED.
    """
    origin = origin_of(chain_id, consortium.epoch)
    certificate = check_certificate(raw, witness_set(consortium), origin)
    head, size = certificate.checkpoint, (chain.applied_height or 0) + 1
    if head.size > size:
        raise LedgerError(Code.HEIGHT_NOT_REACHED, f"it is of size {head.size}, here is {size}")
    if head.root != root(chain.trees, head.size):
        detail = f"what it certifies at size {head.size} is another history"
        raise LedgerError(Code.CERTIFICATE_INVALID, detail)
    return certificate
