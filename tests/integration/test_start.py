"""A node that cannot start says why in a sentence, with an exit code a supervisor can act on."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.single_node import SingleNode
from twinledger.ledger.key_file import SealCost, StoredKey
from twinledger.node.node_keys import NodeKeys
from twinledger.storage import DataFolder

EX_DATAERR, EX_CONFIG = 65, 78


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node's folder, as it was made."""
    SingleNode(tmp_path).discard()
    return tmp_path


def start(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "twinledger.cli", "node", "run"]
    return subprocess.run(
        [*command, "--config", str(folder / "node.toml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def other_genesis(folder: Path) -> None:
    path = folder / "genesis.json"
    path.write_text(path.read_text().replace("one node", "another"))


def no_genesis(folder: Path) -> None:
    (folder / "genesis.json").unlink()


def other_node(folder: Path) -> None:
    path = folder / "node.toml"
    path.write_text(path.read_text().replace('id = "utility-1"', 'id = "other-1"'))


def mistyped_key(folder: Path) -> None:
    path = folder / "node.toml"
    path.write_text(path.read_text().replace("max_transactions", "max_transaction"))


def flipped_bit(folder: Path) -> None:
    files = [*(folder / "data" / "log").glob("*.log"), *(folder / "data" / "log").glob("*.ldb")]
    largest = max(files, key=lambda file: file.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 1
    largest.write_bytes(data)


def open_key(folder: Path) -> None:
    (folder / "keys" / "log.key").chmod(0o640)


def no_key(folder: Path) -> None:
    (folder / "keys" / "witness.key").unlink()


def keys_of_another(folder: Path) -> None:
    shutil.rmtree(folder / "keys")
    NodeKeys.create(folder / "keys", "utility/utility-1")


def sealed_key(folder: Path) -> None:
    path = folder / "keys" / "log.key"
    stored = StoredKey.decode(path.read_text())
    path.write_text(stored.sealed(b"open sesame", SealCost(1, 8192)).encode())


def unknown_format(folder: Path) -> None:
    (folder / "data" / "folder").write_bytes(b"of another make\n")


FAULTS: dict[str, tuple[Callable[[Path], None], int]] = {
    "GENESIS_MISMATCH": (other_genesis, EX_CONFIG),
    "CONFIG_INVALID without a genesis file": (no_genesis, EX_CONFIG),
    "CONFIG_INVALID for another node": (other_node, EX_CONFIG),
    "CONFIG_INVALID for a mistyped key": (mistyped_key, EX_CONFIG),
    "KEY_EXPOSED to the group": (open_key, EX_CONFIG),
    "KEY_LOCKED without a passphrase": (sealed_key, EX_CONFIG),
    "KEY_MISMATCH with the record": (keys_of_another, EX_CONFIG),
    "CONFIG_INVALID without a key": (no_key, EX_CONFIG),
    "DATA_DAMAGED in the log": (flipped_bit, EX_DATAERR),
    "DATA_DAMAGED in the folder's record": (unknown_format, EX_DATAERR),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_start_has_its_code_and_its_exit(folder, fault):
    break_it, exit_code = FAULTS[fault]
    break_it(folder)
    ended = start(folder)
    assert ended.returncode == exit_code
    code = fault.partition(" ")[0]
    assert f"{code}: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_last_exit_is_kept_for_whoever_asks_later(folder):
    flipped_bit(folder)
    start(folder)
    last = DataFolder.last_exit(folder / "data")
    assert last is not None
    assert (last.code, last.exit_code) == ("DATA_DAMAGED", EX_DATAERR)
    assert last.next_step
    asked = subprocess.run(
        [
            sys.executable,
            "-m",
            "twinledger.cli",
            "node",
            "status",
            "--json",
            "--config",
            str(folder / "node.toml"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.returncode == 1
    assert "DATA_DAMAGED" in asked.stdout + asked.stderr
    json.loads(asked.stdout or asked.stderr)


def test_two_nodes_cannot_run_in_one_folder_or_at_one_address(tmp_path):
    with SingleNode(tmp_path) as node:
        ended = start(tmp_path)
        assert ended.returncode == EX_CONFIG
        assert "DATA_IN_USE: " in ended.stderr
        neighbour = tmp_path / "neighbour"
        neighbour.mkdir()
        for name in ("genesis.json", "node.toml"):
            (neighbour / name).write_bytes((tmp_path / name).read_bytes())
        shutil.copytree(tmp_path / "keys", neighbour / "keys")
        raw = (tmp_path / "genesis.json").read_bytes()
        DataFolder.create(neighbour / "data", raw, node.node_id, reserve_bytes=1 << 20)
        ended = start(neighbour)
        assert ended.returncode == EX_CONFIG
        assert "ADDRESS_IN_USE: " in ended.stderr
