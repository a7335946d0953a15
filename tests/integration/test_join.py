"""A company joins a running consortium by the commands its operators type, and another leaves."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.integration.single_node import free_address

WITHIN_S: Final = 60.0


def run(*arguments: object) -> Any:
    command = [sys.executable, "-m", "twinledger.cli", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def devnet(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "D"
    run("devnet", "up", "--nodes", 3, "--dir", folder, "--detach")
    try:
        yield folder
    finally:
        run("devnet", "down", "--dir", folder)


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Processes that the test starts itself; they end with it."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def voters(devnet: Path) -> dict[str, bool]:
    """Every node that the ledger has, and whether it votes."""
    shown = run("consortium", "show", "--devnet", devnet)
    return {n["id"]: n["voter"] for member in shown["members"] for n in member["nodes"]}


def decide(devnet: Path, *change: object, members: tuple[str, ...]) -> None:
    """The first member proposes, the others approve."""
    first, *others = members
    made = run("consortium", "propose", *change, "--devnet", devnet, "--as", f"{first}/admin")
    number = made["events"][0]["subject"]
    for member in others:
        vote = ("consortium", "vote", number, "--approve", "--as", f"{member}/admin")
        run(*vote, "--devnet", devnet)


def test_a_company_joins_votes_and_another_is_removed(
    devnet: Path, tmp_path: Path, started: list["subprocess.Popen[bytes]"]
) -> None:
    run("twin", "create", "pump-7", "flow=1.5", "--devnet", devnet)
    folder, peer, client = tmp_path / "plant", free_address(), free_address()
    run(
        *("consortium", "join", "init", folder, "--member", "plant", "--node", "plant-1"),
        *("--peer-address", peer, "--client-address", client),
    )
    join = folder / "join.json"
    decide(devnet, "admit", join, members=("utility", "maintenance"))
    assert voters(devnet)["plant-1"] is False
    profile = tmp_path / "profile.toml"
    run("consortium", "profile", profile, "--devnet", devnet)
    genesis = devnet / "genesis.json"
    run(*("node", "init", "--id", "plant-1", "--genesis", genesis, "--dir", folder, "--join", join))
    config = folder / "node.toml"
    command = [sys.executable, "-m", "twinledger.cli", "node", "run", "--config", str(config)]
    with (tmp_path / "plant.log").open("wb") as log:
        started.append(subprocess.Popen([*command, "--peers", str(profile)], stderr=log))
    until(lambda: voters(devnet)["plant-1"], "the newcomer never voted")

    shutil.copy(folder / "plant.admin.key", devnet / "keys")
    decide(devnet, "remove", "sensors", members=("utility", "maintenance", "plant"))
    until(lambda: set(voters(devnet)) == {"utility-1", "maintenance-1", "plant-1"}, "one too many")
    run("devnet", "kill", "maintenance-1", "--dir", devnet)
    # Two of three voters, of whom one is the newcomer, make a majority.
    run("twin", "set", "pump-7", "flow=2.5", "--devnet", devnet)
