"""What the parts of one client share: its nodes, its chain, who signs, and what it has seen."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from twinledger.client.attempts import Attempts, Deadline
from twinledger.client.failures import MISTAKEN, RETRYABLE, OutcomeUnknown, Rejected
from twinledger.client.identity import Identity
from twinledger.client.nodes import Node, Nodes
from twinledger.client.operations import Operation
from twinledger.client.profile import Profile
from twinledger.client.receipts import Receipt, Stage, TransactionStatus, Wait
from twinledger.client.transactions import LIFETIME_SECONDS, SignedTransaction, sign_transaction
from twinledger.ledger.errors import Code, LedgerError
from twinledger.v1 import ledger_service_pb2

Answer = TypeVar("Answer")

TIMEOUT_SECONDS: Final = 30.0
"""How long a call tries unless the caller says otherwise."""

_CATCH_UP_POLL_SECONDS: Final = 0.02
_CATCH_UP_SECONDS: Final = 2.0
"""A node gets this long to execute what this client has seen elsewhere; then another is asked."""


@dataclass(slots=True)
class Session:
    """One client's connection to a ledger.

    Attributes:
        nodes: The nodes it knows.
        identity: Who signs unless a call names others; None for a client that only reads.
        chain_id: The chain, 32 bytes.
        timeout_seconds: How long a call tries, unless it says otherwise.
        seen_height: The highest block that this client was told of by a receipt or a history: reads
            never go behind it, whichever node answers.
        profile: The nodes it trusts; None when it speaks plaintext to addresses.
    """

    nodes: Nodes
    identity: Identity | None
    chain_id: bytes = b""
    timeout_seconds: float = TIMEOUT_SECONDS
    seen_height: int = 0
    profile: Profile | None = None

    def attempts(self, timeout_seconds: float | None) -> Attempts:
        """The tries of one request, within `timeout_seconds`."""
        return Attempts(
            self.nodes,
            Deadline(self.timeout_seconds if timeout_seconds is None else timeout_seconds),
        )

    def sign(
        self,
        operations: Sequence[Operation],
        authors: Sequence[Identity] = (),
        lifetime: float = LIFETIME_SECONDS,
    ) -> SignedTransaction:
        """Signs a transaction as `authors`, or as this client's identity when none is named."""
        if not authors and self.identity:
            authors = (self.identity,)
        return sign_transaction(self.chain_id, authors, operations, lifetime)

    async def read(
        self, call: Callable[[Node, float], Awaitable[Answer]], timeout_seconds: float | None = None
    ) -> Answer:
        """Reads from a node that has executed everything this client has seen."""

        async def attempt(node: Node, seconds: float) -> Answer:
            await self._catch_up(node, min(seconds, _CATCH_UP_SECONDS))
            return await call(node, seconds)

        return await self.attempts(timeout_seconds).run(attempt)

    async def _catch_up(self, node: Node, seconds: float) -> None:
        deadline = Deadline(seconds)
        while self.nodes.reached(node) < self.seen_height:
            request = ledger_service_pb2.GetHeadRequest()
            head = await node.ledger.GetHead(request, timeout=deadline.remaining)
            self.nodes.note_reached(node, head.height)
            if head.height < self.seen_height:
                if deadline.remaining <= _CATCH_UP_POLL_SECONDS:
                    said = f"{node.address} is at {head.height}, not yet at {self.seen_height}"
                    raise LedgerError(Code.HEIGHT_NOT_REACHED, said)
                await asyncio.sleep(_CATCH_UP_POLL_SECONDS)

    async def submit(
        self,
        transaction: SignedTransaction,
        wait: Wait = Wait.COMMITTED,
        timeout_seconds: float | None = None,
    ) -> TransactionStatus:
        """Sends the same signed bytes to node after node until one tells where they stand.

        Raises:
            OutcomeUnknown: the deadline passed and some node may have taken the transaction.
            LedgerError: it was refused; nothing took it.
        """
        request = ledger_service_pb2.SubmitRequest(
            transaction=transaction.raw, wait_for=wait.to_message()
        )

        async def attempt(node: Node, seconds: float) -> TransactionStatus:
            response = await node.ledger.Submit(request, timeout=seconds)
            status = status_of(transaction, response.status)
            self.note(status.receipt, node)
            return status

        attempts = self.attempts(timeout_seconds)
        try:
            return await attempts.run(attempt)
        except LedgerError as failure:
            # A node refuses an expired transaction by its clock: another may hold it in a block.
            open_ended = failure.code in RETRYABLE | MISTAKEN | {Code.EXPIRED}
            if attempts.uncertain and open_ended:
                raise OutcomeUnknown(transaction, failure.message) from failure
            raise

    def note(self, receipt: Receipt | None, node: Node) -> None:
        """Remembers that `node` has executed the block of a receipt, and that we know of it."""
        if receipt is not None:
            self.saw(receipt.height)
            self.nodes.note_reached(node, receipt.height)

    def saw(self, height: int) -> None:
        """Reads never go behind this height from now on."""
        self.seen_height = max(self.seen_height, height)


def status_of(
    transaction: SignedTransaction, message: ledger_service_pb2.TransactionStatus
) -> TransactionStatus:
    """What a node answers about a transaction that was sent to it.

    Raises:
        LedgerError: ANSWER_UNPROVEN when it speaks of another one.
    """
    status = TransactionStatus.from_message(message)
    told = status.receipt.transaction_id if status.receipt else transaction.id
    if not status.transaction_id == told == transaction.id:
        raise LedgerError(Code.ANSWER_UNPROVEN, "the node speaks of another transaction")
    return status


def receipt_of(status: TransactionStatus) -> Receipt:
    """The receipt of a transaction that had its effect.

    Raises:
        Rejected: a block holds it, without effect.
        LedgerError: EXPIRED.
    """
    receipt = status.receipt
    if status.stage in (Stage.COMMITTED, Stage.CERTIFIED) and receipt is not None:
        return receipt
    if status.stage is Stage.REJECTED and receipt is not None:
        raise _rejected(receipt)
    known = f"transaction {status.transaction_id.hex()}"
    if status.stage is Stage.EXPIRED:
        raise LedgerError(Code.EXPIRED, known)
    raise LedgerError(Code.INTERNAL, f"a node waited for {known} and answered {status.stage}")


def _rejected(receipt: Receipt) -> Rejected:
    where = f"block {receipt.height}, transaction {receipt.index}"
    if receipt.failed_operation is not None:
        where += f", operation {receipt.failed_operation}"
    if receipt.outcome not in Code.__members__:
        return Rejected(Code.INTERNAL, f"unknown code {receipt.outcome} in {where}", receipt)
    return Rejected(Code(receipt.outcome), where, receipt)
