"""Reads whose answers are proven: the client's default.

Every answer is as of a certified head that contains what this client itself was told. Each thing
that is returned was proven. That nothing was left out is proven of a twin, a block, the consortium
and the proposals; of lists, traces and watches it is not: a node can leave twins, identities or
updates out, but not make any up. Which twins are in a list or a trace is asked first, as a hint;
what they are is proven then.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from itertools import pairwise

from twinledger.client import proofs, proven_trace, verified_access, verified_streams
from twinledger.client.access_records import Explanation, TwinPolicy
from twinledger.client.chain_records import Block, Head
from twinledger.client.consortium_records import Consortium, IdentityRecord
from twinledger.client.governance import PROPOSALS_MAX, Governed
from twinledger.client.light import Answered, Light
from twinledger.client.plain_reads import PlainReads, list_identities, list_twins
from twinledger.client.proofs import Question
from twinledger.client.proven_records import (
    block_of,
    consortium_of,
    receipt_of_claim,
    twin_of,
    twins_of,
)
from twinledger.client.receipts import Cursor, Stage, TransactionStatus
from twinledger.client.session import Session
from twinledger.client.twin_records import Trace, Twin, TwinUpdate
from twinledger.consortium import identities, members
from twinledger.consortium.proposals import (
    COUNT_KEY,
    Proposal,
    proposal_count,
    proposal_key,
)
from twinledger.consortium.protocol import GENESIS_PROTOCOL, PROTOCOL_KEY, Protocol
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader, header_hash
from twinledger.ledger.names import IdentityName
from twinledger.v1 import consortium_service_pb2, twin_service_pb2

_AT_ONCE = 500
"""Keys asked for in one question; a node takes twice as many."""


class VerifiedReads:
    """What nodes prove."""

    def __init__(self, session: Session, light: Light) -> None:
        self._session = session
        self._light = light
        self._plain = PlainReads(session)

    async def ask(
        self,
        question: Question,
        timeout_seconds: float | None = None,
        *,
        min_height: int = 0,
        now: bool = True,
    ) -> Answered:
        """A claim under a head that certifies what this client was told; see `Light.ask`."""
        least = max(min_height, self._session.seen_height)
        return await self._light.ask(
            question, min_height=least, now=now, timeout_seconds=timeout_seconds
        )

    async def twin(self, twin_id: str, timeout_seconds: float | None) -> Twin:
        """A twin, or what this identity may read of it.

        Raises:
            LedgerError: TWIN_NOT_FOUND, proven to whoever may read everything.
        """
        try:
            found = await self.ask(proofs.readable_twin(twin_id), timeout_seconds)
        except LedgerError as error:
            if error.code is Code.TWIN_NOT_FOUND:
                await self._prove_absent(twin_id, timeout_seconds)
            raise
        return twin_of(found.claim, found.height)

    async def _prove_absent(self, twin_id: str, timeout_seconds: float | None) -> None:
        """Has it proven that there is no such twin, as far as that may be told."""
        try:
            await self.ask(proofs.absent(twin_id), timeout_seconds)
        except LedgerError as error:
            if error.code is not Code.ACCESS_DENIED:
                raise

    async def twins(self, request: twin_service_pb2.ListTwinsRequest) -> AsyncGenerator[Twin, None]:
        """Twins without properties and relationships; each is proven, that they are all is not."""
        while True:
            page = await list_twins(self._session, request)
            ids = [each.twin_id for each in page.twins]
            _check_ascending(request.after_id, ids, page.next_after_id)
            if ids:
                question = proofs.parts(dict.fromkeys(ids, ()))
                found = await self.ask(question, min_height=page.height)
                for twin in twins_of(found.claim, found.height).values():
                    if _matches(twin, request):
                        yield twin
            if not page.next_after_id:
                return
            request.after_id = page.next_after_id

    def history(
        self, request: twin_service_pb2.GetHistoryRequest
    ) -> AsyncGenerator[TwinUpdate, None]:
        """A twin's updates, up to the version that is proven when it is asked."""
        return verified_streams.history(self._session, self, request)

    async def version(self, twin_id: str) -> tuple[int, int]:
        """The version of a twin, and the height it was proven at.

        Raises:
            LedgerError: TWIN_NOT_FOUND.
        """
        found = await self.ask(proofs.parts({twin_id: ()}))
        twins = twins_of(found.claim, found.height)
        if twin_id not in twins:
            await self._prove_absent(twin_id, None)
            raise LedgerError(Code.TWIN_NOT_FOUND, twin_id)
        return twins[twin_id].version, found.height

    async def trace(
        self, request: twin_service_pb2.TraceRequest, timeout_seconds: float | None
    ) -> Trace:
        """What lies up or down the relationships; each is proven, that they are all is not."""
        hint = await self._plain.trace(request, timeout_seconds)
        twins: dict[str, Twin] = {}
        keys = [(twin_id, key) for twin_id, key in proven_trace.keys_of(hint)]
        height = 0
        for start in range(0, len(keys), _AT_ONCE):
            wanted: dict[str, list[str]] = {}
            for twin_id, key in keys[start : start + _AT_ONCE]:
                wanted.setdefault(twin_id, []).extend([key] if key else [])
            found = await self.ask(
                proofs.parts(wanted), timeout_seconds, min_height=max(hint.height, height)
            )
            height = found.height
            proven_trace.merge(twins, found.claim, height)
        return proven_trace.walked(request, twins, hint, height)

    def watch(
        self, twin_ids: Sequence[str], prefix: str, after: Cursor | None
    ) -> AsyncGenerator[TwinUpdate, None]:
        """Updates as they are certified; each is proven, that they are all is not."""
        return verified_streams.watch(self._session, self, twin_ids, prefix, after)

    async def transaction(
        self, transaction_id: bytes, timeout_seconds: float | None
    ) -> TransactionStatus:
        """What is known of a transaction; a receipt is proven, that there is none is not."""
        status = await self._plain.transaction(transaction_id, timeout_seconds)
        if status.transaction_id != transaction_id:
            raise LedgerError(Code.ANSWER_UNPROVEN, "it is about another transaction")
        return await self.settled(status, timeout_seconds)

    async def settled(
        self, status: TransactionStatus, timeout_seconds: float | None
    ) -> TransactionStatus:
        """What a node has told of a transaction, with its receipt proven once it is certified.

        Raises:
            LedgerError: ANSWER_UNPROVEN when another receipt is proven than the one told.
        """
        told = status.receipt
        if told is None:
            if status.stage in (Stage.COMMITTED, Stage.CERTIFIED, Stage.REJECTED):
                raise LedgerError(Code.ANSWER_UNPROVEN, f"{status.stage} without a receipt")
            return status
        question = proofs.transaction(status.transaction_id)
        found = await self.ask(question, timeout_seconds, min_height=told.height, now=False)
        receipt = receipt_of_claim(found.claim, told.index)
        if receipt != told:
            raise LedgerError(Code.ANSWER_UNPROVEN, "another receipt is proven than was told")
        stage = Stage.CERTIFIED if receipt.committed else Stage.REJECTED
        return TransactionStatus(status.transaction_id, stage, receipt)

    async def block(self, height: int, timeout_seconds: float | None) -> Block:
        """A block, whole."""
        newest = await self.height()
        if height > newest:
            detail = f"the newest certified height is {newest}"
            raise LedgerError(Code.BLOCK_NOT_FOUND, detail)
        found = await self.ask(proofs.block(height), timeout_seconds, now=False)
        return block_of(found.claim)

    def blocks(self, from_height: int, to_height: int | None) -> AsyncGenerator[Block, None]:
        """Blocks in order, each once it is certified."""
        return verified_streams.blocks(self._session, self, from_height, to_height)

    async def height(self, min_height: int = 0) -> int:
        """The height of the newest certified head."""
        standing = await self._light.fresh(max(min_height, self._session.seen_height))
        return standing.size - 1

    async def head(self, timeout_seconds: float | None) -> Head:
        """The newest certified block."""
        await self._light.fresh(self._session.seen_height, timeout_seconds)
        certificate = self._light.certificate
        found = await self.ask(proofs.head(), timeout_seconds)
        raw = found.claim.block.header
        chain_id = self._session.chain_id
        return Head(chain_id, BlockHeader.decode(raw), header_hash(raw), certificate, found.height)

    async def state(
        self, keys: Iterable[bytes], timeout_seconds: float | None, *, min_height: int = 0
    ) -> tuple[dict[bytes, bytes | None], int]:
        """What keys of the state have, None for nothing, and the height they were proven at."""
        asked = sorted(set(keys))
        values: dict[bytes, bytes | None] = {}
        height = min_height
        for start in range(0, len(asked), _AT_ONCE):
            question = proofs.state(asked[start : start + _AT_ONCE])
            found = await self.ask(question, timeout_seconds, min_height=height)
            values |= {each.key: each.value for each in found.claim.values}
            height = found.height
        return values, height

    async def policy(self, twin_id: str, timeout_seconds: float | None) -> TwinPolicy:
        """A twin's policy; the node's word where this identity may not see all of it."""
        found = await verified_access.policy(self._session, self, twin_id, timeout_seconds)
        return found or await self._plain.policy(twin_id, timeout_seconds)

    async def explanation(
        self, twin_id: str, path: str, identity: str, timeout_seconds: float | None
    ) -> Explanation:
        """Which rule decides; the node's word where this identity may not see all rules."""
        found = await verified_access.explanation(
            self._session, self, twin_id, path, identity, timeout_seconds
        )
        return found or await self._plain.explanation(twin_id, path, identity, timeout_seconds)

    async def consortium(self, timeout_seconds: float | None) -> Consortium:
        """The members and their nodes."""
        found, height = await self.state([members.CONSORTIUM_KEY], timeout_seconds)
        record = members.Consortium.decode(found[members.CONSORTIUM_KEY] or b"")
        return consortium_of(self._session.chain_id, record, height)

    async def governed(self, timeout_seconds: float | None) -> Governed:
        """What the members agreed on."""
        keys = [members.CONSORTIUM_KEY, PROTOCOL_KEY]
        found, height = await self.state(keys, timeout_seconds)
        raw = found[PROTOCOL_KEY]
        protocol = GENESIS_PROTOCOL if raw is None else Protocol.decode(raw)
        record = members.Consortium.decode(found[members.CONSORTIUM_KEY] or b"")
        return Governed(record, protocol, height)

    async def proposals(self, timeout_seconds: float | None) -> list[Proposal]:
        """The newest proposals, each and that there are no newer ones."""
        found, height = await self.state([COUNT_KEY], timeout_seconds)
        raw = found[COUNT_KEY]
        newest = proposal_count(raw)
        numbers = range(newest, max(0, newest - PROPOSALS_MAX), -1)
        keys = {number: proposal_key(number) for number in numbers}
        records, _ = await self.state(keys.values(), timeout_seconds, min_height=height)
        return [Proposal.decode(number, records[key] or b"") for number, key in keys.items()]

    async def identities(
        self, request: consortium_service_pb2.ListIdentitiesRequest
    ) -> AsyncGenerator[IdentityRecord, None]:
        """Identities; each is proven, that they are all is not."""
        while True:
            page = await list_identities(self._session, request)
            names = [each.identity for each in page.identities]
            _check_ascending(request.after_identity, names, page.next_after_identity)
            for each in await self._identities(names, page.height):
                if not request.member or each.identity.startswith(f"{request.member}/"):
                    yield each
            if not page.next_after_identity:
                return
            request.after_identity = page.next_after_identity

    async def _identities(self, names: Sequence[str], height: int) -> list[IdentityRecord]:
        keys = {name: identities.identity_key(IdentityName(name)) for name in names}
        values, _ = await self.state(keys.values(), None, min_height=height)
        found = ((name, values[key]) for name, key in keys.items())
        records = [
            identities.IdentityRecord.decode(IdentityName(name), raw) for name, raw in found if raw
        ]
        return [IdentityRecord.of(record) for record in records]


def _matches(twin: Twin, request: twin_service_pb2.ListTwinsRequest) -> bool:
    return (
        twin.id.startswith(request.prefix)
        and (not request.owner or twin.owner == request.owner)
        and (not request.model or twin.model == request.model)
        and not (request.only_active and twin.retired)
    )


def _check_ascending(after: str, found: Sequence[str], following: str) -> None:
    """A page that goes back would be read for ever, or tell a thing twice."""
    order = [text.encode() for text in (after, *found)]
    if any(one >= other for one, other in pairwise(order)):
        raise LedgerError(Code.ANSWER_UNPROVEN, "a page is not in order")
    if following and following.encode() < order[-1]:
        raise LedgerError(Code.ANSWER_UNPROVEN, "the next page lies before this one")
    if following and following == after:
        raise LedgerError(Code.ANSWER_UNPROVEN, "the next page is this one")
