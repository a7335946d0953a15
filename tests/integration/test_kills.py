"""SIGKILL at random moments under load: nothing acknowledged is lost, nothing happens twice."""

import asyncio
import random
import time

from tests.integration.accounts import (
    Accounts,
    check_counters,
    check_node,
    load,
    one_leader,
    same_head,
)
from twinledger.client import connect
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout

CALLS = 64
KILLS = 20
LEADER_KILLS = 8


def test_twenty_kills_under_load_lose_and_double_nothing(tmp_path):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    layout = create(tmp_path / "devnet", 4)
    devnet = Devnet(layout)
    try:
        asyncio.run(kill_twenty_times(devnet, layout, random.Random(seed)))
    finally:
        devnet.down()


async def kill_twenty_times(devnet: Devnet, layout: Layout, chance: random.Random) -> None:
    await devnet.up()
    accounts = Accounts()
    leaders_hit = 0
    began = time.monotonic()
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        async with load(ledger, accounts, CALLS):
            for kill in range(KILLS):
                # The moment is random on purpose; nothing below depends on how long it is.
                await asyncio.sleep(chance.uniform(0, 0.5))
                leaders_hit += await kill_one(devnet, layout, chance, kill)
        seconds = time.monotonic() - began
        height = await same_head(layout)
        for address in layout.client_addresses:
            await check_node(layout, address, accounts, height)
        await check_counters(ledger, accounts, CALLS)
    rate = len(accounts.acknowledged) / seconds
    print(
        f"{len(accounts.acknowledged)} acknowledged, {rate:.0f} a second, "
        f"{len(accounts.unknown)} unknown, {leaders_hit} of {KILLS} kills hit the leader"
    )
    assert not accounts.failed
    assert rate >= 50
    assert leaders_hit >= LEADER_KILLS


async def kill_one(devnet: Devnet, layout: Layout, chance: random.Random, kill: int) -> bool:
    """Kill the leader every second time, else any node; bring it back. Was it the leader?"""
    leader = await one_leader(layout)
    victim = leader if kill % 2 == 0 else chance.choice(layout.nodes).name
    await devnet.kill(victim)
    await asyncio.sleep(chance.uniform(0, 1))
    await devnet.restart(victim)
    return victim == leader
