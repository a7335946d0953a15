"""The synchronous twin: the same calls, blocking, over the same implementation.

One background thread runs the event loop that all calls of a client share; any thread may call.
Iterators block in `next`. Nothing is implemented twice: every method runs its namesake of `Ledger`
there, and a test holds the two to the same signatures.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from twinledger.client.chain_records import Block, Head, NodeStatus
from twinledger.client.connecting import connect
from twinledger.client.consortium_records import Consortium
from twinledger.client.evidence import ListedEvidence
from twinledger.client.governance import Governed
from twinledger.client.identity import Identity
from twinledger.client.ledger import WINDOW, Ledger
from twinledger.client.loop_thread import LoopThread
from twinledger.client.many import ManyItem
from twinledger.client.operations import Operation
from twinledger.client.profile import Profile
from twinledger.client.proofs import Proof, Question, TrustedHead
from twinledger.client.receipts import Cursor, Receipt, TransactionStatus, Wait
from twinledger.client.session import TIMEOUT_SECONDS
from twinledger.client.synchronous_access import SyncAccess
from twinledger.client.synchronous_operating import SyncOperatedNode
from twinledger.client.synchronous_twins import SyncIdentities, SyncTwins
from twinledger.client.transactions import LIFETIME_SECONDS, SignedTransaction
from twinledger.client.twin_records import TwinUpdate
from twinledger.client.window import Outcome
from twinledger.consortium.proposals import Proposal


class SyncLedger:
    """A connected client; see `Ledger`.

    Attributes:
        twins: Changing and reading twins.
        identities: Admitting, revoking and reading identities.
        access: Who may do what to a twin, and why.
    """

    def __init__(self, ledger: Ledger, thread: LoopThread) -> None:
        """Use `connect_sync`."""
        self._ledger = ledger
        self._thread = thread
        self.twins: SyncTwins = SyncTwins(ledger.twins, thread)
        self.identities: SyncIdentities = SyncIdentities(ledger.identities, thread)
        self.access: SyncAccess = SyncAccess(ledger.access, thread)

    @property
    def chain_id(self) -> bytes:
        """The chain, 32 bytes."""
        return self._ledger.chain_id

    @property
    def identity(self) -> Identity | None:
        """Who signs unless a call names others."""
        return self._ledger.identity

    @property
    def addresses(self) -> tuple[str, ...]:
        """The client addresses of the nodes that this client knows."""
        return self._ledger.addresses

    @property
    def profile(self) -> Profile | None:
        """The nodes that this client trusts now; see `Ledger.profile`."""
        return self._ledger.profile

    def sign(
        self,
        *operations: Operation,
        authors: Sequence[Identity] = (),
        lifetime_seconds: float = LIFETIME_SECONDS,
    ) -> SignedTransaction:
        """Signs a transaction without sending it; see `Ledger.sign`."""
        return self._ledger.sign(*operations, authors=authors, lifetime_seconds=lifetime_seconds)

    def submit(
        self,
        *operations: Operation,
        authors: Sequence[Identity] = (),
        certified: bool = False,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Signs operations, sends them and waits for the receipt; see `Ledger.submit`."""
        return self.send(
            self.sign(*operations, authors=authors),
            certified=certified,
            timeout_seconds=timeout_seconds,
        )

    def send(
        self,
        transaction: SignedTransaction,
        *,
        certified: bool = False,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Sends signed bytes and waits for the receipt; see `Ledger.send`."""
        return self._thread.run(
            self._ledger.send(transaction, certified=certified, timeout_seconds=timeout_seconds)
        )

    def post(
        self, transaction: SignedTransaction, *, timeout_seconds: float | None = None
    ) -> TransactionStatus:
        """Sends signed bytes and does not wait for a block; see `Ledger.post`."""
        return self._thread.run(self._ledger.post(transaction, timeout_seconds=timeout_seconds))

    def prove(
        self,
        question: Question,
        *,
        trusted: TrustedHead | None = None,
        timeout_seconds: float | None = None,
    ) -> Proof:
        """Asks for a proof and verifies it; see `Ledger.prove`."""
        return self._thread.run(
            self._ledger.prove(question, trusted=trusted, timeout_seconds=timeout_seconds)
        )

    def submit_many(
        self,
        items: Iterable[ManyItem],
        *,
        window: int = WINDOW,
        wait: Wait = Wait.COMMITTED,
        timeout_seconds: float | None = None,
    ) -> Iterator[Outcome]:
        """As `Ledger.submit_many`; `items` is read in the caller's thread and may block."""
        pipeline = self._ledger.pipeline(window=window, wait=wait, timeout_seconds=timeout_seconds)
        return self._thread.pump(pipeline, window, map(self._ledger.signed, items))

    def transaction(
        self, transaction_id: bytes, *, timeout_seconds: float | None = None
    ) -> TransactionStatus:
        """What a node knows of a transaction; see `Ledger.transaction`."""
        return self._thread.run(
            self._ledger.transaction(transaction_id, timeout_seconds=timeout_seconds)
        )

    def block(self, height: int, *, timeout_seconds: float | None = None) -> Block:
        """The block at a height; see `Ledger.block`."""
        return self._thread.run(self._ledger.block(height, timeout_seconds=timeout_seconds))

    def blocks(self, from_height: int = 0, to_height: int | None = None) -> Iterator[Block]:
        """Blocks in order; see `Ledger.blocks`."""
        return self._thread.iterate(self._ledger.blocks(from_height, to_height))

    def head(self, *, timeout_seconds: float | None = None) -> Head:
        """The newest block that a node has executed; see `Ledger.head`."""
        return self._thread.run(self._ledger.head(timeout_seconds=timeout_seconds))

    def linearize(self, *, timeout_seconds: float | None = None) -> int:
        """From now on reads see all that anybody was told; see `Ledger.linearize`."""
        return self._thread.run(self._ledger.linearize(timeout_seconds=timeout_seconds))

    def watch(
        self, *twin_ids: str, prefix: str = "", after: Cursor | None = None
    ) -> Iterator[TwinUpdate]:
        """Updates as they happen; see `Ledger.watch`."""
        return self._thread.iterate(self._ledger.watch(*twin_ids, prefix=prefix, after=after))

    def governed(self, *, timeout_seconds: float | None = None) -> Governed:
        """What the members agreed on; see `Ledger.governed`."""
        return self._thread.run(self._ledger.governed(timeout_seconds=timeout_seconds))

    def proposals(self, *, timeout_seconds: float | None = None) -> list[Proposal]:
        """The newest proposals; see `Ledger.proposals`."""
        return self._thread.run(self._ledger.proposals(timeout_seconds=timeout_seconds))

    def evidence(self, *, timeout_seconds: float | None = None) -> list[ListedEvidence]:
        """What convicts witnesses of signing two histories; see `Ledger.evidence`."""
        return self._thread.run(self._ledger.evidence(timeout_seconds=timeout_seconds))

    def consortium(self, *, timeout_seconds: float | None = None) -> Consortium:
        """The members and their nodes; see `Ledger.consortium`."""
        return self._thread.run(self._ledger.consortium(timeout_seconds=timeout_seconds))

    def status(self, *, timeout_seconds: float | None = None) -> NodeStatus:
        """How the node that this client talks to is; see `Ledger.status`."""
        return self._thread.run(self._ledger.status(timeout_seconds=timeout_seconds))

    def node(self, name: str) -> SyncOperatedNode:
        """One node, by its id or client address; see `Ledger.node`."""
        return SyncOperatedNode(self._ledger.node(name), self._thread)


@contextmanager
def connect_sync(
    addresses: str | Sequence[str] = (),
    *,
    profile: Profile | str | Path | None = None,
    identity: Identity | None = None,
    chain_id: str | bytes | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    discover: bool = True,
    insecure: bool = False,
    verify: bool = True,
) -> Iterator[SyncLedger]:
    """As `connect`, blocking, for use in a plain `with`."""
    connecting = connect(
        addresses,
        profile=profile,
        identity=identity,
        chain_id=chain_id,
        timeout_seconds=timeout_seconds,
        discover=discover,
        insecure=insecure,
        verify=verify,
    )
    thread = LoopThread()
    try:
        ledger = thread.run(connecting.__aenter__())
        try:
            yield SyncLedger(ledger, thread)
        finally:
            thread.run(connecting.__aexit__(None, None, None))
    finally:
        thread.close()
