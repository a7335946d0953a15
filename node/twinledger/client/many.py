"""Feeds many transactions into a pipeline while their outcomes are taken out of it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Sequence
from typing import Final, TypeAlias

from twinledger.client.operations import Operation
from twinledger.client.pipeline import Pipeline
from twinledger.client.transactions import SignedTransaction
from twinledger.client.window import Outcome

ManyItem: TypeAlias = Operation | Sequence[Operation] | SignedTransaction
"""One transaction of many: its operations, or what `sign` returned."""

Signing = Callable[[ManyItem], SignedTransaction]

_SIGNED_AT_ONCE: Final = 32
"""Transactions signed in one turn of the event loop, about two milliseconds."""


async def outcomes_of(
    pipeline: Pipeline, signed: Signing, items: Iterable[ManyItem] | AsyncIterable[ManyItem]
) -> AsyncGenerator[Outcome, None]:
    """Each item's outcome when it is known, in any order.

    Raises:
        LedgerError: nothing can be sent at all.
    """
    async with pipeline:
        feeding = asyncio.create_task(_feed(pipeline, signed, items))
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
    pipeline: Pipeline, signed: Signing, items: Iterable[ManyItem] | AsyncIterable[ManyItem]
) -> None:
    if isinstance(items, AsyncIterable):
        async for item in items:
            await pipeline.wait_room()
            pipeline.add([signed(item)])
        return
    for count, item in enumerate(items, 1):
        await pipeline.wait_room()
        pipeline.add([signed(item)])
        if count % _SIGNED_AT_ONCE == 0:
            await asyncio.sleep(0)
