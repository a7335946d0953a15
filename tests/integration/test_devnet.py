"""A devnet of real processes: up, killed, restarted, down, and up again with what it stored."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twinledger.client import Code, LedgerError, connect_sync
from twinledger.devnet.control import Devnet
from twinledger.devnet.creation import create
from twinledger.devnet.layout import Layout
from twinledger.devnet.status import leader_of, view_nodes

STATUS_FIELDS = {
    *("name", "member", "pid", "client_address", "peer_address", "data_dir"),
    *("role", "term", "height", "applied_height", "certified_height", "head"),
}
UP_SECONDS = 60
SETTINGS = {"storage": {"min_free_mib": 1}}


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the command line as a process of its own."""
    words = [sys.executable, "-m", "twinledger.cli", *(str(each) for each in arguments)]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=120, check=False, env=environment()
    )


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}


def status(folder: Path) -> Any:
    done = command("devnet", "status", "--dir", folder, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a devnet may be made; whatever runs there is ended."""
    path = tmp_path / "D"
    yield path
    if (path / "devnet.json").exists():
        Devnet(Layout.load(path)).down(stop_seconds=5)


def test_a_devnet_comes_up_survives_its_leader_and_keeps_what_it_stored(folder: Path) -> None:
    up = command("devnet", "up", "--nodes", "4", "--dir", folder, "--detach", "--json")
    assert up.returncode == 0, up.stderr
    told = json.loads(up.stdout)
    assert told["dir"] == str(folder)
    assert [set(node) for node in told["nodes"]] == [STATUS_FIELDS] * 4
    assert [node["role"] for node in told["nodes"]].count("leader") == 1
    assert all(node["pid"] for node in told["nodes"])

    layout = Layout.load(folder)
    with connect_sync(profile=layout.profile, identity=layout.identity()) as ledger:
        ledger.twins.create("pump-7", set={"flow": 12.5})

        killed = command("devnet", "kill", "leader", "--dir", folder, "--json")
        assert killed.returncode == 0, killed.stderr
        name = json.loads(killed.stdout)["killed"]
        ledger.twins.update("pump-7", set={"flow": 13.0})

        (dead,) = [node for node in status(folder)["nodes"] if node["name"] == name]
        assert (dead["pid"], dead["role"], dead["head"]) == (None, None, None)
        again = command("devnet", "kill", name, "--dir", folder, "--json")
        assert again.returncode == 1
        assert json.loads(again.stderr)["code"] == "NO_SUCH_NODE"

        restarted = command("devnet", "restart", name, "--dir", folder)
        assert restarted.returncode == 0, restarted.stderr
        height = ledger.head().height

    down = command("devnet", "down", "--dir", folder, "--json")
    assert down.returncode == 0, down.stderr
    assert sorted(json.loads(down.stdout)["stopped"]) == sorted(n.name for n in layout.nodes)
    assert json.loads(down.stdout)["killed"] == []
    assert [node["pid"] for node in status(folder)["nodes"]] == [None] * 4

    assert command("devnet", "up", "--dir", folder, "--detach").returncode == 0
    assert Layout.load(folder) == layout
    with connect_sync(profile=layout.profile, identity=layout.identity()) as ledger:
        ledger.linearize()
        assert ledger.head().height > height
        assert ledger.twins.get("pump-7").reported == {"flow": 13.0}


def test_nobody_leads_a_devnet_that_is_down(folder: Path) -> None:
    net = Devnet(create(folder, 1, settings=SETTINGS))
    with pytest.raises(LedgerError) as raised:
        asyncio.run(net.kill("leader"))
    assert raised.value.code is Code.NO_LEADER
    done = command("devnet", "kill", "nowhere-1", "--dir", folder, "--json")
    assert json.loads(done.stderr)["code"] == "NO_SUCH_NODE"
    assert net.down().stopped == ()


def test_a_node_that_will_not_start_is_named_with_its_reason(folder: Path) -> None:
    layout = create(folder, 2, settings=SETTINGS)
    broken = layout.node_folder(layout.nodes[1]) / "node.toml"
    broken.write_text(broken.read_text().replace("[listen]", "[listening]"))
    done = command("devnet", "up", "--dir", folder, "--detach", "--json")
    assert done.returncode == 1
    error = json.loads(done.stderr)
    assert "maintenance-1" in error["message"]
    assert "listening" in error["message"]


def test_a_node_whose_port_is_taken_says_so(folder: Path) -> None:
    layout = create(folder, 1, settings=SETTINGS)
    host, _, port = layout.nodes[0].client_address.rpartition(":")
    with socket.create_server((host, int(port))), pytest.raises(LedgerError) as raised:
        asyncio.run(Devnet(layout).up(UP_SECONDS))
    assert raised.value.code is Code.ADDRESS_IN_USE
    assert "utility-1" in raised.value.message


def test_nodes_that_cannot_agree_on_a_leader_are_not_called_up(folder: Path) -> None:
    layout = create(folder, 3, settings=SETTINGS)
    net = Devnet(layout)
    asyncio.run(net.restart(layout.nodes[0].name, UP_SECONDS))
    views = asyncio.run(view_nodes(layout))
    assert views[0].status is not None
    assert leader_of(views) is None
    assert leader_of(asyncio.run(net.up(UP_SECONDS))) is not None


@pytest.mark.parametrize("json_too", [False, True])
def test_in_the_foreground_it_takes_everything_down_when_interrupted(
    folder: Path, json_too: bool
) -> None:
    create(folder, 2, settings=SETTINGS)
    words = [sys.executable, "-m", "twinledger.cli", "devnet", "up", "--dir", str(folder)]
    words += ["--json"] if json_too else []
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as shown:
        try:
            assert shown.stdout is not None
            lines = []
            for line in shown.stdout:
                lines.append(line)
                if "leader" in line:
                    break
            assert all(node["pid"] for node in status(folder)["nodes"])
            shown.send_signal(signal.SIGINT)
            rest, errors = shown.communicate(timeout=60)
        finally:
            shown.kill()
    assert "leader" in lines[-1], rest + errors
    assert shown.returncode == 0, errors
    assert "Stopped" in errors
    assert [node["pid"] for node in status(folder)["nodes"]] == [None, None]


def test_another_number_of_nodes_than_there_are_is_refused(folder: Path) -> None:
    create(folder, 1, settings=SETTINGS)
    assert command("devnet", "up", "--nodes", "3", "--dir", folder, "--detach").returncode == 2
