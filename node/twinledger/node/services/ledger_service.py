"""LedgerService: submitting, transaction status, blocks and the head."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from twinledger.ledger import names
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.transaction import TransactionId
from twinledger.node.feed import Feed
from twinledger.node.heads import Heads
from twinledger.node.proving import Proving
from twinledger.node.reads import ReadHeights
from twinledger.node.services.door import Caller
from twinledger.node.services.evidence_answers import evidence_response
from twinledger.node.services.outcomes import Outcomes
from twinledger.node.services.rendering import block_message, error_message, status_message
from twinledger.node.submission import Outcome, Standing, Submission
from twinledger.storage import ChainStore
from twinledger.twins.access import READ_ALL
from twinledger.v1 import block_pb2
from twinledger.v1 import ledger_service_pb2 as pb

MAX_BATCH: Final = 1000
TRANSACTION_ID_BYTES: Final = 32
MAX_STREAM_WAITING: Final = 8192
"""Transactions of one stream that wait for an outcome; then the stream is not read further."""

CERTIFYING_S: Final = 3.0
"""How long a proof waits for a height to be certified; then the caller is told how far it is."""

SETTLING_S: Final = 1.0
"""How long a proof waits for what is executed to be certified; without a quorum it never is."""


@dataclass(slots=True)
class LedgerService:
    """The implementation; every method serves the rpc of its name."""

    submission: Submission
    feed: Feed[Outcome]
    chain: ChainStore
    chain_id: bytes
    reads: ReadHeights
    heads: Heads
    proving: Proving

    async def submit(self, request: pb.SubmitRequest, _caller: Caller) -> pb.SubmitResponse:
        """Submit one transaction; the call itself counts as the request."""
        async with Outcomes(self.feed) as outcomes:
            await outcomes.submit(self.submission, [request.transaction], 0, request.wait_for)
            _, transaction_id, outcome = await outcomes.next()
        if isinstance(outcome, LedgerError):
            raise outcome
        return pb.SubmitResponse(status=self._status(transaction_id, outcome))

    async def submit_batch(
        self, request: pb.SubmitBatchRequest, caller: Caller
    ) -> pb.SubmitBatchResponse:
        """Submit many transactions, each on its own."""
        _check_batch(request.transactions)
        count = len(request.transactions)
        results: list[pb.SubmitResult] = [pb.SubmitResult()] * count
        async with Outcomes(self.feed) as outcomes:
            await self._submit(outcomes, request, 0, caller)
            for _ in range(count):
                sequence, transaction_id, outcome = await outcomes.next()
                results[sequence] = self._result(sequence, transaction_id, outcome)
        return pb.SubmitBatchResponse(results=results)

    async def submit_stream(
        self, requests: AsyncIterator[pb.SubmitStreamRequest], caller: Caller
    ) -> AsyncIterator[pb.SubmitStreamResponse]:
        """Submit without end; results leave as they are known."""
        async with Outcomes(self.feed) as outcomes:
            reader = asyncio.create_task(self._read_stream(requests, outcomes, caller))
            reader.add_done_callback(outcomes.wake)
            try:
                while (results := await outcomes.batch(reader)) is not None:
                    yield pb.SubmitStreamResponse(results=[self._result(*r) for r in results])
                await reader
            finally:
                reader.cancel()

    async def _read_stream(
        self, requests: AsyncIterator[pb.SubmitStreamRequest], outcomes: Outcomes, caller: Caller
    ) -> None:
        sequence = 0
        async for request in requests:
            _check_batch(request.transactions)
            await outcomes.room(MAX_STREAM_WAITING)
            await self._submit(outcomes, request, sequence, caller)
            sequence += len(request.transactions)

    async def _submit(
        self,
        outcomes: Outcomes,
        request: pb.SubmitBatchRequest | pb.SubmitStreamRequest,
        first: int,
        caller: Caller,
    ) -> None:
        """Submit as many as the caller may now; the rest is refused, each with its delay."""
        passed = caller.take(len(request.transactions))
        taken, refused = request.transactions[:passed], request.transactions[passed:]
        await outcomes.submit(self.submission, taken, first, request.wait_for)
        if refused:
            outcomes.refuse(first + passed, len(refused), caller.refusal())

    async def get_transaction(
        self, request: pb.GetTransactionRequest, caller: Caller
    ) -> pb.GetTransactionResponse:
        """Tell what is known of a transaction that somebody of the caller's member has signed."""
        if len(request.transaction_id) != TRANSACTION_ID_BYTES:
            raise LedgerError(Code.BAD_REQUEST, "a transaction id has 32 bytes")
        transaction_id = TransactionId(request.transaction_id)
        standing = self.submission.standing(transaction_id)
        if caller.record.role not in READ_ALL and not self._signed(transaction_id, caller):
            standing = None  # its receipt names twins that the caller may not be allowed to see
        return pb.GetTransactionResponse(status=self._status(transaction_id, standing))

    async def get_block(self, request: pb.GetBlockRequest) -> pb.GetBlockResponse:
        """Return one block."""
        return pb.GetBlockResponse(block=self._block(request.height))

    async def stream_blocks(
        self, request: pb.StreamBlocksRequest
    ) -> AsyncIterator[pb.StreamBlocksResponse]:
        """Return blocks in order; without an end, follow the chain."""
        height = request.from_height
        last = request.to_height if request.HasField("to_height") else None
        while last is None or height <= last:
            await self.feed.reached(height)
            yield pb.StreamBlocksResponse(block=self._block(height))
            height += 1

    async def get_head(self, request: pb.GetHeadRequest) -> pb.GetHeadResponse:
        """Return the newest executed block's header."""
        await self.feed.reached(request.min_height)
        header, certificate = self.chain.header(self.feed.height), self.heads.certificate
        return pb.GetHeadResponse(
            chain_id=self.chain_id,
            header=header.encode(),
            header_hash=header.hash(),
            height=header.height,
            certificate=certificate.raw if certificate else b"",
            certified_height=certificate.checkpoint.height if certificate else 0,
        )

    async def list_evidence(self, _: pb.ListEvidenceRequest) -> pb.ListEvidenceResponse:
        """Return what convicts witnesses of signing two histories."""
        found = tuple(self.heads.keeper.suspicions.evidence.values())
        with self.chain.snapshot() as state:
            return evidence_response(found, state)

    async def prove(self, request: pb.ProveRequest, caller: Caller) -> pb.ProveResponse:
        """Return what proves a claim."""
        if request.min_height:
            await self._certified(request.min_height)
        if request.settled:
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLING_S):
                    await self.feed.certified(self.feed.height)
        # In a thread: a passport reads as many blocks as the twin has updates.
        return await asyncio.to_thread(self.proving.prove, request, caller)

    async def _certified(self, height: int) -> None:
        try:
            async with asyncio.timeout(CERTIFYING_S):
                await self.feed.certified(height)
        except TimeoutError:
            newest = self.feed.certified_height
            detail = f"height {height} is not certified yet, the newest that is is {newest}"
            raise LedgerError(Code.HEIGHT_NOT_REACHED, detail) from None

    async def get_read_height(self, _: pb.GetReadHeightRequest) -> pb.GetReadHeightResponse:
        """Return the height from which a read sees everything acknowledged before."""
        return pb.GetReadHeightResponse(height=await self.reads.height())

    def _signed(self, transaction_id: TransactionId, caller: Caller) -> bool:
        authors = self.submission.authors(transaction_id)
        return any(names.member_of(author) == caller.record.member for author in authors)

    def _block(self, height: int) -> block_pb2.Block:
        if height > self.feed.height:
            raise LedgerError(Code.BLOCK_NOT_FOUND, f"the newest height is {self.feed.height}")
        return block_message(self.chain.block(height))

    def _result(
        self, sequence: int, transaction_id: TransactionId, outcome: Standing | LedgerError
    ) -> pb.SubmitResult:
        """The outcome of one of several submissions."""
        if isinstance(outcome, LedgerError):
            return pb.SubmitResult(sequence=sequence, error=error_message(outcome))
        return pb.SubmitResult(sequence=sequence, status=self._status(transaction_id, outcome))

    def _status(
        self, transaction_id: TransactionId, standing: Standing | None
    ) -> pb.TransactionStatus:
        return status_message(transaction_id, standing, self.feed.certified_height)


def _check_batch(transactions: Sequence[bytes]) -> None:
    if len(transactions) > MAX_BATCH:
        raise LedgerError(Code.BAD_REQUEST, f"at most {MAX_BATCH} transactions in a message")
