"""Three nodes of this ledger, driven through streams and call by call.

Transactions are signed before the clock starts: signing is the business of many devices elsewhere,
not of the machine that orders. Every node checks every signature while the clock runs.
"""

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

from twinledger.client import Ledger, SignedTransaction, connect
from twinledger.client.operations import create_twin, set_property, update_twin
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.status import leader_of
from twinledger.ledger.errors import Code, LedgerError

from .load import KEYS, VALUE_BYTES, Measurement, Recorder, closed_loop

NODES = 3
_LIFETIME_SECONDS = 600.0
_ANSWER_SECONDS_MIN = 0.0005
"""No write is answered faster than this, so one in flight needs no more than 2,000 a second."""


@asynccontextmanager
async def consortium(folder: Path) -> AsyncIterator[Ledger]:
    """Three nodes that store in `folder`, with the twins to write to; a client of the leader."""
    devnet = Devnet(create(folder, NODES, name="benchmark"))
    try:
        leader = leader_of(await devnet.up())
        if leader is None:
            raise LedgerError(Code.NO_LEADER)
        async with connect(
            leader.entry.client_address,
            profile=devnet.layout.profile,
            identity=devnet.layout.identity(),
            discover=False,
        ) as ledger:
            await ledger.submit(*(create_twin(_twin(number)) for number in range(KEYS)))
            yield ledger
    finally:
        devnet.down()


def _twin(number: int) -> str:
    return f"bench-{number % KEYS:04}"


def _supply(
    ledger: Ledger, in_flight: int, seconds: float, rate_max: float
) -> list[SignedTransaction]:
    """Signed writes for longer than they can last."""
    rate = min(rate_max, in_flight / _ANSWER_SECONDS_MIN)
    return [
        ledger.sign(
            update_twin(_twin(number), [set_property("value", os.urandom(VALUE_BYTES))]),
            lifetime_seconds=_LIFETIME_SECONDS,
        )
        for number in range(int(rate * seconds) + in_flight)
    ]


async def measure_streams(
    ledger: Ledger, in_flight: int, seconds: float, warm_up: float, rate_max: float
) -> Measurement:
    """Drives SubmitStream: one stream, as many transactions a message as are waiting."""
    supply = iter(_supply(ledger, in_flight, seconds + warm_up, rate_max))
    recorder = Recorder(in_flight, warm_up, seconds)
    sent_at: dict[bytes, float] = {}
    async with ledger.pipeline(window=in_flight) as pipeline:
        while not recorder.over or sent_at:
            if not recorder.over:
                now = time.perf_counter()
                items = _next(supply, pipeline.room)
                sent_at.update((item.id, now) for item in items)
                pipeline.add(items)
            for outcome in await pipeline.take():
                if not outcome.receipt.committed:
                    raise RuntimeError(f"a write was rejected: {outcome.receipt.outcome}")
                recorder.note(sent_at.pop(outcome.transaction.id))
    return recorder.result()


def _next(supply: Iterator[SignedTransaction], count: int) -> list[SignedTransaction]:
    items = list(islice(supply, count))
    if len(items) < count:
        raise RuntimeError("more was written than was signed before: the run ended early")
    return items


async def measure_unary(
    ledger: Ledger, in_flight: int, seconds: float, warm_up: float, rate_max: float
) -> Measurement:
    """Drives Submit: a call for each transaction, as etcd's Put is."""
    supply = _supply(ledger, in_flight, seconds + warm_up, rate_max)

    async def send(number: int) -> None:
        await ledger.send(supply[number])

    return await closed_loop(send, in_flight, seconds, warm_up)
