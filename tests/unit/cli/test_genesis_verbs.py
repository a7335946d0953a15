"""`genesis` and `consortium join`: from nothing to a file that every founder signed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.test_operator_verbs import join
from twinledger.client import Profile
from twinledger.client.key_files import read_public
from twinledger.consortium.join_file import JoinFile
from twinledger.ledger.key_file import Purpose


def said(run: Run, *arguments: object) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refused(run: Run, *arguments: object) -> str:
    done = run(*arguments, "--json")
    assert done.exit_code == 1, done.output
    return str(json.loads(done.stderr)["code"])


def test_two_founders_make_a_genesis_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "genesis.json"
    for port, member in ((1, "utility"), (11, "maker")):
        join(run, tmp_path / member, member, port)
    rule = ("--rule", "proposal_lifetime_us=5000000")
    said(run, "genesis", "create", file, "--name", "two", *rule, "--limit", "max_operations=10")
    said(run, "genesis", "add", file, tmp_path / "utility" / "join.json")
    added = said(run, "genesis", "add", file, tmp_path / "maker" / "join.json")
    assert added["not_signed"] == ["maker", "utility"]
    assert refused(run, "genesis", "check", file) == "GENESIS_NOT_SIGNED"
    for member in ("utility", "maker"):
        key = tmp_path / member / f"{member}.admin.key"
        signed = said(run, "genesis", "sign", file, "--identity", key)
        assert signed["chain_id"] == added["chain_id"]
        assert refused(run, "genesis", "sign", file, "--identity", key) == "GENESIS_SIGNED_TWICE"
    checked = said(run, "genesis", "check", file)
    assert checked["signed_by"] == ["maker/admin", "utility/admin"]
    assert checked["limits"]["max_operations"] == 10
    assert checked["rules"]["proposal_lifetime_us"] == 5000000
    assert checked["members"][0]["nodes"][0]["node_id"] == "maker-1"
    assert (
        refused(run, "genesis", "add", file, tmp_path / "maker" / "join.json") == "GENESIS_SEALED"
    )
    shown = run("genesis", "show", file).stdout
    assert added["chain_id"] in shown
    assert "maker/admin" in shown


def test_a_profile_of_the_founders_names_the_key_to_sign_with(run: Run, tmp_path: Path) -> None:
    file, key = tmp_path / "genesis.json", tmp_path / "utility" / "utility.admin.key"
    join(run, tmp_path / "utility", "utility", 1)
    said(run, "genesis", "create", file, "--name", "n")
    said(run, "genesis", "add", file, tmp_path / "utility" / "join.json")
    made = ("genesis", "profile", file, "--out", tmp_path / "profile.toml", "--key", key)
    assert refused(run, *made) == "GENESIS_NOT_SIGNED"
    said(run, "genesis", "sign", file, "--identity", key)
    chain_id = said(run, *made)["chain_id"]
    profile = Profile.load(tmp_path / "profile.toml")
    assert (profile.chain_id.hex(), profile.key) == (chain_id, key)
    assert [node.node_id for node in profile.nodes] == ["utility-1"]


def test_a_genesis_file_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "genesis.json"
    said(run, "genesis", "create", file, "--name", "n")
    before = file.read_bytes()
    assert refused(run, "genesis", "create", file, "--name", "m") == "CONFIG_INVALID"
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--name", ""), "GENESIS_INVALID"),
        (("--name", "n", "--limit", "max_fun=1"), "BAD_REQUEST"),
        (("--name", "n", "--limit", "max_operations=x"), "BAD_REQUEST"),
        (("--name", "n", "--limit", "max_operations=0"), "GENESIS_INVALID"),
        (("--name", "n", "--rule", "admit_member_percent=49"), "GENESIS_INVALID"),
    ],
)
def test_a_draft_that_could_not_be_signed_is_not_begun(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: str
) -> None:
    assert refused(run, "genesis", "create", tmp_path / "g.json", *arguments) == code
    assert not (tmp_path / "g.json").exists()


def test_a_join_file_that_was_altered_is_not_added(run: Run, tmp_path: Path) -> None:
    join(run, tmp_path / "utility", "utility", 1)
    file, altered = tmp_path / "genesis.json", tmp_path / "utility" / "join.json"
    said(run, "genesis", "create", file, "--name", "n")
    altered.write_text(altered.read_text().replace("127.0.0.1:2", "127.0.0.1:3"))
    assert refused(run, "genesis", "add", file, altered) == "JOIN_INVALID"


def test_join_init_makes_private_keys_and_never_overwrites_them(run: Run, tmp_path: Path) -> None:
    join(run, tmp_path, "utility", 1)
    keys = [*(tmp_path / "keys").iterdir(), tmp_path / "utility.admin.key"]
    assert sorted(key.name for key in keys) == [
        "log.key",
        "transport.key",
        "utility.admin.key",
        "witness.key",
    ]
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    again = ("--member", "utility", "--node", "utility-2", "--admin", "second")
    addresses = ("--peer-address", "h:1", "--client-address", "h:2")
    arguments = ("consortium", "join", "init", tmp_path, *again, *addresses)
    assert refused(run, *arguments) == "CONFIG_INVALID"
    # As an interrupted command leaves it.
    (tmp_path / "join.json").unlink()
    assert "name another folder" in run(*arguments).stderr
    assert not (tmp_path / "utility.second.key").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ("--member", "a b"),
        ("--node", "a/b"),
        ("--admin", ""),
        ("--peer-address", "h"),
        ("--peer-address", "h:2"),
    ],
)
def test_join_init_makes_nothing_of_what_no_join_file_can_say(
    run: Run, tmp_path: Path, wrong: tuple[str, str]
) -> None:
    about = {
        "--member": "m",
        "--node": "m-1",
        "--peer-address": "h:1",
        "--client-address": "h:2",
        **dict([wrong]),
    }
    arguments = [text for pair in about.items() for text in pair]
    folder = tmp_path / "new"
    assert refused(run, "consortium", "join", "init", folder, *arguments) == "BAD_REQUEST"
    assert not folder.exists()


def test_keys_are_sealed_on_demand_and_the_passphrase_never_comes_as_an_argument(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gateway.key"
    arguments = ("keygen", "utility/gateway", "--out", path, "--sealed")
    assert refused(run, *arguments) == "KEY_LOCKED"
    monkeypatch.setenv("TWINLEDGER_PASSPHRASE", "open sesame")
    said(run, *arguments)
    assert read_public(path, Purpose.IDENTITY).seal is not None


def test_a_join_file_of_a_second_node_names_the_admin_that_there_is(
    run: Run, tmp_path: Path
) -> None:
    join(run, tmp_path / "first", "utility", 1)
    key = tmp_path / "first" / "utility.admin.key"
    addresses = ("--peer-address", "h:1", "--client-address", "h:2", "--identity", key)
    second = ("consortium", "join", "init", tmp_path / "second", "--node", "utility-2", *addresses)
    said(run, *second, "--member", "utility")
    made = JoinFile.parse((tmp_path / "second" / "join.json").read_bytes()).member
    before = JoinFile.parse((tmp_path / "first" / "join.json").read_bytes()).member
    assert made.admins == before.admins
    assert not (tmp_path / "second" / "utility.admin.key").exists()
    third = ("consortium", "join", "init", tmp_path / "third", "--node", "m-1", *addresses)
    assert refused(run, *third, "--member", "maker") == "BAD_REQUEST"
