"""A node in a test's hand: it follows a leader, and leads when the test says so."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.unit.node.empty_log import GENESIS, EmptyLog
from twinledger.consensus import (
    Append,
    Configuration,
    EntryKind,
    HardState,
    Heartbeat,
    Index,
    NodeId,
    PreVoteResponse,
    Raft,
    Settings,
    Term,
    Verdict,
    VoteResponse,
    make_entry,
)
from twinledger.ledger.block import BlockBody
from twinledger.ledger.limits import Limits
from twinledger.ledger.transaction import TransactionId
from twinledger.node.dialling import Dialling
from twinledger.node.feed import Feed
from twinledger.node.pool import Pool
from twinledger.node.proposer import Proposer
from twinledger.node.replica import Replica
from twinledger.node.transport import Peer, Transport
from twinledger.v1.peer_service_pb2 import PeerHello

ME, BEFORE = NodeId("me"), NodeId("before")
TICKS = 10


class Led:
    """A node that follows a leader and, once that is gone, leads the next term itself."""

    def __init__(self) -> None:
        log: Any = EmptyLog()
        self.core = Raft(
            Settings(node=ME, next_election_timeout=lambda: TICKS, election_ticks=TICKS),
            log,
            hard_state=HardState(Term(0), None),
            commit=Index(0),
            applied=Index(0),
            configuration=Configuration((BEFORE, ME)),
            verdict=lambda _before, _after: Verdict.REFUSE,
        )
        self.pool = Pool(max_transactions=100, max_bytes=10_000)
        self.feed = Feed[Any](height=0)
        transport = Transport(lambda node, dialling: Peer(node, dialling, PeerHello))
        replica = Replica(self.core, log, transport, ThreadPoolExecutor(1), 0.001, Limits)
        self.replica = replica
        self.proposer = Proposer(self.pool, replica, transport, Limits, self.feed, 4)
        replica.leadership_changed = self.proposer.wake

    def take_block(self, *transactions: bytes) -> None:
        """Take one block from the leader before."""
        block = BlockBody(1, transactions).encode()
        entry = make_entry(GENESIS, Index(1), Term(1), EntryKind.BLOCK, block)
        place = (Term(1), Index(0), Term(0), GENESIS)
        self.replica.step(Append(BEFORE, ME, *place, (entry,), Index(0)))

    def lead(self) -> None:
        """Be elected in the second term."""
        for _ in range(TICKS):
            self.core.tick()
        self.replica.step(PreVoteResponse(BEFORE, ME, Term(2), granted=True))
        self.core.persisted(2)  # the block, then the vote
        self.replica.step(VoteResponse(BEFORE, ME, Term(2), granted=True))
        assert self.replica.leads

    def connect(self) -> None:
        """Have the stream to the other node up."""
        self.replica.transport.follow([(BEFORE, Dialling("127.0.0.1:9", None))])
        self.replica.transport.peers[BEFORE].connected = True

    def follow(self, term: int) -> None:
        """Hear from the other node as the leader of a later term."""
        self.replica.step(Heartbeat(BEFORE, ME, Term(term), Index(0), 1))

    def execute(self, height: int, *settled: TransactionId) -> None:
        """Have a block executed, which settles transactions."""
        for transaction_id in settled:
            self.pool.remove(transaction_id)
        self.feed.advance(height)
        self.proposer.wake()
