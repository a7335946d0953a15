"""What a node asks others about heads: certificates it has missed, and paths on their branch."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from twinledger.consortium.heads import Question
from twinledger.consortium.heads.gathering import Gathering
from twinledger.consortium.witnesses import Certificate, check_certificate
from twinledger.ledger.errors import LedgerError
from twinledger.ledger.history_proof import decode_way
from twinledger.node.transport import Peer, Transport
from twinledger.v1.peer_service_pb2 import (
    GetCertificatesRequest,
    GetConsistencyRequest,
    PeerHello,
)

PATIENCE_S: Final = 2.0
"""How long a change of the witnesses may be uncertified here before the others are asked."""


@dataclass(slots=True)
class HeadAsking:
    """Asks, and believes nothing that does not check."""

    transport: Transport
    hello: Callable[[], PeerHello]
    origin: str
    _barrier: int | None = None
    _barrier_since_s: float = 0.0

    async def missed(self, gathering: Gathering) -> list[Certificate]:
        """The certificate of the change that this node waits for, if another node has it."""
        barrier = gathering.barrier
        if barrier != self._barrier:
            self._barrier, self._barrier_since_s = barrier, time.monotonic()
        if barrier is None or time.monotonic() - self._barrier_since_s < PATIENCE_S:
            return []
        for peer in self.connected():
            try:
                found = await self._certificate(peer, gathering, barrier)
            except LedgerError:
                continue  # away, or it has none, or none that holds
            if found is not None:
                return [found]
        return []

    async def answers(self, question: Question) -> AsyncIterator[tuple[bytes, tuple[bytes, ...]]]:
        """What the others say: the root within the larger head's tree, and the path."""
        first, second = question.smaller.checkpoint.size, question.larger.checkpoint.size
        for peer in self.connected():
            try:
                yield await self.consistency(peer, first, second)
            except LedgerError:
                continue  # it is not as far, or away; the next one may know

    async def consistency(
        self, peer: Peer, first: int, second: int
    ) -> tuple[bytes, tuple[bytes, ...]]:
        """A node's root at the first size, and the path from there to its root at the second.

        Raises:
            LedgerError: what it answers, or that it does not; PROOF_INVALID.
        """
        request = GetConsistencyRequest(hello=self.hello(), first_size=first, second_size=second)
        answer = await peer.ask(lambda stub: stub.GetConsistency(request))
        return answer.first_root, decode_way(answer.path)

    async def _certificate(self, peer: Peer, gathering: Gathering, size: int) -> Certificate | None:
        request = GetCertificatesRequest(hello=self.hello(), after_size=size - 1)
        answer = await peer.ask(lambda stub: stub.GetCertificates(request))
        for raw in answer.changes:
            certificate = check_certificate(raw, gathering.witnesses, self.origin)
            if certificate.checkpoint.size == size:
                return certificate
        return None

    def connected(self) -> list[Peer]:
        """The nodes that can be asked now."""
        return [peer for peer in self.transport.peers.values() if peer.connected]
