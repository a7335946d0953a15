"""A client of a lying node: whatever call it lies in, nothing untrue is ever returned.

The calls come from the services' descriptors. One that is in none of the tables below fails the
first test, so that a new one cannot be forgotten: say what a client does with its answer.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
from google.protobuf.message import Message

from tests.integration.lying_node import LyingNode, altered
from tests.integration.rpcs import CLIENT_FILES, methods_of
from tests.integration.single_node import SingleNode
from twinledger.client import Cursor, Identity, Ledger, LedgerError, Permission, Wait, connect
from twinledger.client import operations as op
from twinledger.client import proofs as ask
from twinledger.client.twins import Direction

METHODS = methods_of(CLIENT_FILES)
TRIES = 4
Item = TypeVar("Item")
Read = Callable[[Ledger], Awaitable[Any]]


async def listed(items: AsyncIterator[Item]) -> list[Item]:
    return [each async for each in items]


async def watched(ledger: Ledger) -> list[Any]:
    """Three updates; fewer when the node keeps them back, which it can."""
    found: list[Any] = []
    async with aclosing(ledger.watch("pump-7", after=Cursor(0, 0))) as updates:
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                while len(found) < 3:
                    found.append(replace(await anext(updates), cursor=Cursor(0, 0)))
    return found


async def submitted(ledger: Ledger) -> list[Any]:
    """What a certified receipt says, of a transaction whose effects are known."""
    name = f"new-{os.urandom(8).hex()}"
    receipt = await ledger.submit(op.create_twin(name), certified=True)
    (event,) = receipt.events
    return [receipt.outcome, event.kind, event.subject == name, event.version]


async def submitted_many(ledger: Ledger) -> list[Any]:
    names = [f"many-{os.urandom(8).hex()}" for _ in range(2)]
    items = [op.create_twin(name) for name in names]
    found = await listed(ledger.submit_many(items, wait=Wait.CERTIFIED, timeout_seconds=3))
    receipts = [each.receipt for each in found]
    return [(each.outcome, each.events[0].subject in names) for each in receipts]


async def known(ledger: Ledger) -> Any:
    """The receipt of a transaction; None when the node says that it knows none, which it can."""
    block = await ledger.block(2)
    status = await ledger.transaction(block.receipts[0].transaction_id)
    return status.receipt


async def proven(ledger: Ledger) -> Any:
    return (await ledger.prove(ask.twin("pump-7", at=2))).proven.told.facts


async def _head(ledger: Ledger) -> Any:
    head = await ledger.head()
    return (await ledger.block(head.height)).header_hash == head.header_hash


async def _without_height(read: Awaitable[Any]) -> Any:
    return replace(await read, height=0)


async def _without_heights(items: AsyncIterator[Any]) -> list[Any]:
    return [replace(each, height=0) for each in await listed(items)]


async def _traced(ledger: Ledger) -> list[Any]:
    found = await ledger.twins.trace("pump-7", Direction.DOWNSTREAM)
    return [*found.twins, *found.relationships]


PROVEN: dict[str, Read] = {
    "LedgerService.Submit": submitted,
    "LedgerService.SubmitStream": submitted_many,
    "LedgerService.GetTransaction": known,
    "LedgerService.GetBlock": lambda ledger: ledger.block(2),
    "LedgerService.StreamBlocks": lambda ledger: listed(ledger.blocks(0, 4)),
    "LedgerService.GetHead": _head,
    "LedgerService.ListEvidence": lambda ledger: ledger.evidence(),
    "LedgerService.Prove": proven,
    "TwinService.GetTwin": lambda ledger: _without_height(ledger.twins.get("pump-7")),
    "TwinService.ListTwins": lambda ledger: _without_heights(
        ledger.twins.list(prefix="pump", owner="utility")
    ),
    "TwinService.GetHistory": lambda ledger: listed(ledger.twins.history("pump-7")),
    "TwinService.Trace": _traced,
    "TwinService.Watch": watched,
    "TwinService.GetAccess": lambda ledger: _without_height(ledger.access.policy("pump-7")),
    "TwinService.ExplainAccess": lambda ledger: _without_height(
        ledger.access.explain("pump-7", "reported/flow")
    ),
    "ConsortiumService.GetConsortium": lambda ledger: _without_height(ledger.consortium()),
    "ConsortiumService.ListProposals": lambda ledger: ledger.proposals(),
    "ConsortiumService.ListIdentities": lambda ledger: listed(ledger.identities.list()),
}
"""By call: the read of the SDK that returns what the call answers, and has it proven."""

UNPROVEN: dict[str, str] = {
    "LedgerService.SubmitBatch": "the SDK does not use it: it sends over SubmitStream",
    "LedgerService.GetReadHeight": "a height to wait for; a lie delays a read, or makes it older",
    "OperatorService.GetStatus": "how the node itself is, which only it knows",
    "OperatorService.TransferLeadership": "what the node itself did",
    "OperatorService.Drain": "what the node itself did",
    "OperatorService.Backup": "a copy for the node's own operator, which its restore checks",
}
"""By call: why its answer is no data of the ledger's, or none that a client takes."""

