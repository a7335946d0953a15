"""A devnet's profile follows what certified heads commit to, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transport_keys import credential
from tests.unit.client.looped import looped
from tests.unit.client.proving_node import ProvingNode
from tests.unit.client.test_following_trust import NEW, join, rotate
from tests.unit.ledger.refusals import refused
from tests.unit.proofs.world import World
from twinledger.client import Code, Identity, Profile, TrustedNode
from twinledger.devnet.layout import Layout, NodeEntry, key_path, profile_path
from twinledger.devnet.trust import refresh_profile
from twinledger.v1 import ledger_service_pb2 as pb

OWN = credential("maker-1")


@pytest.fixture
def node() -> Iterator[ProvingNode]:
    made = ProvingNode(World(), shown=[OWN])
    rotate(made.world, made.address, OWN.certificate)
    yield made
    made.stop()


@pytest.fixture
def layout(tmp_path: Path, node: ProvingNode) -> Layout:
    """A devnet whose one node is of a consortium that grew since its profile was written."""
    chain_id = node.world.genesis.chain_id
    (tmp_path / "keys").mkdir()
    Identity.generate("maker/admin").save(key_path(tmp_path, "maker/admin"))
    trusted = TrustedNode("maker-1", node.address, "127.0.0.1:1", (OWN.certificate,))
    Profile(chain_id, (trusted,)).save(profile_path(tmp_path))
    entry = NodeEntry("maker-1", "maker", node.address, "127.0.0.1:1")
    return Layout(tmp_path, chain_id, (entry,))


@looped
async def test_nodes_that_joined_and_certificates_that_changed_come_into_the_profile(layout, node):
    assert await refresh_profile(layout)
    assert not await refresh_profile(layout)
    join(node.world, "surveyor", 8000)
    rotate(node.world, node.address, OWN.certificate, NEW)
    assert await refresh_profile(layout)
    found = {each.node_id: each.certificates for each in layout.profile.nodes}
    assert found["surveyor-1"] == (b"certificate of surveyor-1",)
    assert found["maker-1"] == (OWN.certificate, NEW)
    assert layout.profile.height == node.world.size - 1


@looped
async def test_what_is_not_certified_leaves_the_profile_as_it_was(layout, node) -> None:
    before = layout.profile
    node.lie = lambda _: pb.ProveResponse(bundle=b"trust me")
    with refused(Code.PROOF_MALFORMED):
        await refresh_profile(layout)
    assert layout.profile == before
