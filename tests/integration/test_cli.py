"""The command line against a real devnet, as a person would use it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from twinledger.cli.verbs import root
from twinledger.devnet.control import Devnet
from twinledger.devnet.layout import Layout

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cli") / "D"
    up = CliRunner().invoke(
        root, ["devnet", "up", "--nodes", "3", "--dir", str(folder), "--detach"]
    )
    assert up.exit_code == 0, up.output
    yield folder
    Devnet(Layout.load(folder)).down()


@pytest.fixture
def run(devnet: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TWINLEDGER_DEVNET", str(devnet))

    def run_here(*arguments: object, text: str | None = None) -> Result:
        words = [str(each) for each in arguments]
        return CliRunner().invoke(root, words, input=text, catch_exceptions=False)

    return run_here


def told(run: Run, *arguments: object, text: str | None = None) -> Any:
    done = run(*arguments, "--json", text=text)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def code(run: Run, *arguments: object) -> str:
    done = run(*arguments, "--json")
    assert done.exit_code == 1, done.output
    return str(json.loads(done.stderr)["code"])


def test_the_life_of_a_twin(run: Run) -> None:
    told(run, "twin", "create", "pump-7", "flow=12.5", "starts=1", "--model", "dtmi:x:Pump;1")
    told(run, "twin", "create", "pump-8")
    told(run, "twin", "create", "tank-1", 'limits={"low": 0.5, "raw": {"$bytes": "aGk="}}')
    told(run, "twin", "set", "pump-7", "flow=13.0", "--increment", "starts=1")
    told(run, "twin", "relate", "pump-7", "feeds", "tank-1", "--expected-version", "2")

    pump = told(run, "twin", "get", "pump-7")
    assert pump["reported"] == {"flow": 13.0, "starts": 2}
    assert type(pump["reported"]["flow"]) is float
    assert type(pump["reported"]["starts"]) is int
    assert (pump["owner"], pump["version"]) == ("utility", 3)
    tank = told(run, "twin", "get", "tank-1")
    assert tank["reported"]["limits"] == {"low": 0.5, "raw": {"$bytes": "aGk="}}

    trace = told(run, "twin", "trace", "tank-1", "--direction", "upstream")
    assert [twin["id"] for twin in trace["twins"]] == ["tank-1", "pump-7"]

    told(run, "twin", "unrelate", "pump-7", "feeds", "tank-1")
    told(run, "twin", "retire", "pump-7", "--successor", "pump-8")
    retired = told(run, "twin", "get", "pump-7")
    assert (retired["retired"], retired["successor"]) == (True, "pump-8")

    updates = told(run, "twin", "history", "pump-7")["updates"]
    assert [update["version"] for update in updates] == [1, 2, 3, 4, 5]
    kinds = [update["operation"]["operation"] for update in updates]
    assert kinds == ["create", "update", "relate", "unrelate", "retire"]
    listed = told(run, "twin", "list", "--prefix", "pump-", "--active")
    assert [twin["id"] for twin in listed["twins"]] == ["pump-8"]


def test_every_mistake_has_its_code(run: Run) -> None:
    told(run, "twin", "create", "valve-1", "open=true")
    assert code(run, "twin", "get", "nowhere") == "TWIN_NOT_FOUND"
    assert code(run, "twin", "create", "valve-1") == "TWIN_EXISTS"
    assert code(run, "twin", "create", "no spaces") == "BAD_TWIN_ID"
    assert code(run, "twin", "set", "valve-1", "open=false", "--expected-version", "7") == (
        "VERSION_MISMATCH"
    )
    assert code(run, "twin", "set", "valve-1", "a/b/c/d/e/f/g/h/i=1") == "PATH_TOO_DEEP"
    assert code(run, "twin", "set", "valve-1", "--increment", "open=1") == "WRONG_TYPE"
    assert code(run, "twin", "set", "valve-1", "x=NaN") == "NOT_FINITE"
    assert code(run, "twin", "set", "valve-1", "--delete", "none") == "PROPERTY_NOT_FOUND"
    assert code(run, "twin", "set", "valve-1", "x=1", "--as", "sensors/admin") == "ACCESS_DENIED"
    assert code(run, "block", "get", "999999") == "BLOCK_NOT_FOUND"


def test_an_identity_is_admitted_signs_and_is_revoked(run: Run, devnet: Path) -> None:
    told(run, "twin", "create", "meter-1")
    told(run, "identity", "add", "utility/gateway", "--role", "device")
    assert Layout.load(devnet).identity("utility/gateway").name == "utility/gateway"
    told(run, "twin", "set", "meter-1", "flow=1.5", "--as", "utility/gateway")
    (flow,) = told(run, "twin", "get", "meter-1")["properties"]
    assert flow["origin"]["authors"] == ["utility/gateway"]
    assert code(run, "twin", "create", "meter-2", "--as", "utility/gateway") == "ACCESS_DENIED"
    told(run, "identity", "revoke", "utility/gateway")
    found = told(run, "identity", "list", "--member", "utility")["identities"]
    assert {each["identity"]: each["revoked"] for each in found}["utility/gateway"]
    assert code(run, "twin", "set", "meter-1", "flow=2.0", "--as", "utility/gateway") == (
        "IDENTITY_REVOKED"
    )


def test_an_identity_of_another_member_is_admitted_by_that_members_admin(run: Run) -> None:
    told(run, "identity", "add", "sensors/probe", "--role", "operator")
    told(run, "twin", "create", "probe-1", "--as", "sensors/probe")
    assert told(run, "twin", "get", "probe-1")["owner"] == "sensors"


def test_a_file_of_operations_is_submitted_and_found_in_blocks(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "operations.jsonl"
    lines = [
        json.dumps({"operation": "create", "twin": f"bulk-{n}", "set": {"n": n}})
        for n in range(300)
    ]
    path.write_text("\n".join(lines))
    done = run("tx", "submit", path, "--wait", "committed", "--json")
    assert done.exit_code == 0, done.output
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(result["line"] for result in results) == list(range(1, 301))
    assert len(told(run, "twin", "list", "--prefix", "bulk-")["twins"]) == 300

    receipt = results[0]["receipt"]
    status = told(run, "tx", "status", receipt["transaction_id"])
    assert status["receipt"] == receipt
    block = told(run, "block", "get", receipt["height"])
    assert block["transactions"][receipt["index"]]["transaction_id"] == receipt["transaction_id"]


def test_a_watch_tells_every_update_from_a_cursor_on(run: Run) -> None:
    created = told(run, "twin", "create", "watched-1")
    for flow in (1.0, 2.0, 3.0):
        told(run, "twin", "set", "watched-1", f"flow={flow}")
    done = run(
        *("twin", "watch", "watched-1", "--after", created["cursor"], "--limit", "3", "--json")
    )
    assert done.exit_code == 0, done.output
    updates = [json.loads(line) for line in done.stdout.splitlines()]
    assert [update["version"] for update in updates] == [2, 3, 4]
    assert [update["operation"]["changes"][0]["set"] for update in updates] == [1.0, 2.0, 3.0]


def test_nodes_and_members_are_shown(run: Run, devnet: Path) -> None:
    consortium = told(run, "consortium", "show")
    assert [member["name"] for member in consortium["members"]] == [
        *("maintenance", "sensors", "utility")
    ]
    node = Layout.load(devnet).nodes[0]
    config = Layout.load(devnet).node_folder(node) / "node.toml"
    assert told(run, "node", "status", "--config", config)["node_id"] == node.name
    assert told(run, "node", "status", "--node", node.client_address)["running"] is True
    assert run("devnet", "status").exit_code == 0


def test_a_profile_does_what_a_devnet_does(
    run: Run, devnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout.load(devnet)
    profile = tmp_path / "profile.toml"
    replace(layout.profile, key=layout.key_file("utility/admin")).save(profile)
    monkeypatch.delenv("TWINLEDGER_DEVNET")
    monkeypatch.setenv("TWINLEDGER_PROFILE", str(profile))
    assert told(run, "twin", "create", "profiled-1")["outcome"] == "COMMITTED"
    profile.write_text(profile.read_text().replace(layout.chain_id.hex(), "00" * 32))
    assert code(run, "twin", "get", "profiled-1") == "WRONG_CHAIN"
