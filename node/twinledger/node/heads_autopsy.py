"""When this node's head is not the certified one: finds where the two part, before it stops.

A healthy node is asked, and every answer is held against the certified head, so that its word alone
counts for nothing: the first differing height is found by bisection over consistency proofs, then
that block is compared, its receipts, and what it wrote into the state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from twinledger.consortium.heads.roots import OwnHeads
from twinledger.consortium.witnesses import Certificate
from twinledger.ledger.checkpoint import Checkpoint
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader
from twinledger.ledger.history_proof import decode_way, verify_consistency, verify_inclusion
from twinledger.ledger.merkle import tree_hash
from twinledger.ledger.receipt import Receipt
from twinledger.node.heads_asking import HeadAsking
from twinledger.node.state_difference import changed_keys, state_difference
from twinledger.node.transport import Peer
from twinledger.storage import ChainStore, StoredBlock
from twinledger.v1.block_pb2 import Block
from twinledger.v1.peer_service_pb2 import (
    GetExecutedRequest,
    GetStateRequest,
)


@dataclass(frozen=True, slots=True)
class Autopsy:
    """Asks one node after the other until one can show the difference."""

    own: OwnHeads
    chain: ChainStore
    asking: HeadAsking

    async def examine(self, contrary: Certificate) -> LedgerError:
        """Return the error that stops this node, with all that could be found."""
        head = contrary.checkpoint
        for peer in self.asking.connected():
            try:
                return LedgerError(Code.DIVERGED, await self._with(peer, head))
            except LedgerError:
                continue  # away, not as far, or not what was certified: the next one may know
        told = f"at size {head.size}; no other node could show where the two part"
        return LedgerError(Code.DIVERGED, told)

    async def _with(self, peer: Peer, head: Checkpoint) -> str:
        height = await self._first_difference(peer, head)
        block = await self._block(peer, height, head)
        found = await self._difference(peer, height, block)
        return f"the first differing height is {height}: {found}"

    async def _first_difference(self, peer: Peer, head: Checkpoint) -> int:
        same, other = 1, head.size  # genesis is the same: the nodes greeted with its hash
        while other - same > 1:
            size = (same + other) // 2
            if await self._root_within(peer, size, head) == self.own.head(size).root:
                same = size
            else:
                other = size
        return other - 1

    async def _root_within(self, peer: Peer, size: int, head: Checkpoint) -> bytes:
        root_within, way = await self.asking.consistency(peer, size, head.size)
        verify_consistency(root_within, size, head.root, head.size, way)
        return root_within

    async def _block(self, peer: Peer, height: int, head: Checkpoint) -> Block:
        """Return the certified block of a height."""
        request = GetExecutedRequest(hello=self.asking.hello(), height=height, size=head.size)
        answer = await peer.ask(lambda stub: stub.GetExecuted(request))
        way = decode_way(answer.path)
        verify_inclusion(head.root, head.size, height, answer.block.header, way)
        return answer.block

    async def _difference(self, peer: Peer, height: int, block: Block) -> str:
        certified, own = BlockHeader.decode(block.header), self.chain.header(height)
        here = self.chain.block(height)
        if certified.transactions_root != own.transactions_root:
            return "its transactions are others: this node was given another block"
        if (certified.term, certified.time_us) != (own.term, own.time_us):
            return "its term or time is another: this node was given another block"
        if certified.receipts_root != own.receipts_root:
            return _receipts_difference(here, block.receipts, certified)
        if certified.state_root != own.state_root:
            return await self._state_difference(peer, here, certified)
        return "its header is another"

    async def _state_difference(self, peer: Peer, here: StoredBlock, certified: BlockHeader) -> str:
        height = certified.height
        keys = changed_keys(self.chain.trees, here, height)
        request = GetStateRequest(hello=self.asking.hello(), height=height, keys=keys)
        answer = await peer.ask(lambda stub: stub.GetState(request))
        for key, value in zip(keys, answer.values, strict=False):
            found = state_difference(self.chain.trees, key, value, certified)
            if found is not None:
                return found
        return "the state is another, not in what this block wrote"


def _receipts_difference(
    here: StoredBlock, receipts: Sequence[bytes], certified: BlockHeader
) -> str:
    if tree_hash(receipts) != certified.receipts_root or len(receipts) != len(here.receipts):
        raise LedgerError(Code.PROOF_INVALID, "the receipts are not those of the block")
    for own, other in zip(here.receipts, receipts, strict=True):
        if own != other:
            mine, theirs = Receipt.decode(own), Receipt.decode(other)
            return (
                f"transaction {mine.transaction_id.hex()}: {_told(mine)} here, "
                f"{_told(theirs)} certified"
            )
    return "its receipts are others"


def _told(receipt: Receipt) -> str:
    events = ", ".join(f"{event.subject} version {event.version}" for event in receipt.events)
    return f"{receipt.outcome} ({events})" if events else receipt.outcome
