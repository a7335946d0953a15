"""A fake node, a profile that names it, and a way to run the command line against it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.client.fake_node import FakeNode
from twinledger.cli.verbs import root
from twinledger.client import Identity

Run = Callable[..., Result]


@pytest.fixture
def node() -> Iterator[FakeNode]:
    made = FakeNode()
    yield made
    made.stop()


@pytest.fixture
def profile(node: FakeNode, tmp_path: Path) -> Path:
    Identity.generate("utility/gateway").save(tmp_path / "gateway.key")
    path = tmp_path / "profile.toml"
    path.write_text(
        f'chain_id = "{node.ledger.chain_id.hex()}"\ninsecure = true\nkey = "gateway.key"\n'
        f'[[nodes]]\nid = "{node.name}"\nclient_address = "{node.address}"\n'
        'peer_address = "127.0.0.1:1"\n'
    )
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `twinledger ARGUMENTS` with nothing in the environment."""
    monkeypatch.delenv("TWINLEDGER_DEVNET", raising=False)
    monkeypatch.delenv("TWINLEDGER_PROFILE", raising=False)

    def run_in_process(*arguments: object, text: str | None = None) -> Result:
        return CliRunner().invoke(
            root, [str(each) for each in arguments], input=text, catch_exceptions=False
        )

    return run_in_process


@pytest.fixture
def talk(run: Run, profile: Path) -> Run:
    """Runs a command that talks to the fake node, which proves nothing."""

    def run_with_profile(*arguments: object, text: str | None = None) -> Result:
        word = () if arguments[0] == "node" else ("--unverified",)
        return run(*arguments, "--profile", profile, *word, text=text)

    return run_with_profile
