"""A nearly full disk: leadership goes elsewhere, writes are refused, reads go on, and it ends."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.integration.accounts import WITHIN_S, one_leader, same_head
from tests.integration.single_node import SingleNode
from twinledger.client import Code, LedgerError, connect
from twinledger.client import operations as op
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout, NodeEntry
from twinledger.storage import DataFolder
from twinledger.v1.operation_pb2 import CreateTwin, Operation
from twinledger.v1.twin_service_pb2 import GetTwinRequest
from twinledger.v1.twin_service_pb2_grpc import TwinServiceStub

GIB = 1 << 30
TMPFS_MIB = 192
MIN_FREE_MIB = 32
EX_TEMPFAIL = 75


def test_a_node_low_on_disk_refuses_writes_serves_reads_and_resumes(tmp_path):
    room = [GIB]
    with SingleNode(tmp_path, free=lambda _: room[0]) as node:
        assert node.outcome(create_twin(node, "before")) == "COMMITTED"
        room[0] = 1
        assert until(lambda: node.outcome(create_twin(node, os.urandom(4).hex())) == "DISK_LOW")
        twins = TwinServiceStub(node.channel)
        assert twins.GetTwin(GetTwinRequest(twin_id="before")).twin.version == 1
        room[0] = GIB
        assert until(lambda: node.outcome(create_twin(node, os.urandom(4).hex())) == "COMMITTED")


def create_twin(node: SingleNode, twin_id: str) -> bytes:
    return node.transaction(Operation(create_twin=CreateTwin(twin_id=twin_id)))


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            return False
    return True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_a_leader_on_a_nearly_full_disk_hands_over_and_a_full_one_stops_and_comes_back(tmp_path):
    settings = {"storage": {"min_free_mib": MIN_FREE_MIB}}
    layout = create(tmp_path / "devnet", 3, settings=settings)
    devnet = Devnet(layout)
    with ExitStack() as mounted:
        # Whoever comes to lead has a small disk.
        disks = {
            node.name: mounted.enter_context(small_disk(layout.node_folder(node) / "data"))
            for node in layout.nodes
        }
        try:
            asyncio.run(fill_and_free(devnet, layout, disks))
        finally:
            devnet.down()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Put what lies in a folder onto a file system of its own, mounted at the same place."""
    kept = folder.with_name("kept")
    folder.rename(kept)
    folder.mkdir()
    options = ["-o", f"size={TMPFS_MIB}m"]
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)], check=True)
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, leave_mib: int) -> Path:
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    # Unbuffered it takes the room that there is, should a node have taken some meanwhile.
    with ballast.open("ab", buffering=0) as file:
        file.write(bytes(max(0, free - (leave_mib << 20))))
    return ballast


async def fill_and_free(devnet: Devnet, layout: Layout, disks: Mapping[str, Path]) -> None:
    await devnet.up()
    victim = layout.node(await one_leader(layout))
    disk = disks[victim.name]
    others = [n.client_address for n in layout.nodes if n is not victim]
    async with (
        connect(
            victim.client_address,
            profile=layout.profile,
            identity=layout.identity(),
            discover=False,
        ) as here,
        connect(
            others,
            profile=layout.profile,
            identity=layout.identity(),
            discover=False,
        ) as there,
    ):
        await there.submit(op.create_twin("kept"))
        ballast = fill(disk, MIN_FREE_MIB // 2)
        await refused(here)
        assert await led_by_another(layout, victim.name)
        receipt = await there.submit(op.create_twin("written-elsewhere"))
        assert (await here.twins.get("kept")).version == 1
        ballast.unlink()
        await accepted(here)

        # Now to the last byte: the node stops, says why, and comes back when there is room.
        ballast = fill(disk, 0)
        await stopped_for_room(devnet, victim, there)
        ballast.unlink()
        await devnet.restart(victim.name)
        height = await same_head(layout)
        assert height >= receipt.height
        assert (await here.twins.get("written-elsewhere")).version == 1


async def refused(ledger) -> None:
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        try:
            await ledger.submit(op.create_twin(os.urandom(4).hex()), timeout_seconds=2)
        except LedgerError as error:
            if error.code is Code.DISK_LOW or "DISK_LOW" in error.detail:
                return
    raise AssertionError("the node never said DISK_LOW")


async def accepted(ledger) -> None:
    await ledger.submit(op.create_twin(os.urandom(4).hex()), timeout_seconds=WITHIN_S)


async def led_by_another(layout: Layout, name: str) -> bool:
    deadline = time.monotonic() + WITHIN_S
    while await one_leader(layout) == name:
        if time.monotonic() > deadline:
            return False
    return True


async def stopped_for_room(devnet: Devnet, victim: NodeEntry, ledger) -> None:
    """Write elsewhere until the node with the full disk has stopped, and look at what it says."""
    deadline = time.monotonic() + WITHIN_S
    while devnet.process(victim).pid is not None:
        assert time.monotonic() < deadline, "the node does not notice its full disk"
        await ledger.submit(
            op.create_twin(os.urandom(8).hex(), [op.set_property("x", "x" * 9_999)])
        )
    last = DataFolder.last_exit(devnet.layout.node_folder(victim) / "data")
    assert last is not None
    assert (last.code, last.exit_code) == ("DISK_FULL", EX_TEMPFAIL)
