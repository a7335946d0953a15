"""What a transparency-log client is told of the log it follows."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.proving_node import ProvingNode
from tests.unit.proofs.cases import recovered_world, world
from tests.unit.proofs.world import World
from twinledger.client import Identity, Profile, TrustedNode


@pytest.fixture
def node() -> Iterator[ProvingNode]:
    made = ProvingNode(world())
    yield made
    made.stop()


@pytest.mark.parametrize(("chain", "epoch"), [(world, ""), (recovered_world, "/epoch-1")])
def test_the_log_is_named_as_the_heads_of_its_epoch_name_it(
    node: ProvingNode, run: Run, tmp_path: Path, chain: type[World], epoch: str
) -> None:
    node.world = chain()
    chain_id = node.world.genesis.chain_id
    Identity.generate("utility/admin").save(tmp_path / "admin.key")
    trusted = TrustedNode(node.name, node.address, "127.0.0.1:1", ())
    path = tmp_path / "profile.toml"
    Profile(chain_id, (trusted,), insecure=True, key=tmp_path / "admin.key").save(path)
    words = ("node", "tiles-token", node.name, "--profile", path, "--json", "--unverified")
    done = run(*words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["origin"] == f"twinledger/{chain_id.hex()}{epoch}"
    assert told["vkey"].startswith(f"{told['origin']}+")
