"""`twinledger verify`: its words, its JSON, its exit codes, and files that are no proofs."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.proofs.cases import Case, cases, until_the_second_change, world

CHAIN = world().genesis.chain_id.hex()
CASES = {case.name: case for case in cases()}


def kept(folder: Path, case: Case) -> str:
    path = folder / "a.proof"
    path.write_bytes(case.raw)
    return str(path)


@pytest.mark.parametrize("name", [name for name in CASES if "genesis" in name])
def test_a_proof_from_genesis_is_proven_under_the_chain_id(name: str, tmp_path: Path, run: Run):
    done = run("verify", kept(tmp_path, CASES[name]), "--chain-id", CHAIN)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("PROVEN\n")
    assert "\nBY\n" in done.output
    assert "\nNOT PROVEN\n" in done.output


@pytest.mark.parametrize("name", [name for name in CASES if "head" in name.split("from")[1]])
def test_a_proof_from_a_head_is_proven_under_that_head(name: str, tmp_path: Path, run: Run):
    case = CASES[name]
    head = tmp_path / "head.proof"
    head.write_bytes(case.head or b"")
    done = run("verify", kept(tmp_path, case), "--trusted-head", str(head), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["proven"] is True


def test_a_head_that_was_itself_proven_under_a_head_can_be_trusted(tmp_path: Path, run: Run):
    later = tmp_path / "later.proof"
    later.write_bytes(CASES["head from a head"].raw)
    raw = world().builder().bundle(world().builder().head_claim(), world().size)
    (tmp_path / "newest.proof").write_bytes(raw)
    done = run("verify", str(tmp_path / "newest.proof"), "--trusted-head", str(later))
    assert done.exit_code == 0, done.output


def test_the_head_that_a_client_kept_proves_what_a_recovery_cut_off(tmp_path: Path, run: Run):
    """It begins at the head before it, and so is anchored in nothing by itself."""
    builder = world().builder()
    (tmp_path / "profile.toml.head").write_bytes(builder.bundle(builder.head_claim(), 4))
    (tmp_path / "recovery.json").write_bytes(until_the_second_change().recover().raw)
    verify = ("verify", str(tmp_path / "profile.toml.head"), "--chain-id", CHAIN)
    assert "PROOF_NOT_ANCHORED" in run(*verify).stderr
    done = run(*verify, "--recovery", str(tmp_path / "recovery.json"))
    assert (done.exit_code, "PROOF_TRUNCATED" in done.stderr) == (1, True)
    assert "although the witnesses of maker/admin" in done.stderr


def test_without_an_anchor_a_proof_is_at_best_consistent(tmp_path: Path, run: Run):
    done = run("verify", kept(tmp_path, CASES["twin from genesis"]))
    assert done.exit_code == 1
    assert "PROOF_NOT_ANCHORED" in done.stderr
    assert "consistent, not anchored" in done.stderr
    assert CHAIN in done.stderr


def test_a_proof_that_begins_elsewhere_than_at_the_anchor_is_not_anchored(tmp_path: Path, run: Run):
    done = run("verify", kept(tmp_path, CASES["twin from a head"]), "--chain-id", CHAIN)
    assert (done.exit_code, "PROOF_NOT_ANCHORED" in done.stderr) == (1, True)
    head = tmp_path / "head.proof"
    head.write_bytes(CASES["twin from a head"].head or b"")
    done = run("verify", kept(tmp_path, CASES["twin from genesis"]), "--trusted-head", str(head))
    assert (done.exit_code, "PROOF_NOT_ANCHORED" in done.stderr) == (1, True)


def test_what_is_wrong_leaves_as_json_too(tmp_path: Path, run: Run):
    done = run(
        "verify", kept(tmp_path, CASES["twin from genesis"]), "--chain-id", "00" * 32, "--json"
    )
    assert done.exit_code == 1
    assert json.loads(done.stderr)["code"] == "PROOF_WRONG_CHAIN"


@pytest.mark.parametrize("content", [b"", b"text", bytes(17 << 20), b"twinledger-proof/v1\n"])
def test_a_file_that_is_no_bundle_is_refused_by_name(content: bytes, tmp_path: Path, run: Run):
    (tmp_path / "a.proof").write_bytes(content)
    done = run("verify", str(tmp_path / "a.proof"), "--chain-id", CHAIN)
    assert (done.exit_code, "PROOF_MALFORMED" in done.stderr) == (1, True)


def test_a_chain_id_that_is_none_is_a_wrong_use(tmp_path: Path, run: Run):
    assert (
        run("verify", kept(tmp_path, CASES["twin from genesis"]), "--chain-id", "xy").exit_code == 2
    )


def test_the_words_tell_what_was_asked(tmp_path: Path, run: Run):
    done = run("verify", kept(tmp_path, CASES["history from genesis"]), "--chain-id", CHAIN)
    assert "twin pump-7 was at version 4" in done.output
    assert "Its history is complete: 4 updates, no more, no fewer." in done.output
    assert "reported/flow = 13.0" in done.output
    done = run("verify", kept(tmp_path, CASES["absent from genesis"]), "--chain-id", CHAIN)
    assert "there was no twin pump-9" in done.output
