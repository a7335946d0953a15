"""Blocks, histories and watches whose items are proven: plain streams say what to look at.

Blocks are linked by their hashes, so one proof serves a run of them. Updates are proven by the
transactions that made them and their receipts, a page or a block at a time.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from twinledger.client import following, proofs
from twinledger.client.chain_records import Block
from twinledger.client.plain_reads import get_history
from twinledger.client.proven_records import ProvenTransaction, proven_update, transactions_of
from twinledger.client.receipts import Cursor
from twinledger.client.session import Session
from twinledger.client.twin_records import TwinUpdate
from twinledger.ledger.errors import Code, LedgerError
from twinledger.ledger.header import BlockHeader, header_hash
from twinledger.ledger.merkle import tree_hash
from twinledger.v1 import block_pb2, twin_service_pb2

if TYPE_CHECKING:
    from twinledger.client.verified_reads import VerifiedReads

_RUN_BLOCKS: Final = 64
_RUN_BYTES: Final = 8 << 20
"""Blocks that wait for one proof together, at most."""

Updates = Sequence[twin_service_pb2.TwinUpdate]


async def blocks(
    session: Session, reads: "VerifiedReads", from_height: int, to_height: int | None
) -> AsyncGenerator[Block, None]:
    """Blocks in order, each proven under a later head."""
    run: list[block_pb2.Block] = []
    before, size, certified = b"", 0, -1
    async for message in following.blocks(session, from_height, to_height):
        before = _linked(message, before)
        run.append(message)
        size += message.ByteSize()
        height = BlockHeader.decode(message.header).height
        if height > certified:
            certified = await reads.height(height)
        if height in (certified, to_height) or len(run) == _RUN_BLOCKS or size > _RUN_BYTES:
            await _prove_last(reads, height, message.header)
            for each in run:
                yield Block.from_message(each, proven=True)
            run, size = [], 0


def _linked(message: block_pb2.Block, before: bytes) -> bytes:
    """The hash of a block that fits together and follows the one before, where there is one."""
    header = BlockHeader.decode(message.header)
    if before and header.parent_hash != before:
        raise _unproven(f"block {header.height} does not follow the one before it")
    if tree_hash(message.transactions) != header.transactions_root:
        raise _unproven(f"block {header.height} has other transactions")
    if tree_hash(message.receipts) != header.receipts_root:
        raise _unproven(f"block {header.height} has other receipts")
    return header_hash(message.header)


async def _prove_last(reads: "VerifiedReads", height: int, header: bytes) -> None:
    question = proofs.block_transactions(height)
    found = await reads.ask(question, min_height=height, now=False)
    if found.claim.blocks[0].block.header != header:
        raise _unproven(f"the certified block of height {height} is another one")


async def history(
    session: Session, reads: "VerifiedReads", request: twin_service_pb2.GetHistoryRequest
) -> AsyncGenerator[TwinUpdate, None]:
    """A twin's updates, versions ascending without a gap, up to the proven version."""
    version, height = await reads.version(request.twin_id)
    # Whichever node tells the pages, it must have come so far.
    session.saw(height)
    while request.after_version < version:
        page = (await get_history(session, request)).updates
        told = [each for each in page if each.version <= version]
        question = proofs.updates(
            request.twin_id,
            after_version=request.after_version,
            page_size=max(1, len(told)),
        )
        proven = transactions_of((await reads.ask(question, now=False)).claim)
        shown = _contiguous(request, told, proven)
        if not shown:
            said = f"{request.twin_id} has version {version}, and no update above"
            raise _unproven(f"{said} {request.after_version} is shown")
        for each in shown:
            yield TwinUpdate.from_message(each)
        request.after_version = shown[-1].version


def _contiguous(
    request: twin_service_pb2.GetHistoryRequest,
    told: Updates,
    proven: Mapping[bytes, ProvenTransaction],
) -> list[twin_service_pb2.TwinUpdate]:
    """As many updates as the page of proofs reaches, each proven or withheld."""
    shown = list[twin_service_pb2.TwinUpdate]()
    for version, each in enumerate(told, request.after_version + 1):
        if (each.twin_id, each.version) != (request.twin_id, version):
            raise _unproven(f"update {version} of {request.twin_id} is missing")
        if not each.withheld and each.origin.transaction_id not in proven and shown:
            # The page of proofs ended early, or it is hidden: the next page begins with it.
            break
        shown.append(proven_update(each, proven))
    return shown


async def watch(
    session: Session,
    reads: "VerifiedReads",
    twin_ids: Sequence[str],
    prefix: str,
    after: Cursor | None,
) -> AsyncGenerator[TwinUpdate, None]:
    """Updates of some twins, or of all, in chain order, each proven."""

    async def shown(told: Updates, place: Cursor) -> list[twin_service_pb2.TwinUpdate]:
        if not told:
            return []
        height = _height_of(told, place)
        for each in told:
            asked = each.twin_id in twin_ids or each.twin_id.startswith(prefix or "\0")
            if not asked and (twin_ids or prefix):
                raise _unproven(f"it was not asked for {each.twin_id}")
        indexes = {each.origin.cursor.index for each in told}
        question = proofs.block_transactions(height, indexes)
        found = await reads.ask(question, min_height=height, now=False)
        proven = transactions_of(found.claim)
        return [proven_update(each, proven) for each in told]

    updates = following.watch(session, twin_ids, prefix, after, shown)
    async for update in updates:
        yield update


def _height_of(told: Updates, place: Cursor) -> int:
    """The block of updates that come together."""
    cursors = [Cursor.from_message(each.origin.cursor) for each in told]
    heights = {cursor.height for cursor in cursors}
    if len(heights) != 1 or cursors != sorted(cursors) or cursors[0] <= place:
        raise _unproven("the updates are not in order")
    return heights.pop()


def _unproven(detail: str) -> LedgerError:
    return LedgerError(Code.ANSWER_UNPROVEN, detail)