MAY_BE_LESS = {
    "TwinService.ListTwins",
    "TwinService.Watch",
    "TwinService.GetHistory",
    "TwinService.Trace",
    "ConsortiumService.ListIdentities",
    "LedgerService.GetTransaction",
    "LedgerService.ListEvidence",
}
"""Where a node can withhold: items of a list, the content of updates, or that it knows at all."""


@dataclass(frozen=True)
class World:
    liar: LyingNode
    identity: Identity
    truths: dict[str, Any]

    def connected(self) -> Any:
        return connect(
            profile=self.liar.profile,
            identity=self.identity,
            discover=False,
            timeout_seconds=1.5,
        )


async def fill(ledger: Ledger) -> None:
    await ledger.submit(
        op.create_twin("tank-1"),
        op.create_twin("pump-7", op.changes_of({"flow": 1.0, "on": True}), model="m:1"),
        op.relate("pump-7", "feeds", "tank-1"),
    )
    for flow in range(3):
        await ledger.twins.update("pump-7", set={"flow": float(flow)})
    rule = (Permission.READ,)
    await ledger.access.grant("pump-7", "everyone", rule, path="reported/flow")
    await ledger.submit(op.create_twin("last"), certified=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("lying")
    with SingleNode(folder) as node, LyingNode(node, METHODS) as liar:
        world = World(liar, Identity(node.admin.identity, node.key), {})

        async def learn() -> None:
            async with world.connected() as ledger:
                await fill(ledger)
                for name, read in PROVEN.items():
                    world.truths[name] = await read(ledger)

        asyncio.run(learn())
        yield world


def test_every_call_says_what_a_client_does_with_its_answer():
    assert {f"{m.containing_service.name}.{m.name}" for m in METHODS} == {*PROVEN, *UNPROVEN}


def is_true(name: str, told: Any, truth: Any) -> bool:
    """Whether nothing untrue was told; less may have been, where a node can withhold."""
    if name not in MAY_BE_LESS or not isinstance(told, list):
        return told == truth or (name in MAY_BE_LESS and told is None)
    return all(getattr(each, "withheld", False) or each in truth for each in told)


async def lied_to(world: World, name: str, lie: Callable[[str, Message], Message]) -> str:
    """What comes of a read while the node lies: "true", or the code of the refusal."""
    try:
        async with world.connected() as ledger:
            world.liar.lie = lie
            told = await PROVEN[name](ledger)
    except LedgerError as error:
        return str(error.code)
    finally:
        world.liar.lie = lambda _, answer: answer
    assert is_true(name, told, world.truths[name]), f"{name}: {told}"
    return "true"


def alters(chance: random.Random, lies: list[str], only: str) -> Callable[[str, Message], Message]:
    """Lies once: in an answer of one call, or of the call that proves."""

    def lie(method: str, answer: Message) -> Message:
        if method != only or lies:
            return answer
        lies.append(method)
        return altered(chance, answer)

    return lie


def alter_answers(world: World, name: str, tries: int) -> None:
    chance, caught, told = random.Random(name), 0, 0
    for number in range(tries):
        lies: list[str] = []
        only = name if number % 2 else "LedgerService.Prove"
        outcome = asyncio.run(lied_to(world, name, alters(chance, lies, only)))
        told += len(lies)
        caught += bool(lies) and outcome != "true"
    print(name, "lies", told, "refused", caught)
    assert caught or name == "LedgerService.ListEvidence", f"{told} lies, and none was noticed"


@pytest.mark.parametrize("name", PROVEN)
def test_an_altered_answer_is_refused_or_changes_nothing(world: World, name: str):
    alter_answers(world, name, TRIES)


@pytest.mark.full
@pytest.mark.parametrize("name", PROVEN)
def test_many_altered_answers_are_refused_or_change_nothing(world: World, name: str):
    alter_answers(world, name, 60)
