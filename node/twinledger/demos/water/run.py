"""The whole demonstration, step by step, against a devnet that exists and is not running."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.progress import Progress

from twinledger.client import connect
from twinledger.demos.water.consortium import Keys, admit, make_keys, write_network
from twinledger.demos.water.delivery import Delivery
from twinledger.demos.water.gateways import REGULATOR, Gateway, assign_gateways
from twinledger.demos.water.hydraulics import simulate_net3
from twinledger.demos.water.network import Day, Network
from twinledger.demos.water.outage import Outage
from twinledger.demos.water.reading_back import await_equal_heads, count, read_as
from twinledger.demos.water.result import LeaderLoss, Result
from twinledger.demos.water.scenario import readings
from twinledger.demos.water.timeline import Timeline
from twinledger.devnet.control import Devnet
from twinledger.ledger.errors import invariant

TANK = "tank-1"
PUMP = "pump-10"

KILL_AT = 0.5
"""The share of the readings after which the leader is killed."""
RESTART_AT = 0.75
"""The share after which the killed node is started again, so that it catches up under load."""


@dataclass(slots=True)
class Sent:
    """What the clients hold receipts for.

    Attributes:
        transactions: The ids of acknowledged transactions.
        readings: How many readings these hold.
        timeline: When each was acknowledged, and what befell the leader.
    """

    transactions: set[bytes] = field(default_factory=set)
    readings: int = 0
    timeline: Timeline = field(default_factory=Timeline)


@dataclass(frozen=True, slots=True)
class World:
    """The network, its day, and who reports it."""

    network: Network
    day: Day
    gateways: Sequence[Gateway]
    keys: Keys


async def run(devnet: Devnet, steps: int, progress: Progress) -> Result:
    """Runs the demonstration; the devnet's nodes are left running.

    Args:
        devnet: Four nodes, one of each member.
        steps: How many steps of the day are sent, from the first.
        progress: Shows how far it is.

    Raises:
        LedgerError: A node or the ledger did not do what it must for the demonstration to go on.
    """
    preparing = progress.add_task("four nodes start, EPANET simulates a day", total=None)
    simulating = asyncio.to_thread(simulate_net3)
    (network, day), _ = await asyncio.gather(simulating, devnet.up())
    gateways = assign_gateways(network)
    what = f"{len(network.elements)} elements, each a twin; {len(gateways)} gateways report them"
    progress.console.print(f"Net3: {what}.")
    world = World(network, day, gateways, make_keys(devnet.layout, gateways))
    progress.update(preparing, total=1, completed=1)
    sent = Sent()
    outage = Outage(devnet, sent.timeline)
    await _write(devnet, world, steps, sent, outage, progress)
    return await _conclude(devnet, world, sent, outage, progress)


async def _write(
    devnet: Devnet, world: World, steps: int, sent: Sent, outage: Outage, progress: Progress
) -> None:
    layout = devnet.layout
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        writing = progress.add_task("gateways are admitted, twins are made", total=None)
        receipts = await admit(ledger, layout, world.keys, world.gateways)
        receipts += await write_network(ledger, world.keys, world.network, world.gateways)
        sent.transactions.update(receipt.transaction_id for receipt in receipts)
        progress.update(writing, total=1, completed=1)
        await _send_day(Delivery(ledger, world.keys), world, steps, sent, outage, progress)


async def _send_day(
    delivery: Delivery, world: World, steps: int, sent: Sent, outage: Outage, progress: Progress
) -> None:
    """Sends the readings while the leader is lost and returns, each at its share of the way."""
    total = sum(len(step) for step in world.day.readings[:steps])
    bar = progress.add_task("gateways send readings", total=total)
    kill, restart = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_lose_leader(outage, kill, restart, progress))
        day = readings(world.network, world.day, world.gateways, steps)
        async for delivered in delivery.run(day):
            sent.timeline.acknowledged_at.append(time.monotonic())
            sent.transactions.add(delivered.receipt.transaction_id)
            sent.readings += len(delivered.reading.operations)
            progress.update(bar, completed=sent.readings)
            if sent.readings >= total * KILL_AT:
                kill.set()
            if sent.readings >= total * RESTART_AT:
                restart.set()


async def _lose_leader(
    outage: Outage, kill: asyncio.Event, restart: asyncio.Event, progress: Progress
) -> None:
    await kill.wait()
    await outage.kill_leader()
    progress.console.print(
        f"The leader, {outage.killed}, was killed with SIGKILL; {outage.successor} leads now."
    )
    await restart.wait()
    await outage.restart_killed()
    progress.console.print(f"{outage.killed} was started again and catches up.")


async def _conclude(
    devnet: Devnet, world: World, sent: Sent, outage: Outage, progress: Progress
) -> Result:
    layout = devnet.layout
    counting = progress.add_task("blocks of all nodes are read and counted", total=None)
    height = await await_equal_heads(layout)
    counted = await count(layout, sent.transactions, height)
    progress.update(counting, total=1, completed=1)
    (node,) = (each for each in layout.nodes if each.member == REGULATOR)
    inspector = world.keys[f"{REGULATOR}/inspector"]
    history, downstream = await read_as(layout, node, inspector, TANK, PUMP)
    times = sent.timeline.acknowledged_at
    return Result(
        tally=counted,
        members={each.name: each.member for each in layout.nodes},
        readings_sent=sent.readings,
        seconds=times[-1] - times[0],
        loss=_loss(outage, sent.timeline),
        tank=TANK,
        history=history,
        downstream=downstream,
    )


def _loss(outage: Outage, timeline: Timeline) -> LeaderLoss:
    without, pause = timeline.seconds_without_leader, timeline.longest_pause
    invariant(without is not None and pause is not None, "the leader was lost before the end")
    return LeaderLoss(outage.killed, outage.successor, without or 0.0, pause or 0.0)
