"""A client that has every read proven: by a real node, and by one that lies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

import pytest

from tests.integration.single_node import SingleNode
from tests.unit.ledger.refusals import refused
from twinledger.client import Code, Identity, Ledger, Profile, Role, Wait, connect
from twinledger.client import operations as op
from twinledger.client.twins import Direction
from twinledger.ledger.keys import SigningKey
from twinledger.ledger.names import IdentityName
from twinledger.ledger.transaction import Signer

Item = TypeVar("Item")


@dataclass(frozen=True)
class World:
    node: SingleNode
    device: Signer

    @property
    def profile(self) -> Profile:
        return Profile.of_genesis(self.node.genesis)

    def run(self, work: Callable[[Ledger], Awaitable[None]], signer: Signer | None = None) -> None:
        who = signer or self.node.admin

        async def connected() -> None:
            identity = Identity(who.identity, who.key)
            async with connect(profile=self.profile, identity=identity) as ledger:
                await work(ledger)

        asyncio.run(connected())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with SingleNode(tmp_path_factory.mktemp("light")) as node:
        device = Signer(IdentityName("utility/device"), SigningKey.generate())
        world = World(node, device)

        async def fill(ledger: Ledger) -> None:
            await ledger.identities.admit(device.identity, device.key.public_key, Role.DEVICE)
            await ledger.submit(
                op.create_twin("tank-1"),
                op.create_twin("pump-7", op.changes_of({"flow": 1.0, "label": "P7"}), model="m:1"),
                op.relate("pump-7", "feeds", "tank-1"),
            )
            for flow in range(3):
                await ledger.twins.update("pump-7", set={"flow": float(flow)})

        world.run(fill)
        yield world


async def all_of(items: AsyncIterator[Item]) -> list[Item]:
    return [each async for each in items]


def test_every_read_is_proven_and_tells_what_the_plain_one_tells(world: World):
    async def work(ledger: Ledger) -> None:
        identity = ledger.identity
        async with connect(profile=world.profile, identity=identity, verify=False) as plain:
            receipt = await ledger.twins.update("pump-7", set={"flow": 9.5}, desired={"on": True})
            await plain.linearize()
            for one, other in (
                (await ledger.twins.get("pump-7"), await plain.twins.get("pump-7")),
                (await ledger.consortium(), await plain.consortium()),
                (await ledger.governed(), await plain.governed()),
                (await ledger.proposals(), await plain.proposals()),
                (await all_of(ledger.twins.list()), await all_of(plain.twins.list())),
                (
                    await all_of(ledger.twins.history("pump-7")),
                    await all_of(plain.twins.history("pump-7")),
                ),
                (await all_of(ledger.identities.list()), await all_of(plain.identities.list())),
                (await ledger.twins.trace("pump-7"), await plain.twins.trace("pump-7")),
                (
                    await ledger.twins.trace("tank-1", Direction.UPSTREAM),
                    await plain.twins.trace("tank-1", Direction.UPSTREAM),
                ),
                (
                    await ledger.transaction(receipt.transaction_id),
                    await plain.transaction(receipt.transaction_id),
                ),
            ):
                assert one == other
            height = (await ledger.head()).height
            one_by_one = [await ledger.block(number) for number in range(height + 1)]
            assert await all_of(ledger.blocks(0, height)) == one_by_one
            plainly = await all_of(plain.blocks(0, height))
            assert [each.header_hash for each in plainly] == [b.header_hash for b in one_by_one]

    world.run(work)


def test_an_own_write_is_seen_by_the_next_read(world: World):
    async def work(ledger: Ledger) -> None:
        for flow in range(10):
            receipt = await ledger.twins.update("pump-7", set={"flow": 100.0 + flow})
            twin = await ledger.twins.get("pump-7")
            assert twin.reported["flow"] == 100.0 + flow
            assert twin.height >= receipt.height

    world.run(work)


def test_what_is_not_there_is_said_by_name(world: World):
    async def work(ledger: Ledger) -> None:
        with refused(Code.TWIN_NOT_FOUND):
            await ledger.twins.get("never")
        with refused(Code.TWIN_NOT_FOUND):
            await all_of(ledger.twins.history("never"))
        with refused(Code.BLOCK_NOT_FOUND):
            await ledger.block(1_000_000)

    world.run(work)


def test_a_watch_tells_proven_updates_as_they_are_certified(world: World):
    async def work(ledger: Ledger) -> None:
        start = (await ledger.twins.update("tank-1", set={"level": 1})).cursor
        for level in range(3):
            await ledger.twins.update("tank-1", set={"level": level})
        async with aclosing(ledger.watch("tank-1", after=start)) as updates:
            seen = [await anext(updates) for _ in range(3)]
        assert [each.version for each in seen] == [3, 4, 5]
        assert not any(each.withheld for each in seen)

    world.run(work)


def test_certified_receipts_are_proven(world: World):
    async def work(ledger: Ledger) -> None:
        receipt = await ledger.submit(op.create_twin("certified-1"), certified=True)
        assert receipt.committed
        items = [op.create_twin(f"certified-{n}") for n in range(2, 20)]
        outcomes = await all_of(ledger.submit_many(items, wait=Wait.CERTIFIED))
        assert len({each.receipt.transaction_id for each in outcomes}) == 18
        with refused(Code.TWIN_EXISTS):
            await ledger.submit(op.create_twin("certified-1"), certified=True)

    world.run(work)
