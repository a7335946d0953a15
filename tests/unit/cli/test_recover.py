"""The verbs of a recovery that need no node's folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.execution.chain import signer
from tests.unit.proofs.cases import recovered_world, until_the_second_change
from twinledger.client import Identity, Profile


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Recoveries: `complete`, `two` with two of three signatures, and `other`, of another draft."""
    two, other = until_the_second_change(), until_the_second_change()
    made = {
        "complete": until_the_second_change().recover(),
        "two": two.recover(["maker", "plant"]),
        "other": other.recover(["plant", "regulator", "utility"], lost=5),
    }
    for name, file in made.items():
        (tmp_path / f"{name}.json").write_bytes(file.raw)
    for name in ("regulator", "utility"):
        found = signer(f"{name}/admin")
        Identity(found.identity, found.key).save(tmp_path / f"{name}.key")
    return tmp_path


def error_of(result: Any) -> str:
    assert result.exit_code == 1, result.output
    return str(json.loads(result.stderr)["code"])


def test_show_tells_where_it_goes_on_and_who_must_still_sign(files: Path, run: Run) -> None:
    shown = json.loads(run("consortium", "recover", "show", files / "two.json", "--json").stdout)
    assert shown["fork"]["height"] == 6
    assert shown["may_be_lost"] == {"first": 7, "last": 8}
    assert shown["signatures_missing"] == 1
    assert shown["nodes"][0]["node_id"] == "maker-e1"
    text = run("consortium", "recover", "show", files / "two.json").output
    assert "heights 7 to 8" in text
    assert "1 members" in text


def test_a_signature_completes_it_and_then_it_takes_no_more(files: Path, run: Run) -> None:
    sign = ("consortium", "recover", "sign", files / "two.json", "--json", "--identity")
    assert error_of(run("consortium", "recover", "check", files / "two.json", "--json")) == (
        "RECOVERY_QUORUM"
    )
    assert run(*sign, files / "regulator.key").exit_code == 0
    assert run("consortium", "recover", "check", files / "two.json").exit_code == 0
    assert error_of(run(*sign, files / "utility.key")) == "RECOVERY_SEALED"


def test_nothing_is_added_once_somebody_signed(files: Path, run: Run) -> None:
    add = ("consortium", "recover", "add", files / "two.json", files / "other.json", "--json")
    assert error_of(run(*add)) == "RECOVERY_SEALED"


def test_who_signed_two_recoveries_is_named(files: Path, run: Run) -> None:
    compared = run(
        *("consortium", "recover", "compare"),
        *(files / "complete.json", files / "other.json", "--json"),
    )
    assert error_of(compared) == "RECOVERY_TWICE"
    assert "plant, regulator" in json.loads(compared.stderr)["message"]


def test_the_profile_names_the_fresh_nodes(files: Path, run: Run) -> None:
    out = files / "profile.toml"
    made = run("consortium", "recover", "profile", files / "complete.json", "--out", out)
    assert made.exit_code == 0, made.output
    profile = Profile.load(out)
    assert profile.chain_id == recovered_world().genesis.chain_id
    assert [node.node_id for node in profile.nodes] == [
        f"{name}-e1" for name in ("maker", "plant", "regulator", "utility")
    ]
    incomplete = run(
        *("consortium", "recover", "profile", files / "two.json"),
        *("--out", files / "no.toml", "--json"),
    )
    assert error_of(incomplete) == "RECOVERY_QUORUM"


def test_an_altered_file_is_refused_by_every_verb(files: Path, run: Run) -> None:
    file = files / "complete.json"
    file.write_bytes(file.read_bytes().replace(b'"last": 8', b'"last": 7'))
    for verb in ("show", "check"):
        assert error_of(run("consortium", "recover", verb, file, "--json")) == "RECOVERY_INVALID"
