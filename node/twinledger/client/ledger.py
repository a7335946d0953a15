"""The ledger as a client sees it, and how to connect to it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, TypeAlias

from twinledger.client import building, following
from twinledger.client.access import Access
from twinledger.client.chain_records import Block, Head, NodeStatus
from twinledger.client.evidence import ListedEvidence, read_evidence
from twinledger.client.governance import Governed, read_governed, read_proposals
from twinledger.client.identities import Consortium, Identities, read_consortium
from twinledger.client.identity import Identity
from twinledger.client.nodes import Endpoint, Node, Nodes, endpoints_of
from twinledger.client.operating import OperatedNode
from twinledger.client.operations import Operation
from twinledger.client.pipeline import Pipeline
from twinledger.client.profile import Profile
from twinledger.client.proofs import Proof, Question, TrustedHead, verified
from twinledger.client.read_tokens import ReadTokens
from twinledger.client.receipts import Cursor, Receipt, TransactionStatus, Wait
from twinledger.client.session import TIMEOUT_SECONDS, Session, receipt_of
from twinledger.client.transactions import LIFETIME_SECONDS, SignedTransaction
from twinledger.client.twin_records import TwinUpdate
from twinledger.client.twins import Twins
from twinledger.client.window import Outcome
from twinledger.consortium.proposals import Proposal
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1 import ledger_service_pb2, operator_service_pb2

ManyItem: TypeAlias = Operation | Sequence[Operation] | SignedTransaction
"""One transaction of many: its operations, or what `sign` returned."""

WINDOW: Final = 1024
"""How many transactions `submit_many` keeps in flight unless told otherwise."""

_SIGNED_AT_ONCE: Final = 32
"""Transactions signed in one turn of the event loop, about two milliseconds."""


class Ledger:
    """A connected client.

    Attributes:
        twins: Changing and reading twins.
        identities: Admitting, revoking and reading identities.
        access: Who may do what to a twin, and why.
    """

    def __init__(self, session: Session) -> None:
        """Use `connect`, which also checks that the nodes serve the chain that is meant."""
        self._session = session
        self.twins: Twins = Twins(session)
        self.identities: Identities = Identities(session)
        self.access: Access = Access(session)

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

        With `certified` it waits until a quorum of the members has signed a head above that block.

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
        return receipt_of(await self._session.submit(transaction, wait, timeout_seconds))

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
                `twinledger verify` would say of the file; PROOF_INVALID for an answer to another
                question.
        """
        message = question.to_message(trusted.size if trusted else 0)

        async def attempt(node: Node, seconds: float) -> bytes:
            return (await node.ledger.Prove(message, timeout=seconds)).bundle

        raw = await self._session.read(attempt, timeout_seconds)
        return await asyncio.to_thread(verified, raw, question, self.chain_id, trusted)

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
        async with Pipeline(
            self._session, window=window, wait=wait, timeout_seconds=timeout_seconds
        ) as pipeline:
            feeding = asyncio.create_task(self._feed(pipeline, items))
            feeding.add_done_callback(lambda _: pipeline.end())
            try:
                while outcomes := await pipeline.take():
                    for outcome in outcomes:
                        yield outcome
                await feeding
            finally:
                feeding.cancel()
                # What broke it has been raised above, or the caller has gone away.
                await asyncio.gather(feeding, return_exceptions=True)

    async def _feed(
        self, pipeline: Pipeline, items: Iterable[ManyItem] | AsyncIterable[ManyItem]
    ) -> None:
        if isinstance(items, AsyncIterable):
            async for item in items:
                await pipeline.wait_room()
                pipeline.add([self.signed(item)])
            return
        for count, item in enumerate(items, 1):
            await pipeline.wait_room()
            pipeline.add([self.signed(item)])
            if count % _SIGNED_AT_ONCE == 0:
                await asyncio.sleep(0)

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
        return Pipeline(self._session, window=window, wait=wait, timeout_seconds=timeout_seconds)

    async def transaction(
        self, transaction_id: bytes, *, timeout_seconds: float | None = None
    ) -> TransactionStatus:
        """What a node knows of a transaction.

        Raises:
            LedgerError: BAD_REQUEST when the id is not 32 bytes.
        """
        request = building.request(
            ledger_service_pb2.GetTransactionRequest, transaction_id=transaction_id
        )

        async def attempt(node: Node, seconds: float) -> TransactionStatus:
            response = await node.ledger.GetTransaction(request, timeout=seconds)
            status = TransactionStatus.from_message(response.status)
            self._session.note(status.receipt, node)
            return status

        return await self._session.read(attempt, timeout_seconds)

    async def block(self, height: int, *, timeout_seconds: float | None = None) -> Block:
        """The block at a height; 0 is genesis.

        Raises:
            LedgerError: BLOCK_NOT_FOUND.
        """
        if height < 0:
            raise LedgerError(Code.BAD_REQUEST, "a height is not negative")
        request = building.request(ledger_service_pb2.GetBlockRequest, height=height)

        async def attempt(node: Node, seconds: float) -> ledger_service_pb2.GetBlockResponse:
            return await node.ledger.GetBlock(request, timeout=seconds)

        response = await self._session.read(attempt, timeout_seconds)
        return Block.from_message(response.block)

    def blocks(
        self, from_height: int = 0, to_height: int | None = None
    ) -> AsyncGenerator[Block, None]:
        """Blocks in order, to `to_height` or without end; a lost connection is taken up again."""
        if from_height < 0 or (to_height is not None and to_height < 0):
            raise LedgerError(Code.BAD_REQUEST, "a height is not negative")
        return following.blocks(self._session, from_height, to_height)

    async def head(self, *, timeout_seconds: float | None = None) -> Head:
        """The newest block that a node has executed."""

        async def attempt(node: Node, seconds: float) -> Head:
            request = ledger_service_pb2.GetHeadRequest()
            return Head.from_message(await node.ledger.GetHead(request, timeout=seconds))

        return await self._session.read(attempt, timeout_seconds)

    async def linearize(self, *, timeout_seconds: float | None = None) -> int:
        """From now on reads see all that anybody was told before this call; returns the height.

        A majority of the nodes confirms the height, so it takes a leader. Without it reads see all
        that this client itself was told.
        """

        async def attempt(node: Node, seconds: float) -> int:
            request = ledger_service_pb2.GetReadHeightRequest()
            return (await node.ledger.GetReadHeight(request, timeout=seconds)).height

        height = await self._session.attempts(timeout_seconds).run(attempt)
        self._session.seen_height = max(self._session.seen_height, height)
        return height

    def watch(
        self, *twin_ids: str, prefix: str = "", after: Cursor | None = None
    ) -> AsyncGenerator[TwinUpdate, None]:
        """Updates of these twins, or of ids that begin with `prefix`, or of all; without end.

        Begins after `after`, or with what comes after its first `anext`. A lost connection is taken
        up again at the same place: nothing is left out. `update.cursor` is where to resume in
        another run.
        """
        return following.watch(self._session, twin_ids, prefix, after)

    async def consortium(self, *, timeout_seconds: float | None = None) -> Consortium:
        """The members and their nodes."""
        return await self._session.read(read_consortium, timeout_seconds)

    async def governed(self, *, timeout_seconds: float | None = None) -> Governed:
        """What the members agreed on, from which changes are planned."""
        return await self._session.read(read_governed, timeout_seconds)

    async def proposals(self, *, timeout_seconds: float | None = None) -> list[Proposal]:
        """The newest proposals, at most a thousand, the newest first."""
        return await self._session.read(read_proposals, timeout_seconds)

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


