"""Members come, go and replace nodes under load and through kills; nothing acknowledged is lost.

Every change of who certifies is proven from genesis at the end, by `twinledger verify`.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.integration.accounts import (
    POLL_S,
    THINK_S,
    Accounts,
    check_counters,
    check_node,
    load,
    same_head,
)
from tests.integration.membership import SLOW_TICKS, WITHIN_S, Membership
from twinledger.cli.verbs import root
from twinledger.client import connect, proofs
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import NodeEntry
from twinledger.devnet.status import leader_of, view_nodes
from twinledger.proofs.bundle import Bundle

CALLS = 4

Story = Callable[[Membership], Awaitable[None]]


def told(path: Path, story: Story, think_s: float) -> None:
    """Tell a story on four members under load, and hold it against the books at the end."""
    devnet = Devnet(create(path / "devnet", 4, settings=SLOW_TICKS))
    running: list[Devnet] = [devnet]
    try:
        asyncio.run(_tell(running, story, think_s))
    finally:
        running[-1].down()


async def _tell(running: list[Devnet], story: Story, think_s: float) -> None:
    await running[0].up()
    layout, accounts = running[0].layout, Accounts()
    async with connect(profile=layout.profile, identity=layout.identity()) as ledger:
        membership = Membership(running[0], ledger)
        try:
            async with load(ledger, accounts, CALLS, think_s=think_s):
                await story(membership)
        finally:
            running.append(membership.devnet)
        layout = membership.devnet.layout
        height = await same_head(layout)
        for address in layout.client_addresses:
            await check_node(layout, address, accounts, height)
        await check_counters(ledger, accounts, CALLS)
        proof = await ledger.prove(proofs.head(), timeout_seconds=WITHIN_S)
        changes = (await ledger.governed()).consortium.set_number
    assert not accounts.failed
    print(f"{len(accounts.acknowledged)} acknowledged, {len(accounts.unknown)} unknown")
    assert accounts.acknowledged
    assert len(Bundle.decode(proof.raw).changes) == changes > 0
    file = layout.path / "head.proof"
    file.write_bytes(proof.raw)
    asked = ["verify", str(file), "--chain-id", layout.chain_id.hex(), "--json"]
    verified = CliRunner().invoke(root, asked)
    assert verified.exit_code == 0, verified.output
    assert json.loads(verified.output)["witnesses"] == len(layout.nodes)


async def kill_and_restart(membership: Membership, *, leader: bool) -> None:
    """SIGKILL the leader, or a node that follows, and start it again."""
    devnet = membership.devnet
    founders = [node for node in devnet.layout.nodes if node.name.endswith("-1")]
    victim = await who_leads(devnet) if leader else founders[-1]
    await devnet.kill(victim.name)
    await devnet.restart(victim.name)


async def who_leads(devnet: Devnet) -> NodeEntry:
    """The leader; one that a change took out of ordering leaves none for a moment."""
    deadline = time.monotonic() + WITHIN_S
    while (leads := leader_of(await view_nodes(devnet.layout))) is None:
        assert time.monotonic() < deadline, "nobody leads"
        await asyncio.sleep(POLL_S)
    return leads.entry


async def grow(membership: Membership, member: str, *, leader: bool) -> NodeEntry:
    """Admit a member, with a kill while its node catches up."""
    entry = await membership.admit(member)
    await kill_and_restart(membership, leader=leader)
    await membership.voting(entry)
    return entry


async def shrink(membership: Membership, member: str, *, leader: bool) -> None:
    """Remove a member, with a kill while the others take it out of ordering."""
    gone = await membership.remove(member)
    began = time.monotonic()
    await cut_off(membership, gone)
    print(f"{gone.name} was cut off {time.monotonic() - began:.1f} s after the vote was answered")
    await kill_and_restart(membership, leader=leader)
    membership.end(gone)
    await membership.voting()


async def cut_off(membership: Membership, gone: NodeEntry) -> None:
    """Wait until every node has closed the removed one's stream, by its name and the reason."""
    layout = membership.devnet.layout
    deadline = time.monotonic() + WITHIN_S
    for node in layout.nodes:
        log = layout.node_folder(node) / "node.log"
        while not _closed(log, gone):
            assert time.monotonic() < deadline, f"{node.name} still hears {gone.name}"
            await asyncio.sleep(0.02)


def _closed(log: Path, gone: NodeEntry) -> bool:
    lines = log.read_text().splitlines()
    return any(
        "a peer stream is closed" in line and gone.name in line and "PEER_UNKNOWN" in line
        for line in lines
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "think_s",
    [THINK_S, pytest.param(0.0, marks=pytest.mark.full)],
    ids=["moderate load", "as much as there is"],
)
def test_four_members_become_seven_and_four_again_also_by_a_joint_change(
    tmp_path: Path, think_s: float
) -> None:
    async def story(membership: Membership) -> None:
        for turn, member in enumerate(("plant", "maker", "owner")):
            await grow(membership, member, leader=turn % 2 == 0)
        # Two nodes for two others at once: no single step leads there.
        olds = [node for node in membership.devnet.layout.nodes if node.member in GROWN]
        news = await membership.replace(*olds[:2], suffix="2")
        await kill_and_restart(membership, leader=True)
        await membership.voting(*news)
        for old in olds[:2]:
            membership.end(old)
        for turn, member in enumerate(("owner", "plant", "maker")):
            await shrink(membership, member, leader=turn % 2 == 0)

    told(tmp_path, story, think_s)


GROWN = ("plant", "maker")
