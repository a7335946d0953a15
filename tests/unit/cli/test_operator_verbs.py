"""The verbs of operators: keys, genesis files, nodes, identities, blocks, the consortium, sim."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.test_twin import sent
from tests.unit.client.fake_node import FakeNode
from twinledger.cli.connection import Connection
from twinledger.client import Identity, OutcomeUnknown, SignedTransaction
from twinledger.storage import DataFolder, LastExit
from twinledger.storage.last_exit import write_last_exit
from twinledger.v1.consortium_service_pb2 import IdentityRecord
from twinledger.v1.operation_pb2 import ROLE_DEVICE


def test_keygen_writes_a_key_and_shows_its_public_half(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "gateway.key"
    done = run("keygen", "utility/gateway-1", "--out", path, "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["public_key"] == Identity.load(path).public_key.hex()
    assert json.loads(path.read_text())["private_key"] not in done.output
    again = run("keygen", "utility/gateway-1", "--out", path, "--json")
    assert again.exit_code == 1
    assert json.loads(again.stderr)["code"] == "CONFIG_INVALID"


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    """What `consortium join init` made, with the genesis file that it led to beside it."""
    folder = tmp_path / "node"
    join(run, folder, "utility", 1)
    genesis = tmp_path / "genesis.json"
    assert run("genesis", "create", genesis, "--name", "n", "--limit", "max_operations=10")
    assert run("genesis", "add", genesis, folder / "join.json").exit_code == 0
    key = folder / "utility.admin.key"
    assert run("genesis", "sign", genesis, "--identity", key).exit_code == 0
    return folder


@pytest.fixture
def genesis(folder: Path) -> Path:
    return folder.with_name("genesis.json")


def join(run: Run, folder: Path, member: str, port: int) -> None:
    addresses = ("--peer-address", f"127.0.0.1:{port}", "--client-address", f"127.0.0.1:{port + 1}")
    about = ("--member", member, "--node", f"{member}-1", *addresses)
    done = run("consortium", "join", "init", folder, *about)
    assert done.exit_code == 0, done.output


def test_a_node_is_made(run: Run, genesis: Path, folder: Path) -> None:
    arguments = ("node", "init", "--id", "utility-1", "--genesis", genesis, "--dir", folder)
    assert run(*arguments).exit_code == 0
    assert (folder / "genesis.json").read_bytes() == genesis.read_bytes()
    with DataFolder.open(folder / "data") as data:
        assert data.node_id == "utility-1"
    again = run(*arguments, "--json")
    assert again.exit_code == 1
    assert json.loads(again.stderr)["code"] == "CONFIG_INVALID"


def test_a_node_that_the_genesis_file_does_not_name_is_not_made(
    run: Run, genesis: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    done = run("node", "init", "--id", "x-1", "--genesis", genesis, "--dir", folder, "--json")
    assert json.loads(done.stderr)["code"] == "NO_SUCH_NODE"
    assert "utility-1" in json.loads(done.stderr)["message"]
    assert "--join" in json.loads(done.stderr)["message"]
    assert not folder.exists()


def test_a_node_is_not_made_with_other_keys_than_the_genesis_file_names(
    run: Run, genesis: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "impostor"
    join(run, folder, "utility", 1)
    arguments = ("--id", "utility-1", "--genesis", genesis, "--dir", folder)
    done = run("node", "init", *arguments, "--json")
    assert json.loads(done.stderr)["code"] == "KEY_MISMATCH"
    assert not (folder / "data").exists()


def test_a_node_is_not_made_for_a_genesis_file_that_lacks_a_signature(
    run: Run, genesis: Path, folder: Path
) -> None:
    genesis.write_bytes(genesis.read_bytes().partition(b"\n\n")[0] + b"\n")
    arguments = ("--id", "utility-1", "--genesis", genesis, "--dir", folder)
    done = run("node", "init", *arguments, "--json")
    assert json.loads(done.stderr)["code"] == "GENESIS_NOT_SIGNED"
    assert not (folder / "data").exists()


def test_a_node_that_runs_tells_its_state(talk: Run, node: FakeNode) -> None:
    told = json.loads(talk("node", "status", "--node", node.address, "--json").stdout)
    assert told["running"] is True
    assert told["role"] == "leader"
    assert node.name in talk("node", "status", "--node", node.name).stdout


def test_a_node_that_the_profile_does_not_name_is_not_asked(talk: Run) -> None:
    done = talk("node", "status", "--node", "nobody-1", "--json")
    assert json.loads(done.stderr)["code"] == "NO_SUCH_NODE"
    assert "node-1" in json.loads(done.stderr)["message"]


def test_a_node_that_is_down_tells_why_it_stopped(run: Run, genesis: Path, folder: Path) -> None:
    run("node", "init", "--id", "utility-1", "--genesis", genesis, "--dir", folder)
    asked = ("node", "status", "--config", folder / "node.toml", "--timeout", "1")
    never_ran = run(*asked, "--json")
    assert never_ran.exit_code == 1
    assert json.loads(never_ran.stdout) == {"running": False, "last_exit": None}
    last = LastExit("DISK_FULL", "The disk is full.", "Make room.", 75, time.time_ns() // 1000)
    write_last_exit(folder / "data" / "last_exit.json", last)
    told = json.loads(run(*asked, "--json").stdout)
    assert told["last_exit"]["code"] == "DISK_FULL"
    shown = run(*asked)
    assert shown.exit_code == 1
    assert "The disk is full." in shown.stdout
    assert "Make room." in shown.stdout


def test_a_node_must_be_named_one_way(run: Run) -> None:
    assert run("node", "status").exit_code == 2


def test_running_with_a_configuration_that_is_none_exits_with_78(run: Run, tmp_path: Path) -> None:
    assert run("node", "run", "--config", tmp_path / "nowhere.toml").exit_code == 78


def _json(talk: Run, *arguments: object) -> Any:
    done = talk(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_identities_are_admitted_and_revoked(talk: Run, tmp_path: Path) -> None:
    key = tmp_path / "new.key"
    told = _json(talk, "identity", "add", "utility/new", "--role", "device", "--out", key)
    assert told["outcome"] == "COMMITTED"
    assert Identity.load(key).name == "utility/new"
    assert _json(talk, "identity", "revoke", "utility/new")["outcome"] == "COMMITTED"
    assert _json(talk, "identity", "list") == {"identities": []}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, ["-", "-", "-"]),
        ({"revoked": True}, ["revoked", "-", "-"]),
        ({"valid_until_us": 1_000_000}, ["expired", "-", "1970-01-01T00:00:01.000+00:00"]),
        ({"valid_from_us": 1 << 60}, ["not yet", f"{1 << 60} us", "-"]),
    ],
)
def test_of_every_identity_it_is_listed_whether_it_may_sign_now_and_until_when(
    fields: dict[str, Any], shown: list[str], talk: Run, node: FakeNode
) -> None:
    key = bytes(32)
    record = IdentityRecord(identity="utility/a", public_key=key, role=ROLE_DEVICE, **fields)
    node.identities.append(record)
    done = talk("identity", "list")
    _, line = done.stdout.splitlines()
    assert re.split(r"  +", line) == ["utility/a", "device", *shown, key.hex()]
    (told,) = _json(talk, "identity", "list")["identities"]
    assert fields.items() <= told.items()


def test_an_identity_may_be_valid_for_a_time_that_is_named_as_people_name_it(
    talk: Run, node: FakeNode, tmp_path: Path
) -> None:
    between = ("--valid-from", "1970-01-01T00:00:01Z", "--valid-until", "9000000000000000")
    key = tmp_path / "new.key"
    _json(talk, "identity", "add", "utility/new", "--role", "device", "--out", key, *between)
    admitted = sent(node).admit_identity
    assert (admitted.valid_from_us, admitted.valid_until_us) == (1_000_000, 9_000_000_000_000_000)


def test_an_identity_that_was_not_admitted_leaves_no_key(
    talk: Run, node: FakeNode, tmp_path: Path
) -> None:
    node.ledger.outcomes.append("ACCESS_DENIED")
    key = tmp_path / "new.key"
    done = talk("identity", "add", "utility/new", "--role", "device", "--out", key)
    assert done.exit_code == 1
    assert not key.exists()


def test_the_key_of_an_identity_that_may_have_been_admitted_is_kept(
    talk: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OutcomeUnknown(SignedTransaction(b"id", b"raw", 1))

    monkeypatch.setattr(Connection, "run", unknown)
    key = tmp_path / "new.key"
    done = talk("identity", "add", "utility/new", "--role", "device", "--out", key, "--json")
    assert json.loads(done.stderr)["code"] == "OUTCOME_UNKNOWN"
    assert Identity.load(key).name == "utility/new"


def test_an_identity_whose_time_is_over_is_not_admitted(
    talk: Run, node: FakeNode, tmp_path: Path
) -> None:
    key = tmp_path / "new.key"
    add = ("identity", "add", "utility/new", "--role", "device", "--out", key)
    assert talk(*add, "--valid-until", "2001-01-01T00:00Z").exit_code == 2
    assert not key.exists()


def test_an_identity_needs_a_key(talk: Run) -> None:
    assert talk("identity", "add", "utility/new", "--role", "device").exit_code == 2
    both = ("--public-key", "00" * 32, "--out", "x.key")
    assert talk("identity", "add", "utility/new", "--role", "device", *both).exit_code == 2
    done = talk("identity", "add", "u/n", "--role", "device", "--public-key", "zz", "--json")
    assert json.loads(done.stderr)["code"] == "BAD_REQUEST"


def test_blocks_are_shown(talk: Run) -> None:
    talk("twin", "set", "pump-7", "flow=13.0")
    told = _json(talk, "block", "get", "1")
    assert told["transactions"][0]["outcome"] == "COMMITTED"
    assert told["transactions"][0]["operations"][0]["twin"] == "pump-7"
    assert "flow=13.0" in talk("block", "get", "1").stdout
    assert _json(talk, "block", "get", "0")["transactions"] == []


def test_a_block_that_is_none_is_refused(talk: Run) -> None:
    for height, code in (("9", "BLOCK_NOT_FOUND"), ("x", "BAD_REQUEST"), ("9" * 30, "BAD_REQUEST")):
        done = talk("block", "get", height, "--json")
        assert json.loads(done.stderr)["code"] == code


def test_the_consortium_is_shown(talk: Run, node: FakeNode) -> None:
    told = _json(talk, "consortium", "show")
    assert told["members"][0]["nodes"][0]["client_address"] == node.address
    shown = talk("consortium", "show").stdout
    assert node.address in shown
    assert "member-without-node" in shown


def test_a_simulated_world_is_the_same_on_every_run(run: Run) -> None:
    arguments = ("sim", "--seed", "7", "--nodes", "3", "--events", "300", "--json")
    first, second = json.loads(run(*arguments).stdout), json.loads(run(*arguments).stdout)
    assert first["seed"] == 7
    # What the world did is the same; how long this machine took for it is not.
    for taken in ("cpu_seconds", "wall_seconds"):
        assert first.pop(taken) > 0
        assert second.pop(taken) > 0
    assert first == second
    assert "seed 7" in run(*arguments[:-1]).stdout