def connect(
    addresses: str | Sequence[str] = (),
    *,
    profile: Profile | str | Path | None = None,
    identity: Identity | None = None,
    chain_id: str | bytes | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    discover: bool = True,
    insecure: bool = False,
) -> AbstractAsyncContextManager[Ledger]:
    """Opens a client of a ledger, for use in `async with`.

    Args:
        addresses: Client addresses (host:port) of one or more nodes, in the order they are tried;
            left out, all nodes of the profile.
        profile: The chain and the nodes that are trusted, with their certificates; or its file.
        identity: Who calls and signs. Without one, nodes answer no call.
        chain_id: The chain that is meant, 32 bytes or 64 hex digits; left out, the profile's.
        timeout_seconds: How long each call tries, unless it says otherwise.
        discover: Also use the other nodes that the profile and the ledger name, when these fail.
        insecure: Without a profile: speak plaintext, to whoever answers at the addresses. Without
            `chain_id` the first node is believed. For a devnet that was made so.

    Raises:
        LedgerError: BAD_REQUEST for arguments that do not go together; CONFIG_INVALID for the
            profile's file; WRONG_CHAIN when the node serves another chain; CONNECTION_LOST when no
            node answers in time; TLS_REQUIRED, TLS_MISSING or CERTIFICATE_MISMATCH when another
            server answers, or not as it should.
    """
    addresses = [addresses] if isinstance(addresses, str) else addresses
    tokens = ReadTokens(identity)
    if profile is None:
        nodes = _plain(addresses, tokens, insecure)
        session = Session(nodes, identity, _chain_id(chain_id), timeout_seconds)
        return _connected(session, tokens, discover)
    if not isinstance(profile, Profile):
        profile = Profile.load(profile)
    if insecure:
        raise LedgerError(Code.BAD_REQUEST, "the profile says whether plaintext is spoken")
    meant = _chain_id(chain_id) or profile.chain_id
    if meant != profile.chain_id:
        raise LedgerError(Code.WRONG_CHAIN, f"the profile is of {profile.chain_id.hex()}")
    nodes = _pinned(addresses, profile, tokens, discover)
    session = Session(nodes, identity, meant, timeout_seconds, profile=profile)
    return _connected(session, tokens, discover)


