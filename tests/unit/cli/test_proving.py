"""Commands that write a proof: what is asked, and that only what holds is written."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fake_node import FakeLedger, FakeNode
from tests.unit.proofs.cases import Case, cases, world
from twinledger.ledger.transaction import transaction_id
from twinledger.proofs.bundle import Bundle
from twinledger.proofs.claims import TransactionClaim
from twinledger.v1 import transaction_pb2

CASES: dict[str, Case] = {case.name: case for case in cases()}
CHAIN = world().genesis.chain_id


@pytest.fixture
def node() -> Iterator[FakeNode]:
    made = FakeNode(FakeLedger(chain_id=CHAIN))
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("twin", ["pump-7"]),
        ("old twin", ["pump-7", "--at", "3"]),
        ("property", ["pump-7", "--property", "flow"]),
        ("relationship", ["pump-7", "--property", "relationship/feeds/tank-1"]),
        ("no property", ["pump-7", "--property", "desired/flow"]),
        ("absent", ["pump-9", "--absent"]),
        ("absent once", ["pump-8", "--absent", "--at", "8"]),
        ("history", ["pump-7", "--history"]),
        ("silence", ["pump-7", "--silent-between", "5", "9"]),
    ],
)
def test_the_file_is_written_once_it_is_verified(
    name: str, arguments: list[str], node: FakeNode, talk: Run, run: Run, tmp_path: Path
):
    node.ledger.bundles.append(CASES[f"{name} from genesis"].raw)
    out = tmp_path / "a.proof"
    done = talk("twin", "prove", *arguments, "--out", out)
    assert done.exit_code == 0, done.output
    assert "Proven in" in done.output
    assert out.read_bytes() == CASES[f"{name} from genesis"].raw
    assert run("verify", out, "--chain-id", CHAIN.hex()).exit_code == 0
    assert node.ledger.questions[-1].trusted_size == 0


def test_where_there_is_no_room_an_older_proof_stays_as_it_was(
    node: FakeNode, talk: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    node.ledger.bundles.append(CASES["twin from genesis"].raw)
    out = tmp_path / "a.proof"
    out.write_bytes(b"an older one")

    def begun(path: Path, content: bytes) -> int:
        path.open("wb").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", begun)
        done = talk("twin", "prove", "pump-7", "--out", out)
    assert done.exit_code == 1
    assert "No space left on device" in done.stderr
    assert out.read_bytes() == b"an older one"
    assert not list(tmp_path.glob("a.proof.*"))


def test_a_proof_replaces_an_older_one_and_keeps_the_mode_of_its_file(
    node: FakeNode, talk: Run, tmp_path: Path
):
    node.ledger.bundles.append(CASES["twin from genesis"].raw)
    (tmp_path / "a.proof").write_bytes(b"an older one")
    (tmp_path / "a.proof").chmod(0o600)
    (tmp_path / "link").symlink_to("a.proof")
    assert talk("twin", "prove", "pump-7", "--out", tmp_path / "link").exit_code == 0
    assert (tmp_path / "a.proof").read_bytes() == CASES["twin from genesis"].raw
    assert (tmp_path / "a.proof").stat().st_mode & 0o777 == 0o600


def test_a_proof_may_begin_at_a_trusted_head(node: FakeNode, talk: Run, tmp_path: Path):
    case = CASES["twin from a head"]
    (tmp_path / "head.proof").write_bytes(case.head or b"")
    node.ledger.bundles.append(case.raw)
    trusted = ("--trusted-head", tmp_path / "head.proof")
    done = talk("twin", "prove", "pump-7", *trusted, "--out", tmp_path / "a.proof", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["facts"]["twin"]["id"] == "pump-7"
    assert node.ledger.questions[-1].trusted_size == 4


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("old twin from genesis", "PROOF_INVALID"),
        ("history from genesis", "PROOF_INVALID"),
        ("twin from a head", "PROOF_NOT_ANCHORED"),
    ],
)
def test_a_node_that_proves_something_else_is_not_believed(
    answer: str, code: str, node: FakeNode, talk: Run, tmp_path: Path
):
    node.ledger.bundles.append(CASES[answer].raw)
    done = talk("twin", "prove", "pump-7", "--at", "9", "--out", tmp_path / "a.proof")
    assert done.exit_code == 1
    assert code in done.stderr
    assert not (tmp_path / "a.proof").exists()


def test_a_damaged_answer_is_not_believed(node: FakeNode, talk: Run, tmp_path: Path):
    raw = CASES["twin from genesis"].raw
    node.ledger.bundles.append(raw[:-1] + bytes([raw[-1] ^ 1]))
    done = talk("twin", "prove", "pump-7", "--out", tmp_path / "a.proof")
    assert done.exit_code == 1
    assert not (tmp_path / "a.proof").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--history", "--absent"],
        ["--property", "flow", "--history"],
        ["--silent-between", "1", "2", "--at", "3"],
    ],
)
def test_two_claims_at_once_are_a_wrong_use(arguments: list[str], talk: Run, tmp_path: Path):
    done = talk("twin", "prove", "pump-7", *arguments, "--out", tmp_path / "a.proof")
    assert done.exit_code == 2


def test_the_receipt_of_a_transaction_that_took_effect_is_had_later(
    node: FakeNode, talk: Run, run: Run, tmp_path: Path
):
    case, out = CASES["transaction from genesis"], tmp_path / "a.proof"
    claim = Bundle.decode(case.raw).claim
    assert isinstance(claim, TransactionClaim)
    body = transaction_pb2.SignedTransaction.FromString(claim.transaction).body
    node.ledger.bundles.append(case.raw)
    done = talk("tx", "prove", transaction_id(body).hex(), "--out", out)
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == case.raw
    assert run("verify", out, "--chain-id", CHAIN.hex()).exit_code == 0
    node.ledger.bundles.append(case.raw)
    other = talk("tx", "prove", "ab" * 32, "--out", tmp_path / "b.proof")
    assert "PROOF_INVALID" in other.stderr
    assert not (tmp_path / "b.proof").exists()


def test_a_receipt_of_another_transaction_is_not_written(node: FakeNode, talk: Run, tmp_path: Path):
    node.ledger.bundles.append(CASES["transaction from genesis"].raw)
    line = '{"operation": "create", "twin": "pump-1"}'
    done = talk("tx", "submit", "-", "--receipt", tmp_path / "a.proof", text=line)
    assert done.exit_code == 1
    assert "PROOF_INVALID" in done.stderr
    assert not (tmp_path / "a.proof").exists()
    (took_effect,) = node.ledger.receipts
    said = f"transaction {took_effect.hex()} took effect in block 1 all the same"
    assert said in done.stderr, "signed anew it would count twice"
    assert f"twinledger tx prove {took_effect.hex()}" in done.stderr


@pytest.mark.parametrize("out", ["nowhere/a.proof", "a.file/a.proof"])
def test_a_receipt_that_could_not_be_written_is_refused_before_anything_is_submitted(
    out: str, node: FakeNode, talk: Run, tmp_path: Path
):
    (tmp_path / "a.file").write_bytes(b"")
    line = '{"operation": "create", "twin": "pump-1"}'
    done = talk("tx", "submit", "-", "--receipt", tmp_path / out, text=line)
    assert done.exit_code == 1
    assert out in done.stderr
    assert not node.ledger.receipts


def test_a_file_that_is_there_keeps_its_content_when_nothing_is_proven(
    node: FakeNode, talk: Run, tmp_path: Path
):
    (tmp_path / "a.proof").write_bytes(b"an older one")
    node.ledger.outcomes.append("TWIN_EXISTS")
    line = '{"operation": "create", "twin": "pump-1"}'
    done = talk("tx", "submit", "-", "--receipt", tmp_path / "a.proof", text=line)
    assert "TWIN_EXISTS" in done.stderr
    assert "took effect" not in done.stderr
    assert (tmp_path / "a.proof").read_bytes() == b"an older one"


def test_a_receipt_is_of_one_transaction(talk: Run, tmp_path: Path):
    line = '{"operation": "create", "twin": "pump-1"}\n'
    done = talk("tx", "submit", "-", "--receipt", tmp_path / "a.proof", text=line * 2)
    assert done.exit_code == 2
