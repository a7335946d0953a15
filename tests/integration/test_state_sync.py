"""A node that is new, or far behind, comes on by a snapshot, and is then as good as the others."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc
import pytest

from scripts.benchmark.chain import ADMIN, Chain, member
from tests.integration.calling import calling_as
from tests.integration.single_node import code_of, free_address
from tests.transport_keys import channel
from twinledger.client import Identity
from twinledger.client import operations as op
from twinledger.consensus import NodeId
from twinledger.consortium.members import Member
from twinledger.ledger.names import TwinId
from twinledger.ledger.transaction import sign
from twinledger.node.configuration import load
from twinledger.node.foundation import Foundation
from twinledger.node.node_keys import CERTIFICATE_VALIDITY_US, NodeKeys
from twinledger.node.running import Node
from twinledger.storage import ChainProofs, DataFolder
from twinledger.v1 import ledger_service_pb2 as pb
from twinledger.v1.ledger_service_pb2_grpc import LedgerServiceStub

EVERY = 500


@dataclass
class Runner:
    """One node in this process, opened again whenever it asks for that."""

    folder: Path
    node: Node | None = None
    lives: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _running: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        self._running = asyncio.create_task(self._run())
        await eventually(lambda: self.node is not None)

    async def stop(self) -> None:
        self._stop.set()
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        with DataFolder.open(self.folder / "data", min_free_bytes=1 << 20) as data:
            again = True
            while again:
                self.node = await Node.start(data, load(self.folder / "node.toml"))
                self.lives += 1
                try:
                    again = await self.node.run_until(self._stop)
                finally:
                    await self.node.close()

    @property
    def live(self) -> Node:
        assert self.node is not None
        return self.node

    @property
    def height(self) -> int:
        return self.live.foundation.stores.chain.applied_height or 0


async def eventually(holds: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.02)


def member_with_keys(path: Path, name: str) -> Member:
    """A member whose node has its keys in its folder."""
    path.mkdir()
    node_id = NodeId(f"{name}-1")
    keys = NodeKeys.create(path / "keys", f"{name}/{node_id}")
    until_us = time.time_ns() // 1000 + CERTIFICATE_VALIDITY_US
    node = keys.record(node_id, free_address(), free_address(), valid_until_us=until_us)
    return replace(member(name), nodes=(node,))


def folder_for(path: Path, name: str, chain: Chain, members: list[Member], extra: str) -> Runner:
    """A node's folder with nothing in it yet."""
    record = next(m for m in members if m.name == name).nodes[0]
    (path / "genesis.json").write_bytes(chain.genesis.raw)
    (path / "node.toml").write_text(
        f'[node]\nid = "{record.node_id}"\n[listen]\nclient = "{record.client_address}"\n'
        f'peer = "{record.peer_address}"\n[storage]\nmin_free_mib = 1\n{extra}\n'
    )
    node_id = NodeId(record.node_id)
    DataFolder.create(path / "data", chain.genesis.raw, node_id, reserve_bytes=1 << 20)
    return Runner(path)


def with_the_chain_of(runner: Runner, chain: Path) -> Runner:
    """As if this node had been there all the time."""
    for name in ("log", "chain"):
        shutil.rmtree(runner.folder / "data" / name)
        shutil.copytree(chain / name, runner.folder / "data" / name)
    shutil.copyfile(chain / "log.marker", runner.folder / "data" / "log.marker")
    return runner


@asynccontextmanager
async def consortium(
    tmp_path: Path, blocks: int, extra: str = f"snapshot_every = {EVERY}"
) -> AsyncIterator[tuple[Runner, Runner, Runner, Chain]]:
    """Two nodes with a chain, running, and one that has never started."""
    names = ("utility", "maker", "late")
    members = [member_with_keys(tmp_path / name, name) for name in names]
    chain = Chain.create(tmp_path / "made", members=members)
    chain.grow(blocks)
    chain.close()
    first, second, late = (
        folder_for(tmp_path / name, name, chain, members, extra) for name in names
    )
    running = [with_the_chain_of(runner, tmp_path / "made") for runner in (first, second)]
    await asyncio.gather(*(runner.start() for runner in running))
    try:
        await eventually(lambda: any(r.live.parts.replica.leads for r in running))
        yield first, second, late, chain
    finally:
        await asyncio.gather(*(runner.stop() for runner in (first, second, late)))


async def synced(late: Runner, others: list[Runner]) -> None:
    await late.start()
    await eventually(lambda: late.lives == 2, 240)
    await eventually(lambda: late.height >= min(r.height for r in others), 120)


def check_proofs(late: Runner, other: Runner) -> None:
    """At a common height, everything that is proven is proven alike, byte for byte."""
    chains = [runner.live.foundation.stores.chain for runner in (late, other)]
    height = min(runner.height for runner in (late, other))
    here, there = (ChainProofs(chain) for chain in chains)
    for key, _ in chains[1].scan(b"twin/"):
        twin = TwinId(key[5:].decode())
        assert here.twin(twin, height) == there.twin(twin, height)
        assert chains[0].updates(twin, 0, 10_000) == chains[1].updates(twin, 0, 10_000)
    assert here.state(b"nothing", height) == there.state(b"nothing", height)
    size = height + 1
    for old in range(0, height, 97):
        assert here.inclusion(old, size) == there.inclusion(old, size)
        assert here.consistency(old + 1, size) == there.consistency(old + 1, size)
        assert chains[0].header_bytes(old) == chains[1].header_bytes(old)


async def story_of_a_new_node(tmp_path: Path, blocks: int) -> None:
    async with consortium(tmp_path, blocks) as (first, second, late, chain):
        taking = first.live.parts.snapshot_taking
        await eventually(lambda: taking.log.first_index() > 1)
        await synced(late, [first, second])
        log = late.live.foundation.stores.log
        assert log.oldest > EVERY, "it began at a snapshot and not at genesis"
        await eventually(lambda: late.height == first.height)
        check_proofs(late, first)
        await serves(late, chain, log.oldest)


async def serves(late: Runner, chain: Chain, oldest: int) -> None:
    """It takes a transaction, knows the old ones, and says what it does not have."""
    await asyncio.to_thread(check_service, late.live.foundation, chain, oldest)


def check_service(foundation: Foundation, chain: Chain, oldest: int) -> None:
    shown = foundation.keys.transports[0].certificate
    with channel(foundation.configuration.listen.client, shown) as bare:
        admin = Identity(ADMIN.identity, ADMIN.key)
        node_id = foundation.folder.node_id
        ledger = LedgerServiceStub(calling_as(admin, chain.genesis.chain_id, node_id, bare))
        raw = sign(
            chain.genesis.chain_id,
            [ADMIN],
            [op.create_twin("new")],
            time.time_ns() // 1000 + 30_000_000,
            bytes(16),
        )
        status = ledger.Submit(pb.SubmitRequest(transaction=raw), timeout=60).status
        assert status.receipt.outcome == "COMMITTED"
        with pytest.raises(grpc.RpcError) as raised:
            ledger.GetBlock(pb.GetBlockRequest(height=5), timeout=60)
        assert code_of(raised.value) == "PRUNED"
        found = ledger.GetBlock(pb.GetBlockRequest(height=oldest), timeout=60)
        assert found.block.header


def test_a_new_node_joins_by_a_snapshot_and_proves_what_the_others_prove(tmp_path: Path) -> None:
    asyncio.run(story_of_a_new_node(tmp_path, 1600))


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_new_node_joins_a_chain_of_20_000_blocks(tmp_path: Path) -> None:
    asyncio.run(story_of_a_new_node(tmp_path, 20_000))
