"""The error every layer raises, the catalogue, and the page about it."""

import pickle
from pathlib import Path

import pytest

from tests.unit.ledger.refusals import refused
from twinledger.ledger.catalogue import CATALOGUE, REJECTIONS
from twinledger.ledger.error_page import render
from twinledger.ledger.errors import Code, LedgerError, invariant

PAGE = Path(__file__).resolve().parents[3] / "docs" / "errors.md"
GRPC_STATUSES = {
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "OUT_OF_RANGE",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
}


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_sentence_a_next_step_and_a_status(code: Code):
    entry = CATALOGUE[code]
    assert code.value == code.name
    assert entry.sentence[0].isupper()
    assert not entry.sentence.endswith(".")
    assert entry.next_step.endswith(".")
    assert entry.status in GRPC_STATUSES


def test_no_code_stands_in_two_sections_and_none_is_missing():
    assert sorted(CATALOGUE) == sorted(Code)
    assert render().count("| `") == len(Code)


def test_the_page_of_errors_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == render()


def test_an_error_speaks_in_sentences():
    error = LedgerError(Code.TWIN_NOT_FOUND, "pump-7")
    assert error.message == "There is no such twin: pump-7."
    assert error.next_step == "Check the id, or create the twin first."
    assert str(error) == "TWIN_NOT_FOUND: There is no such twin: pump-7."
    assert LedgerError(Code.STOPPING).message == "This node is stopping."


def test_an_error_survives_the_way_to_another_process():
    error = pickle.loads(pickle.dumps(LedgerError(Code.POOL_FULL, "4096", 250_000)))
    assert (error.code, error.detail, error.retry_after_us) == (Code.POOL_FULL, "4096", 250_000)


def test_a_broken_invariant_is_an_internal_error():
    invariant("anything true", "it holds")
    with refused(Code.INTERNAL, "it must hold"):
        invariant("", "it must hold")


def test_faults_of_a_node_are_never_rejections():
    assert not REJECTIONS & {Code.INTERNAL, Code.DATA_DAMAGED, Code.DISK_FULL, Code.STOPPING}
    assert {Code.MALFORMED, Code.DUPLICATE, Code.TWIN_EXISTS, Code.LAST_ADMIN} <= REJECTIONS
