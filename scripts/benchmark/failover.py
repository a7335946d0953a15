"""How long a quiet consortium takes no writes after its leader is killed with SIGKILL."""

import time
from dataclasses import dataclass
from pathlib import Path

from twinledger.client import connect
from twinledger.client.operations import create_twin
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.node.configuration import ConsensusSection

NODES = 4


@dataclass(frozen=True, slots=True)
class Failovers:
    """The trials, each the time from the kill to the first write acknowledged after it, seconds."""

    outages: tuple[float, ...]
    election_timeout: float
    """The shortest election timeout, seconds; a node draws from it to twice that."""

    @property
    def within_two(self) -> int:
        """How many trials took at most two election timeouts."""
        return sum(outage <= 2 * self.election_timeout for outage in self.outages)


async def measure(folder: Path, trials: int) -> Failovers:
    """Kill the leader again and again, each time with all four nodes up and nothing going on."""
    devnet = Devnet(create(folder, NODES, name="failover"))
    try:
        await devnet.up()
        outages = tuple([await _trial(devnet, number) for number in range(trials)])
    finally:
        devnet.down()
    settings = ConsensusSection()
    return Failovers(outages, settings.election_ticks * settings.tick_ms / 1000)


async def _trial(devnet: Devnet, number: int) -> float:
    layout = devnet.layout
    await devnet.up()  # all nodes answer and follow one leader
    leader = (await devnet.resolve("leader")).name
    others = [node.client_address for node in layout.nodes if node.name != leader]
    async with connect(
        others, profile=layout.profile, identity=layout.identity(), discover=False
    ) as ledger:
        await ledger.submit(create_twin(f"before-{number}"))
        await devnet.kill(leader)
        killed = time.perf_counter()
        await ledger.submit(create_twin(f"after-{number}"))
        outage = time.perf_counter() - killed
    await devnet.restart(leader)
    return outage