def _plain(addresses: Sequence[str], tokens: ReadTokens, insecure: bool) -> Nodes:
    if not insecure:
        said = "name a profile with the nodes' certificates, or say insecure=True"
        raise LedgerError(Code.BAD_REQUEST, said)
    return Nodes((Endpoint(address) for address in addresses), tokens)


def _pinned(
    addresses: Sequence[str], profile: Profile, tokens: ReadTokens, discover: bool
) -> Nodes:
    known = endpoints_of(profile)
    named = [each for address in addresses for each in known if each.address == address]
    for address in addresses:
        if address not in {each.address for each in known}:
            raise LedgerError(Code.BAD_REQUEST, f"the profile has no node at {address}")
    if not named:
        return Nodes(known, tokens)
    return Nodes([*named, *known] if discover else named, tokens)


def _chain_id(chain_id: str | bytes | None) -> bytes:
    if not isinstance(chain_id, str):
        return chain_id or b""
    try:
        return bytes.fromhex(chain_id)
    except ValueError as error:
        raise LedgerError(Code.BAD_REQUEST, f"chain_id is 64 hex digits: {error}") from error


@asynccontextmanager
async def _connected(session: Session, tokens: ReadTokens, discover: bool) -> AsyncIterator[Ledger]:
    try:
        consortium = await session.attempts(None).run(read_consortium)
        if session.chain_id not in (b"", consortium.chain_id):
            said = f"{session.nodes.current.address} serves {consortium.chain_id.hex()}"
            raise LedgerError(Code.WRONG_CHAIN, said)
        session.chain_id = consortium.chain_id
        tokens.learn_chain(consortium.chain_id)
        if discover:
            _learn(session, consortium)
        yield Ledger(session)
    finally:
        await session.nodes.close()


def _learn(session: Session, consortium: Consortium) -> None:
    """Takes in the nodes that the ledger names, as the node that we talk to tells it."""
    if session.profile is None:
        session.nodes.learn(Endpoint(address) for address in consortium.client_addresses)
        return
    session.profile = session.profile.with_nodes(consortium.trusted_nodes, consortium.height)
    session.nodes.learn(endpoints_of(session.profile))
