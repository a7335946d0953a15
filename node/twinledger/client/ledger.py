"""The ledger as a client sees it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from typing import Final

from twinledger.client.access import Access
from twinledger.client.chain_records import Block, Head, NodeStatus
from twinledger.client.consortium_records import Consortium
from twinledger.client.evidence import ListedEvidence, read_evidence
from twinledger.client.governance import Governed
from twinledger.client.identities import Identities
from twinledger.client.identity import Identity
from twinledger.client.many import ManyItem, outcomes_of
from twinledger.client.nodes import Node
from twinledger.client.operating import OperatedNode
from twinledger.client.operations import Operation
from twinledger.client.pipeline import Pipeline
from twinledger.client.profile import Profile
from twinledger.client.proofs import Proof, Question, TrustedHead, verified
from twinledger.client.reads import Reads
from twinledger.client.receipts import Cursor, Receipt, TransactionStatus, Wait
from twinledger.client.session import Session, receipt_of
from twinledger.client.transactions import LIFETIME_SECONDS, SignedTransaction
from twinledger.client.truncation import naming_truncation
from twinledger.client.twin_records import TwinUpdate
from twinledger.client.twins import Twins
from twinledger.client.window import Outcome
from twinledger.consortium.proposals import Proposal
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1 import ledger_service_pb2, operator_service_pb2

WINDOW: Final = 1024
"""How many transactions `submit_many` keeps in flight unless told otherwise."""


class Ledger:
    """A connected client.

    Attributes:
        twins: Changing and reading twins.
        identities: Admitting, revoking and reading identities.
        access: Who may do what to a twin, and why.
    """

    def __init__(self, session: Session, reads: Reads) -> None:
        """Use `connect`, which also checks that the nodes serve the chain that is meant."""
        self._session = session
        self._reads = reads
        self.twins: Twins = Twins(session, reads)
        self.identities: Identities = Identities(session, reads)
        self.access: Access = Access(session, reads)

    @property
    def chain_id(self) -> bytes:
        """The chain, 32 bytes."""
        return self._session.chain_id

    @property
    def identity(self) -> Identity | None:
        """Who signs unless a call names others."""
        return self._session.identity

    @property
    def addresses(self) -> tuple[str, ...]:
        """The client addresses of the nodes that this client knows."""
        return self._session.nodes.addresses

    @property
    def profile(self) -> Profile | None:
        """The nodes that this client trusts now; None when it speaks plaintext to addresses."""
        return self._session.profile

    def sign(
        self,
        *operations: Operation,
        authors: Sequence[Identity] = (),
        lifetime_seconds: float = LIFETIME_SECONDS,
    ) -> SignedTransaction:
        """Signs a transaction without sending it, as `authors` or as this client's identity."""
        return self._session.sign(operations, authors, lifetime_seconds)

    async def submit(
        self,
        *operations: Operation,
        authors: Sequence[Identity] = (),
        certified: bool = False,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Signs operations that succeed or fail together, and waits until a block holds them.

        With `certified` it waits until a quorum of the members has signed a head above that block,
        and the receipt is proven. Without it the receipt is the node's word, until it is certified.

        Raises:
            Rejected: a block holds the transaction, without effect.
            OutcomeUnknown: the deadline passed; `send(error.transaction)` asks again.
            LedgerError: it was refused and no node has taken it.
        """
        return await self.send(
            self.sign(*operations, authors=authors),
            certified=certified,
            timeout_seconds=timeout_seconds,
        )

    async def send(
        self,
        transaction: SignedTransaction,
        *,
        certified: bool = False,
        timeout_seconds: float | None = None,
    ) -> Receipt:
        """Sends signed bytes, again if need be, and waits as `submit` does.

        Raises:
            LedgerError: as `submit` does.
        """
        wait = Wait.CERTIFIED if certified else Wait.COMMITTED
        status = await self._session.submit(transaction, wait, timeout_seconds)
        if certified:
            status = await self._reads.settled(status, timeout_seconds)
        return receipt_of(status)

    async def post(
        self, transaction: SignedTransaction, *, timeout_seconds: float | None = None
    ) -> TransactionStatus:
        """Sends signed bytes and returns as soon as a node has taken charge of them.

        Raises:
            LedgerError: as `submit` does, except for what only a block can tell.
        """
        return await self._session.submit(transaction, Wait.NONE, timeout_seconds)

    async def prove(
        self,
        question: Question,
        *,
        trusted: TrustedHead | None = None,
        timeout_seconds: float | None = None,
    ) -> Proof:
        """Asks for a proof and verifies it: that it holds, and that it proves what was asked.

        It begins at genesis, or at the head that is `trusted`.

        Raises:
            LedgerError: what the node refuses, as TWIN_NOT_FOUND, PRUNED, NOT_CERTIFIED; what
                `twinledger verify` would say of the file; PROOF_TRUNCATED when a recovery cut off
                the head that is `trusted`; PROOF_INVALID for an answer to another question.
        """
        message = question.to_message(trusted.size if trusted else 0)

        async def attempt(node: Node, seconds: float) -> Proof:
            async with naming_truncation(node, seconds, trusted.standing if trusted else None):
                raw = (await node.ledger.Prove(message, timeout=seconds)).bundle
                return await asyncio.to_thread(verified, raw, question, self.chain_id, trusted)

        return await self._session.read(attempt, timeout_seconds)

    async def submit_many(
        self,
        items: Iterable[ManyItem] | AsyncIterable[ManyItem],
        *,
        window: int = WINDOW,
        wait: Wait = Wait.COMMITTED,
        timeout_seconds: float | None = None,
    ) -> AsyncGenerator[Outcome, None]:
        """Sends many transactions fast; yields each one's outcome when known, in any order.

        At most `window` are in flight: `items` is asked for more only as outcomes are taken. A
        plain iterable is read in the event loop, so it must not block. With `Wait.NONE` an
        outcome only says that a node has taken charge. `timeout_seconds` holds for each.
        Transactions are independent: what must be ordered belongs into one transaction, or is
        given once the first outcome is there.

        Raises:
            LedgerError: nothing can be sent at all; what befalls one transaction is in its outcome.
        """
        pipeline = self.pipeline(window=window, wait=wait, timeout_seconds=timeout_seconds)
        async for outcome in outcomes_of(pipeline, self.signed, items):
            yield outcome

    def signed(self, item: ManyItem) -> SignedTransaction:
        """The signed transaction of an item of `submit_many`."""
        if isinstance(item, SignedTransaction):
            return item
        return self.sign(*([item] if isinstance(item, Operation) else item))

    def pipeline(
        self,
        *,
        window: int = WINDOW,
        wait: Wait = Wait.COMMITTED,
        timeout_seconds: float | None = None,
    ) -> Pipeline:
        """What `submit_many` works with, for callers that add and take in their own rhythm."""
        return Pipeline(
            self._session,
            self._reads.settled,
            window=window,
            wait=wait,
            timeout_seconds=timeout_seconds,
        )

    async def transaction(
        self, transaction_id: bytes, *, timeout_seconds: float | None = None
    ) -> TransactionStatus:
        """What a node knows of a transaction; a receipt is proven, once it is certified.

        That there is none, that it waits or has expired, is the node's word.

        Raises:
            LedgerError: BAD_REQUEST when the id is not 32 bytes.
        """
        return await self._reads.transaction(transaction_id, timeout_seconds)

    async def block(self, height: int, *, timeout_seconds: float | None = None) -> Block:
        """The block at a height; 0 is genesis.

        Raises:
            LedgerError: BLOCK_NOT_FOUND.
        """
        if height < 0:
            raise LedgerError(Code.BAD_REQUEST, "a height is not negative")
        return await self._reads.block(height, timeout_seconds)

    def blocks(
        self, from_height: int = 0, to_height: int | None = None
    ) -> AsyncGenerator[Block, None]:
        """Blocks in order, to `to_height` or without end; a lost connection is taken up again."""
        if from_height < 0 or (to_height is not None and to_height < 0):
            raise LedgerError(Code.BAD_REQUEST, "a height is not negative")
        return self._reads.blocks(from_height, to_height)

    async def head(self, *, timeout_seconds: float | None = None) -> Head:
        """The newest block that is certified; without verification, that a node has executed."""
        return await self._reads.head(timeout_seconds)

    async def linearize(self, *, timeout_seconds: float | None = None) -> int:
        """From now on reads see all that anybody was told before this call; returns the height.

        A majority of the nodes confirms the height, so it takes a leader. Without it reads see all
        that this client itself was told.
        """

        async def attempt(node: Node, seconds: float) -> int:
            request = ledger_service_pb2.GetReadHeightRequest()
            return (await node.ledger.GetReadHeight(request, timeout=seconds)).height

        height = await self._session.attempts(timeout_seconds).run(attempt)
        self._session.saw(height)
        return height

    def watch(
        self, *twin_ids: str, prefix: str = "", after: Cursor | None = None
    ) -> AsyncGenerator[TwinUpdate, None]:
        """Updates of these twins, or of ids that begin with `prefix`, or of all; without end.

        Begins after `after`, or with what comes after its first `anext`. A lost connection is taken
        up again at the same place: nothing is left out. `update.cursor` is where to resume in
        another run.
        """
        return self._reads.watch(twin_ids, prefix, after)

    async def consortium(self, *, timeout_seconds: float | None = None) -> Consortium:
        """The members and their nodes."""
        return await self._reads.consortium(timeout_seconds)

    async def governed(self, *, timeout_seconds: float | None = None) -> Governed:
        """What the members agreed on, from which changes are planned."""
        return await self._reads.governed(timeout_seconds)

    async def proposals(self, *, timeout_seconds: float | None = None) -> list[Proposal]:
        """The newest proposals, at most a thousand, the newest first."""
        return await self._reads.proposals(timeout_seconds)

    async def evidence(self, *, timeout_seconds: float | None = None) -> list[ListedEvidence]:
        """What convicts witnesses of signing two histories, checked; the node's and the ledger's.

        Raises:
            LedgerError: EVIDENCE_INVALID, when the node accuses a key without proof.
        """

        async def attempt(node: Node, seconds: float) -> list[ListedEvidence]:
            return await read_evidence(node, seconds, self.chain_id)

        return await self._session.read(attempt, timeout_seconds)

    async def status(self, *, timeout_seconds: float | None = None) -> NodeStatus:
        """How the node that this client talks to is."""

        async def attempt(node: Node, seconds: float) -> NodeStatus:
            request = operator_service_pb2.GetStatusRequest()
            return NodeStatus.from_message(await node.operator.GetStatus(request, timeout=seconds))

        return await self._session.attempts(timeout_seconds).run(attempt)

    def node(self, name: str) -> OperatedNode:
        """One node, by its id or client address: for the admins and operators of its member."""
        return OperatedNode(self._session, name)
