"""Reads that take a node at its word: for whoever runs that node.

The same calls as in ``verified_reads``, which is what a client uses unless it says otherwise.
"""

from collections.abc import AsyncGenerator, Sequence

from twinledger.client import building, following
from twinledger.client.access_records import Explanation, TwinPolicy
from twinledger.client.chain_records import Block, Head
from twinledger.client.consortium_records import Consortium, IdentityRecord, read_consortium
from twinledger.client.governance import Governed, read_governed, read_proposals
from twinledger.client.nodes import Node
from twinledger.client.receipts import Cursor, TransactionStatus
from twinledger.client.session import Session
from twinledger.client.twin_records import Trace, Twin, TwinUpdate
from twinledger.consortium.proposals import Proposal
from twinledger.v1 import consortium_service_pb2, ledger_service_pb2, twin_service_pb2


class PlainReads:
    """What nodes answer."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def twin(self, twin_id: str, timeout_seconds: float | None) -> Twin:
        """A twin."""

        async def attempt(node: Node, seconds: float) -> twin_service_pb2.GetTwinResponse:
            request = building.request(
                twin_service_pb2.GetTwinRequest,
                twin_id=twin_id,
                min_height=self._session.seen_height,
            )
            return await node.twins.GetTwin(request, timeout=seconds)

        response = await self._session.attempts(timeout_seconds).run(attempt)
        return Twin.from_message(response.twin, response.height)

    async def twins(self, request: twin_service_pb2.ListTwinsRequest) -> AsyncGenerator[Twin, None]:
        """Twins without properties and relationships, page after page."""
        while True:
            response = await list_twins(self._session, request)
            for message in response.twins:
                yield Twin.from_message(message, response.height)
            if not response.next_after_id:
                return
            request.after_id = response.next_after_id

    async def history(
        self, request: twin_service_pb2.GetHistoryRequest
    ) -> AsyncGenerator[TwinUpdate, None]:
        """A twin's updates, page after page."""
        while True:
            response = await get_history(self._session, request)
            for message in response.updates:
                yield TwinUpdate.from_message(message)
            if not response.updates:
                return
            request.after_version = response.updates[-1].version
            if request.after_version >= response.current_version:
                return

    async def trace(
        self, request: twin_service_pb2.TraceRequest, timeout_seconds: float | None
    ) -> Trace:
        """What lies up or down the relationships."""

        async def attempt(node: Node, seconds: float) -> twin_service_pb2.TraceResponse:
            return await node.twins.Trace(request, timeout=seconds)

        return Trace.from_message(await self._session.read(attempt, timeout_seconds))

    def watch(
        self, twin_ids: Sequence[str], prefix: str, after: Cursor | None
    ) -> AsyncGenerator[TwinUpdate, None]:
        """Updates as they happen."""
        return following.watch(self._session, twin_ids, prefix, after)

    async def transaction(
        self, transaction_id: bytes, timeout_seconds: float | None
    ) -> TransactionStatus:
        """What is known of a transaction."""
        request = building.request(
            ledger_service_pb2.GetTransactionRequest, transaction_id=transaction_id
        )

        async def attempt(node: Node, seconds: float) -> TransactionStatus:
            response = await node.ledger.GetTransaction(request, timeout=seconds)
            status = TransactionStatus.from_message(response.status)
            self._session.note(status.receipt, node)
            return status

        return await self._session.read(attempt, timeout_seconds)

    async def settled(
        self, status: TransactionStatus, timeout_seconds: float | None
    ) -> TransactionStatus:
        """What a node has told of a transaction that it says is certified."""
        del timeout_seconds
        return status

    async def block(self, height: int, timeout_seconds: float | None) -> Block:
        """A block."""
        request = building.request(ledger_service_pb2.GetBlockRequest, height=height)

        async def attempt(node: Node, seconds: float) -> ledger_service_pb2.GetBlockResponse:
            return await node.ledger.GetBlock(request, timeout=seconds)

        response = await self._session.read(attempt, timeout_seconds)
        return Block.from_message(response.block)

    async def blocks(self, from_height: int, to_height: int | None) -> AsyncGenerator[Block, None]:
        """Blocks in order."""
        async for message in following.blocks(self._session, from_height, to_height):
            yield Block.from_message(message)

    async def head(self, timeout_seconds: float | None) -> Head:
        """The newest block."""

        async def attempt(node: Node, seconds: float) -> Head:
            request = ledger_service_pb2.GetHeadRequest()
            return Head.from_message(await node.ledger.GetHead(request, timeout=seconds))

        return await self._session.read(attempt, timeout_seconds)

    async def policy(self, twin_id: str, timeout_seconds: float | None) -> TwinPolicy:
        """A twin's policy."""
        request = building.request(twin_service_pb2.GetAccessRequest, twin_id=twin_id)

        async def attempt(node: Node, seconds: float) -> TwinPolicy:
            return TwinPolicy.from_message(await node.twins.GetAccess(request, timeout=seconds))

        return await self._session.read(attempt, timeout_seconds)

    async def explanation(
        self, twin_id: str, path: str, identity: str, timeout_seconds: float | None
    ) -> Explanation:
        """Which rule decides what an identity may do."""
        request = building.request(
            twin_service_pb2.ExplainAccessRequest, twin_id=twin_id, path=path, identity=identity
        )

        async def attempt(node: Node, seconds: float) -> Explanation:
            answer = await node.twins.ExplainAccess(request, timeout=seconds)
            return Explanation.from_message(answer)

        return await self._session.read(attempt, timeout_seconds)

    async def consortium(self, timeout_seconds: float | None) -> Consortium:
        """The members and their nodes."""
        return await self._session.read(read_consortium, timeout_seconds)

    async def governed(self, timeout_seconds: float | None) -> Governed:
        """What the members agreed on."""
        return await self._session.read(read_governed, timeout_seconds)

    async def proposals(self, timeout_seconds: float | None) -> list[Proposal]:
        """The newest proposals."""
        return await self._session.read(read_proposals, timeout_seconds)

    async def identities(
        self, request: consortium_service_pb2.ListIdentitiesRequest
    ) -> AsyncGenerator[IdentityRecord, None]:
        """Identities, page after page."""
        while True:
            response = await list_identities(self._session, request)
            for each in response.identities:
                yield IdentityRecord.from_message(each)
            if not response.next_after_identity:
                return
            request.after_identity = response.next_after_identity


async def list_twins(
    session: Session, request: twin_service_pb2.ListTwinsRequest
) -> twin_service_pb2.ListTwinsResponse:
    """A page of twins, as a node tells it."""

    async def attempt(node: Node, seconds: float) -> twin_service_pb2.ListTwinsResponse:
        return await node.twins.ListTwins(request, timeout=seconds)

    return await session.read(attempt)


async def get_history(
    session: Session, request: twin_service_pb2.GetHistoryRequest
) -> twin_service_pb2.GetHistoryResponse:
    """A page of a twin's updates, as a node tells it."""

    async def attempt(node: Node, seconds: float) -> twin_service_pb2.GetHistoryResponse:
        return await node.twins.GetHistory(request, timeout=seconds)

    return await session.read(attempt)


async def list_identities(
    session: Session, request: consortium_service_pb2.ListIdentitiesRequest
) -> consortium_service_pb2.ListIdentitiesResponse:
    """A page of identities, as a node tells it."""

    async def attempt(node: Node, seconds: float) -> consortium_service_pb2.ListIdentitiesResponse:
        return await node.consortium.ListIdentities(request, timeout=seconds)

    return await session.read(attempt)
