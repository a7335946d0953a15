"""SIGKILL at random moments under load: nothing acknowledged is lost, nothing happens twice."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.integration.accounts import (
    THINK_S,
    Accounts,
    check_counters,
    check_node,
    load,
    more_acknowledged,
    one_leader,
    same_head,
)
from twinledger.client import connect
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout


def test_four_kills_under_load_lose_and_double_nothing(tmp_path):
    kill_under_load(tmp_path, kills=4, calls=16, think_s=THINK_S)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_twenty_kills_under_load_lose_and_double_nothing(tmp_path):
    kill_under_load(tmp_path, kills=20, calls=64, think_s=0)


def kill_under_load(folder: Path, kills: int, calls: int, think_s: float) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    layout = create(folder / "devnet", 4)
    devnet = Devnet(layout)
    try:
        asyncio.run(kill_and_count(devnet, random.Random(seed), kills, calls, think_s))
    finally:
        devnet.down()


async def kill_and_count(
    devnet: Devnet, chance: random.Random, kills: int, calls: int, think_s: float
) -> None:
    await devnet.up()
    layout, accounts = devnet.layout, Accounts()
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        async with load(ledger, accounts, calls, think_s=think_s):
            for kill in range(kills):
                # The moment is random on purpose; nothing below depends on how long it is.
                await asyncio.sleep(chance.uniform(0, 0.5))
                before = len(accounts.acknowledged)
                await kill_one(devnet, layout, chance, kill)
                await more_acknowledged(accounts, before)
        height = await same_head(layout)
        for address in layout.client_addresses:
            await check_node(layout, address, accounts, height)
        await check_counters(ledger, accounts, calls)
    print(f"{len(accounts.acknowledged)} acknowledged, {len(accounts.unknown)} unknown")
    assert not accounts.failed


async def kill_one(devnet: Devnet, layout: Layout, chance: random.Random, kill: int) -> None:
    """Kill the leader every second time, else any node; bring it back."""
    leader = await one_leader(layout)
    victim = leader if kill % 2 == 0 else chance.choice(layout.nodes).name
    await devnet.kill(victim)
    await asyncio.sleep(chance.uniform(0, 1))
    await devnet.restart(victim)
