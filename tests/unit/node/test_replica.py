"""What the loop around the core adds: entries from the future are withheld, faults end the run."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.node.empty_log import GENESIS, EmptyLog
from twinledger.consensus import (
    Append,
    Configuration,
    Entry,
    EntryKind,
    HardState,
    Index,
    NodeId,
    Raft,
    Settings,
    Term,
    Verdict,
    make_entry,
)
from twinledger.ledger.block import BlockBody
from twinledger.ledger.limits import Limits
from twinledger.node.replica import Replica, now_us
from twinledger.node.transport import Peer, Transport
from twinledger.v1.peer_service_pb2 import PeerHello

LIMITS = Limits(max_clock_lead_us=10_000_000)
ME, LEADER = NodeId("me"), NodeId("leader")


def replica(log: Any = None) -> Replica:
    log = log or EmptyLog()
    core = Raft(
        Settings(node=ME, next_election_timeout=lambda: 1000),
        log,
        hard_state=HardState(Term(0), None),
        commit=Index(0),
        applied=Index(0),
        configuration=Configuration((LEADER, ME)),
        verdict=lambda _, __: Verdict.REFUSE,
    )
    return Replica(
        core,
        log,
        Transport(lambda node, way: Peer(node, way, PeerHello)),
        ThreadPoolExecutor(1),
        0.001,
        lambda: LIMITS,
    )


def append(*times_us: int) -> Append:
    """An Append of one block for each time."""
    entries, previous = list[Entry](), GENESIS
    for index, time_us in enumerate(times_us, 1):
        payload = BlockBody(time_us, ()).encode() if time_us else b""
        entry = make_entry(previous, Index(index), Term(1), EntryKind.BLOCK, payload)
        previous = entry.hash
        entries.append(entry)
    return Append(LEADER, ME, Term(1), Index(0), Term(0), GENESIS, tuple(entries), Index(0))


def taken(message: Append) -> int:
    """How many entries of a message a follower's log takes."""

    async def story() -> int:
        follower = replica()
        follower.step(message)
        return follower.core.last_index

    return asyncio.run(story())


SECOND_US = 1_000_000


def test_only_entries_that_may_be_news_are_looked_into():
    async def story() -> None:
        message = append(*[now_us()] * 5)
        follower = replica()
        assert follower.undecided(message) == message.entries
        follower.step(replace(message, commit=Index(3)))
        assert follower.core.commit == 3
        assert follower.undecided(message) == message.entries[3:]
        gap = replace(message, previous_index=Index(6), previous_hash=bytes(32), entries=())
        assert follower.undecided(replace(gap, entries=message.entries)) == ()

    asyncio.run(story())


def test_blocks_of_the_present_and_the_past_are_taken():
    now = now_us()
    assert taken(append(0, now - 3600 * SECOND_US, now, now + 9 * SECOND_US)) == 4


def test_a_block_too_far_in_the_future_is_withheld_with_all_after_it():
    now = now_us()
    assert taken(append(now, now + 12 * SECOND_US, now)) == 1


def test_a_first_block_too_far_in_the_future_leaves_nothing():
    assert taken(append(now_us() + 12 * SECOND_US)) == 0


def test_a_payload_that_is_no_block_is_not_withheld():
    entry = make_entry(GENESIS, Index(1), Term(1), EntryKind.BLOCK, b"\xff\xff")
    message = Append(LEADER, ME, Term(1), Index(0), Term(0), GENESIS, (entry,), Index(0))
    assert taken(message) == 1


def ends_with(change: Callable[[Replica], None], log: Any = None) -> BaseException:
    """What the loop ends with after a change."""

    async def story() -> BaseException:
        looping = replica(log)
        running = asyncio.create_task(looping.run())
        await asyncio.sleep(0)
        change(looping)
        with pytest.raises(BaseExceptionGroup) as ended:
            await asyncio.wait_for(running, 10)
        return ended.value.exceptions[0]

    return asyncio.run(story())


def test_a_write_that_fails_ends_the_run():
    class FullDisk(EmptyLog):
        def write(self, persist: Any) -> None:
            raise OSError(28, "No space left on device")

    error = ends_with(lambda looping: looping.step(append(0)), FullDisk())
    assert isinstance(error, OSError)


def test_a_fault_of_the_core_ends_the_run_whoever_called_it():
    error = ends_with(lambda looping: looping.applied(Index(99)))
    assert "applied" in str(error)
