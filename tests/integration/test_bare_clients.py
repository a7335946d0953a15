"""Strangers' clients: one on the generated stubs alone, one in Node.js on the .proto files alone.

Both follow docs/formats and nothing else of ours; their consortium is brought up by the command an
operator would type.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bare_client import bare_client
from twinledger.v1 import ledger_service_pb2

ROOT = Path(__file__).resolve().parents[2]
CLIENT = Path(__file__).resolve().parent / "bare_client"
VECTORS = ROOT / "docs" / "formats" / "vectors.json"
ADMIN = "utility/admin"


@dataclass(frozen=True)
class Consortium:
    """What an operator would tell a stranger: the chain, its nodes, and a key to sign with."""

    chain_id: bytes
    nodes: list[bare_client.Node]
    seed: bytes

    @property
    def caller(self) -> bare_client.Caller:
        return bare_client.Caller(self.chain_id, ADMIN, self.seed)


def run(*command: str | Path, cwd: Path = ROOT, seconds: float = 120) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def twinledger(*arguments: str | Path) -> str:
    return run(sys.executable, "-m", "twinledger.cli", *arguments)


@pytest.fixture(scope="module")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    folder = tmp_path_factory.mktemp("bare") / "D"
    twinledger("devnet", "up", "--nodes", "4", "--dir", folder, "--detach")
    try:
        status = json.loads(twinledger("devnet", "status", "--dir", folder, "--json"))
        key = json.loads((folder / "keys" / "utility.admin.key").read_text())
        assert key["name"] == ADMIN
        yield Consortium(
            bytes.fromhex(status["chain_id"]),
            bare_client.read_profile((folder / "profile.toml").read_text()),
            bytes.fromhex(key["private_key"]),
        )
    finally:
        twinledger("devnet", "down", "--dir", folder)


@pytest.fixture(scope="module")
def node_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Node.js client and what it depends on, of the versions it names."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node or npm is not installed")
    folder = tmp_path_factory.mktemp("node") / "client"
    shutil.copytree(CLIENT, folder)
    run("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", cwd=folder, seconds=240)
    return folder


def run_node_client(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    told = json.loads(run("node", "client.mjs", *arguments, cwd=folder))
    assert isinstance(told, dict)
    return told


def test_a_client_on_the_stubs_alone_creates_and_reads_a_twin(consortium: Consortium) -> None:
    body = bare_client.create_body(consortium.chain_id, ADMIN, consortium.seed, "bare-pump")
    signed = bare_client.sign(body, [consortium.seed])
    status = bare_client.submit(consortium.nodes[0], consortium.caller, signed)
    # Of a quick certificate the answer may tell already.
    assert status.stage in (
        ledger_service_pb2.STAGE_COMMITTED,
        ledger_service_pb2.STAGE_CERTIFIED,
    )
    assert status.receipt.transaction_id == status.transaction_id == signed.id
    # Another node than the one that was asked to take it.
    twin = bare_client.read_twin(
        consortium.nodes[2], consortium.caller, "bare-pump", status.receipt.height
    )
    assert (twin.owner, twin.version, twin.model) == ("utility", 1, "dtmi:example:Pump;1")
    (flow,) = twin.properties
    assert (flow.path, flow.value.double_value) == ("flow", 12.5)
    assert flow.origin.transaction_id == signed.id


def test_a_client_in_another_language_creates_and_reads_a_twin(
    consortium: Consortium, node_client: Path
) -> None:
    node = consortium.nodes[1]
    told = run_node_client(
        node_client,
        *("create", ROOT / "proto", node.client_address, f"{node.id}.twinledger"),
        *(node.certificates[0], consortium.chain_id.hex()),
        *(ADMIN, consortium.seed.hex(), "node-js-pump"),
    )
    assert told["stage"] in ("STAGE_COMMITTED", "STAGE_CERTIFIED")
    assert told["receipt"] == told["sent"]
    assert told["twin"] == {
        "id": "node-js-pump",
        "owner": "utility",
        "version": "1",
        "model": "dtmi:example:Pump;1",
    }
    assert told["properties"] == [["flow", 12.5]]


def test_a_strangers_bytes_sent_twice_have_one_effect(consortium: Consortium) -> None:
    body = bare_client.create_body(consortium.chain_id, ADMIN, consortium.seed, "twice")
    signed = bare_client.sign(body, [consortium.seed])
    first = bare_client.submit(consortium.nodes[0], consortium.caller, signed)
    second = bare_client.submit(consortium.nodes[3], consortium.caller, signed)
    assert second.receipt == first.receipt
    twin = bare_client.read_twin(
        consortium.nodes[3], consortium.caller, "twice", first.receipt.height
    )
    assert twin.version == 1


@pytest.fixture(scope="module")
def vector() -> dict[str, str]:
    told = json.loads(VECTORS.read_text())["signing"]
    assert isinstance(told, dict)
    return told


def test_the_stub_client_signs_as_the_vector_says(vector: dict[str, str]) -> None:
    signed = bare_client.sign(bytes.fromhex(vector["body"]), [bytes.fromhex(vector["seed"])])
    assert signed.id.hex() == vector["transaction_id"]
    assert [signature.hex() for signature in signed.signatures] == [vector["signature"]]
    assert signed.raw.hex() == vector["signed_transaction"]


def test_the_client_in_another_language_signs_as_the_vector_says(
    vector: dict[str, str], node_client: Path
) -> None:
    told = run_node_client(node_client, "sign", vector["seed"], vector["body"])
    assert told == {
        "transactionId": vector["transaction_id"],
        "publicKey": vector["public_key"],
        "signature": vector["signature"],
    }


@pytest.fixture(scope="module")
def token_vector() -> dict[str, str]:
    told = json.loads(VECTORS.read_text())["read_token"]
    assert isinstance(told, dict)
    return told


def test_the_stub_client_signs_tokens_as_the_vector_says(token_vector: dict[str, str]) -> None:
    body, seed = bytes.fromhex(token_vector["body"]), bytes.fromhex(token_vector["seed"])
    assert bare_client.token(body, seed).hex() == token_vector["token"]


def test_the_client_in_another_language_signs_tokens_as_the_vector_says(
    token_vector: dict[str, str], node_client: Path
) -> None:
    told = run_node_client(node_client, "token", token_vector["seed"], token_vector["body"])
    assert told == {"signature": token_vector["signature"]}
