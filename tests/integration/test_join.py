"""A company joins a running consortium by the commands its operators type, and another leaves."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.integration.commands import answer as run
from tests.integration.pages import OPERATIONS, Terminal, blocks_of

WITHIN_S: Final = 90.0


@pytest.fixture
def devnet(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "D"
    run("devnet", "up", "--nodes", 3, "--dir", folder, "--detach")
    try:
        yield folder
    finally:
        run("devnet", "down", "--dir", folder)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def voters(devnet: Path) -> dict[str, bool]:
    """Every node that the ledger has, and whether it votes."""
    shown = run("consortium", "show", "--devnet", devnet)
    return {n["id"]: n["voter"] for member in shown["members"] for n in member["nodes"]}


def still_orders(devnet: Path, node: str) -> bool:
    """Whether a node's status says that somebody orders whom the ledger does not name any more."""
    config, key = devnet / "nodes" / node / "node.toml", devnet / "keys" / "utility.admin.key"
    status = run("node", "status", "--config", config, "--key", key)
    return any("still ordering" in warning for warning in status["warnings"])


def decide(devnet: Path, *change: object, members: tuple[str, ...]) -> None:
    """The first member proposes, the others approve."""
    first, *others = members
    made = run("consortium", "propose", *change, "--devnet", devnet, "--as", f"{first}/admin")
    number = made["events"][0]["subject"]
    for member in others:
        vote = ("consortium", "vote", number, "--approve", "--as", f"{member}/admin")
        run(*vote, "--devnet", devnet)


def test_a_company_joins_votes_and_another_is_removed(
    devnet: Path, tmp_path: Path, terminal: Terminal
) -> None:
    run("twin", "create", "pump-7", "flow=1.5", "--devnet", devnet)
    install, joining = blocks_of(OPERATIONS / "join.md")
    assert len(install.lines) + len(joining.lines) <= 8
    terminal.run(joining)
    folder = tmp_path / "plant"
    until(lambda: voters(devnet)["plant-1"], "the newcomer never voted")

    shutil.copy(folder / "plant.admin.key", devnet / "keys")
    decide(devnet, "remove", "sensors", members=("utility", "maintenance", "plant"))
    until(lambda: set(voters(devnet)) == {"utility-1", "maintenance-1", "plant-1"}, "one too many")
    # Who orders follows a moment later: until then the removed node counts in majorities.
    until(lambda: not still_orders(devnet, "utility-1"), "utility-1 still counts the removed node")
    until(lambda: not still_orders(devnet, "maintenance-1"), "maintenance-1 still counts it")
    run("devnet", "kill", "maintenance-1", "--dir", devnet)
    # Two of three voters, of whom one is the newcomer, make a majority.
    run("twin", "set", "pump-7", "flow=2.5", "--devnet", devnet)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_the_program_is_installed_by_the_command_of_the_page(terminal: Terminal) -> None:
    install, _ = blocks_of(OPERATIONS / "join.md")
    terminal.run(install)
    assert (terminal.folder / "twinledger" / ".venv" / "ready").exists()
