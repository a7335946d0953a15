"""How commands fail: a sentence or one JSON object, and an exit code that scripts can trust."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fake_node import FakeNode, Loss, Refusal


def test_an_error_is_a_sentence_with_a_next_step(talk: Run) -> None:
    done = talk("twin", "get", "pump-8")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "TWIN_NOT_FOUND" in done.stderr
    assert "There is no such twin: pump-8." in done.stderr
    assert "Next: Check the id, or create the twin first." in done.stderr


def test_with_json_an_error_is_one_object_on_standard_error(talk: Run) -> None:
    done = talk("twin", "get", "pump-8", "--json")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert json.loads(done.stderr) == {
        "code": "TWIN_NOT_FOUND",
        "message": "There is no such twin: pump-8.",
        "next_step": "Check the id, or create the twin first.",
    }


def test_wrong_usage_exits_with_2(run: Run) -> None:
    assert run("twin", "get").exit_code == 2
    assert run("block", "get", "1", "--devnet", "a", "--profile", "b").exit_code == 2
    assert run("block", "get", "1", "--profile", "b", "--as", "a/b").exit_code == 2


@pytest.mark.parametrize(
    "wrong", [("twin", "get"), ("twin", "get", "--bogus"), ("twin", "nothing"), ("nothing",)]
)
def test_with_json_wrong_usage_is_one_object_too(run: Run, wrong: tuple[str, ...]) -> None:
    done = run(*wrong, "--json")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert json.loads(done.stderr)["code"] == "BAD_REQUEST"


def test_output_that_finds_no_room_is_an_error_and_no_traceback() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "twinledger.cli", "sim", "--events", "100", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )
    assert done.returncode == 1
    assert json.loads(done.stderr)["code"] == "DISK_FULL"


def test_a_timeout_that_is_no_number_is_wrong_usage(run: Run) -> None:
    done = run("twin", "get", "pump-7", "--timeout", "nan")
    assert done.exit_code == 2
    assert "nan is not a time" in done.stderr


def test_without_any_connection_the_error_says_the_three_ways(run: Run) -> None:
    done = run("twin", "get", "pump-7")
    assert done.exit_code == 1
    for way in ("--devnet", "--profile", "TWINLEDGER_DEVNET", "TWINLEDGER_PROFILE"):
        assert way in done.stderr


def test_the_environment_names_a_profile(
    run: Run, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLEDGER_PROFILE", str(profile))
    assert run("twin", "get", "pump-7", "--unverified").exit_code == 0


def test_an_option_goes_before_the_environment(
    run: Run, profile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLEDGER_DEVNET", str(tmp_path / "nowhere"))
    asked = ("--profile", profile, "--unverified")
    assert run("twin", "get", "pump-7", *asked).exit_code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "chain_id"),
        ("colour = 1", "colour"),
        ("chain_id = [", "profile.toml"),
    ],
)
def test_a_profile_that_is_wrong_is_named(
    run: Run, tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(content)
    done = run("twin", "get", "pump-7", "--profile", path)
    assert done.exit_code == 1
    assert "CONFIG_INVALID" in done.stderr
    assert said in done.stderr


def test_a_folder_that_is_no_devnet_is_named(run: Run, tmp_path: Path) -> None:
    done = run("twin", "get", "pump-7", "--devnet", tmp_path)
    assert done.exit_code == 1
    assert "CONFIG_INVALID" in done.stderr
    assert str(tmp_path) in done.stderr


def test_a_rejection_inside_a_block_fails_the_command(talk: Run, node: FakeNode) -> None:
    node.ledger.outcomes.append("VERSION_MISMATCH")
    done = talk("twin", "set", "pump-7", "flow=13.0", "--expected-version", "3", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stderr)["code"] == "VERSION_MISMATCH"


def test_a_node_that_does_not_answer_fails_the_command_in_time(talk: Run, node: FakeNode) -> None:
    node.read_steps.extend([Loss()] * 100)
    done = talk("twin", "get", "pump-7", "--timeout", "0.3", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stderr)["code"] == "CONNECTION_LOST"


def test_a_busy_node_is_tried_again_before_the_command_fails(talk: Run, node: FakeNode) -> None:
    node.steps.append(Refusal("POOL_FULL", retry_after_us=10_000))
    assert talk("twin", "set", "pump-7", "flow=13.0").exit_code == 0
    assert len(node.received) == 2
