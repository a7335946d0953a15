"""`consortium evidence`: what is shown was checked here, and just that is submitted."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.client.fake_node import CHAIN_ID, FakeNode
from tests.unit.consortium.liars import evidence_against
from twinledger.ledger.evidence import Evidence
from twinledger.v1 import ledger_service_pb2 as pb
from twinledger.v1.transaction_pb2 import SignedTransaction, TransactionBody

MAKER = evidence_against("maker", CHAIN_ID)


def listed(evidence: Evidence, height: int | None = None) -> pb.Evidence:
    return pb.Evidence(
        witness=evidence.witness,
        public_key=evidence.public_key,
        content=evidence.encode(),
        disqualified_height=height,
    )


def refused_with(talk: Run, *arguments: object) -> str:
    done = talk("consortium", "evidence", *arguments, "--json")
    assert done.exit_code == 1
    return str(json.loads(done.stderr)["code"])


def submitted(node: FakeNode) -> bytes:
    body = SignedTransaction.FromString(node.ledger.raws[-1]).body
    (operation,) = TransactionBody.FromString(body).operations
    return operation.submit_evidence.evidence


def test_evidence_is_listed_with_what_became_of_it(talk: Run, node: FakeNode) -> None:
    node.ledger.evidence = [listed(MAKER), listed(evidence_against("plant", CHAIN_ID), 12)]
    told = json.loads(talk("consortium", "evidence", "list", "--json").stdout)["evidence"]
    assert [(e["witness"], e["disqualified_height"]) for e in told] == [
        ("maker/maker-1", None),
        ("plant/plant-1", 12),
    ]
    shown = talk("consortium", "evidence", "list").stdout
    assert "maker/maker-1" in shown
    assert "not submitted" in shown


def test_what_convicts_a_witness_is_shown_and_can_be_handed_on(
    talk: Run, node: FakeNode, tmp_path: Path
) -> None:
    node.ledger.evidence = [listed(MAKER)]
    file = tmp_path / "maker.evidence"
    shown = talk("consortium", "evidence", "show", "maker/maker-1", "--out", file).stdout
    assert MAKER.smaller.checkpoint.root.hex() in shown
    assert MAKER.larger.checkpoint.root.hex() in shown
    assert file.read_bytes() == MAKER.encode()
    done = talk("consortium", "evidence", "submit", "--file", file)
    assert done.exit_code == 0, done.stderr
    assert submitted(node) == MAKER.encode()


@pytest.mark.parametrize("named", ["maker/maker-1", MAKER.public_key.hex()[:16]])
def test_the_evidence_against_a_witness_is_submitted_as_the_node_has_it(
    talk: Run, node: FakeNode, named: str
) -> None:
    node.ledger.evidence = [listed(evidence_against("plant", CHAIN_ID)), listed(MAKER)]
    assert talk("consortium", "evidence", "submit", named).exit_code == 0
    assert submitted(node) == MAKER.encode()


def test_of_two_keys_of_a_witness_the_one_that_still_counts_is_meant(
    talk: Run, node: FakeNode
) -> None:
    later = evidence_against("maker", CHAIN_ID, node_id="maker-2", named="maker/maker-1")
    node.ledger.evidence = [listed(MAKER, 5), listed(later)]
    assert talk("consortium", "evidence", "submit", "maker/maker-1").exit_code == 0
    assert submitted(node) == later.encode()
    node.ledger.evidence = [listed(MAKER), listed(later)]
    assert refused_with(talk, "submit", "maker/maker-1") == "EVIDENCE_NOT_FOUND"


def test_evidence_that_there_is_none_of_is_told(talk: Run) -> None:
    assert refused_with(talk, "show", "maker/maker-1") == "EVIDENCE_NOT_FOUND"
    assert refused_with(talk, "submit", "") == "EVIDENCE_NOT_FOUND"


def test_a_node_that_accuses_without_proof_is_not_believed(talk: Run, node: FakeNode) -> None:
    other = listed(evidence_against("plant", CHAIN_ID))
    for lie in (
        pb.Evidence(witness="maker/maker-1", public_key=bytes(32), content=b"no evidence"),
        listed(evidence_against("maker", bytes(32))),
        pb.Evidence(witness=MAKER.witness, public_key=MAKER.public_key, content=other.content),
        pb.Evidence(witness="plant/plant-1", public_key=MAKER.public_key, content=MAKER.encode()),
    ):
        node.ledger.evidence = [lie]
        assert refused_with(talk, "list") == "EVIDENCE_INVALID"


def test_a_file_that_proves_nothing_is_not_even_sent(
    talk: Run, node: FakeNode, tmp_path: Path
) -> None:
    file = tmp_path / "nothing"
    assert refused_with(talk, "submit", "--file", file) == "EVIDENCE_INVALID"
    file.write_bytes(MAKER.encode()[:-1])
    assert refused_with(talk, "submit", "--file", file) == "EVIDENCE_INVALID"
    assert not node.ledger.raws


def test_either_a_witness_or_a_file_is_named(talk: Run) -> None:
    assert talk("consortium", "evidence", "submit").exit_code == 2
    assert talk("consortium", "evidence", "submit", "a/b", "--file", "c").exit_code == 2
