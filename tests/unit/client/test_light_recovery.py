"""A client's newest head and a recovery: it follows from below the fork, never from above it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.client.looped import looped
from tests.unit.client.proving_node import ProvingNode
from tests.unit.client.test_light import profile_of
from tests.unit.client.test_light import proof as proof_of_head
from tests.unit.ledger.refusals import refused
from tests.unit.ledger.wire import set_, update
from tests.unit.proofs.cases import recovered_world, until_the_second_change
from tests.unit.proofs.world import World
from twinledger.client import Code, connect, proofs
from twinledger.client import light as light_module
from twinledger.client.head_file import HeadFile
from twinledger.client.proofs import TrustedHead
from twinledger.v1 import ledger_service_pb2 as pb

FORK = 7
"""The size of the head that the recovery goes on from."""
SIGNED = "maker/admin, plant/admin, regulator/admin signed that nothing newer was certified"


@pytest.fixture(autouse=True)
def _no_head_is_young(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every read asks for the head."""
    monkeypatch.setattr(light_module, "FRESH_SECONDS", 0.0)


@pytest.fixture
def node() -> Iterator[ProvingNode]:
    """A node of the epoch that the members opened."""
    made = ProvingNode(recovered_world())
    yield made
    made.stop()


def just_opened() -> World:
    """The new epoch is shorter than what clients had seen of the old one."""
    world = until_the_second_change()
    world.recover()
    return world


def recovered_twice() -> World:
    """The newest recovery forks above what the client had seen, the first one below."""
    world = until_the_second_change()
    for by in (("maker", "plant", "regulator"), ("plant", "regulator", "utility")):
        world.recover(by, lost=0)
        for level in range(6):
            world.append(world.sign(update("tank-1", set_("level", float(level)))))
    return world


def standing_at(folder: Path, node: ProvingNode, size: int) -> Path:
    """A profile with the new nodes in the place of an older one, whose newest head was kept."""
    path = profile_of(folder, node)
    HeadFile.beside(path).keep(*proof_of_head(size))
    return path


@pytest.mark.parametrize("size", [1, 4, FORK])
@looped
async def test_a_head_up_to_the_fork_leads_through_the_recovery(node, tmp_path, size) -> None:
    path = standing_at(tmp_path, node, size)
    async with connect(profile=path) as ledger:
        assert (await ledger.twins.get("tank-1")).height == recovered_world().size - 1
    kept = TrustedHead.load(f"{path}.head")
    assert (kept.size, kept.standing.consortium.epoch) == (recovered_world().size, 1)
    assert [request.trusted_size for request in node.asked if request.HasField("head")] == [size]
    # And from there on, within the epoch.
    async with connect(profile=path) as ledger:
        await ledger.twins.get("tank-1")


@pytest.mark.parametrize("world", [recovered_world, just_opened, recovered_twice])
@pytest.mark.parametrize("size", [FORK + 1, FORK + 3])
@looped
async def test_a_head_above_the_fork_is_never_given_up_and_the_truncation_is_named(
    node, tmp_path, size, world
) -> None:
    node.world = world()
    path = standing_at(tmp_path, node, size)
    async with connect(profile=path) as ledger:
        for _ in range(2):
            with refused(Code.PROOF_TRUNCATED, f"height {size - 1} was certified"):
                await ledger.twins.get("tank-1")
        with refused(Code.PROOF_TRUNCATED, f"{node.address}: height"):
            await ledger.head()
        with refused(Code.PROOF_TRUNCATED, SIGNED):
            await ledger.consortium()
    kept = TrustedHead.load(f"{path}.head")
    assert (kept.size, kept.standing.consortium.epoch) == (size, 0)


@looped
async def test_what_a_node_does_not_prove_explains_nothing(node, tmp_path) -> None:
    """It says that it is of another epoch, and shows no recovery."""

    def lie(request: pb.ProveRequest) -> pb.ProveResponse | None:
        return None if request.trusted_size else pb.ProveResponse(bundle=b"a recovery, believe me")

    node.lie = lie
    async with connect(profile=standing_at(tmp_path, node, FORK + 1)) as ledger:
        with refused(Code.HEAD_CONFLICT, "another history below size 8"):
            await ledger.twins.get("tank-1")


@looped
async def test_a_proof_from_a_trusted_head_above_the_fork_names_the_truncation_too(node, tmp_path):
    path = standing_at(tmp_path, node, FORK + 2)
    trusted = TrustedHead.load(f"{path}.head")
    async with connect(node.address, insecure=True) as ledger:
        with refused(Code.PROOF_TRUNCATED, SIGNED):
            await ledger.prove(proofs.twin("tank-1"), trusted=trusted)
        # Without that head nothing was promised to this client.
        assert (await ledger.prove(proofs.twin("tank-1"))).proven.told.header.height == 9
