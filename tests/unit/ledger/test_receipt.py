"""Receipts and their canonical bytes."""

from typing import Any

import pytest

from tests.unit.ledger.refusals import refused
from twinledger.ledger.canonical import CanonicalValue, encode
from twinledger.ledger.errors import Code
from twinledger.ledger.receipt import COMMITTED, Event, EventKind, Receipt

EVENTS = (Event(EventKind.TWIN_UPDATED, "pump-7", 3), Event(EventKind.RELATED, "pump-7", 4))


def test_a_committed_receipt_is_encoded_as_the_page_says():
    receipt = Receipt(b"i" * 32, COMMITTED, None, EVENTS)
    events: CanonicalValue = [["TWIN_UPDATED", "pump-7", 3], ["RELATED", "pump-7", 4]]
    assert receipt.encode() == encode([1, b"i" * 32, "COMMITTED", -1, events])
    assert receipt.committed
    assert Receipt.decode(receipt.encode()) == receipt


def test_a_rejection_keeps_its_code_and_the_operation_that_failed():
    receipt = Receipt(b"i" * 32, "VERSION_MISMATCH", 0, ())
    assert receipt.encode() == encode([1, b"i" * 32, "VERSION_MISMATCH", 0, []])
    assert not receipt.committed
    assert Receipt.decode(receipt.encode()) == receipt


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_comes_back(kind: EventKind):
    receipt = Receipt(b"", COMMITTED, None, (Event(kind, "x", 1),))
    assert Receipt.decode(receipt.encode()) == receipt


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        [2, b"", "COMMITTED", -1, []],
        [True, b"", "COMMITTED", -1, []],
        [1, "", "COMMITTED", -1, []],
        [1, b"", "COMMITTED", False, []],
        [1, b"", "COMMITTED", -1],
        [1, b"", "COMMITTED", -1, [], None],
        [1, b"", "COMMITTED", -1, [["EXPLODED", "x", 1]]],
        [1, b"", "COMMITTED", -1, [["RELATED", "x", True]]],
        [1, b"", "COMMITTED", -1, [["RELATED", "x"]]],
        [1, b"", "COMMITTED", -1, {}],
    ],
)
def test_what_is_no_receipt_is_refused(value: Any):
    with refused(Code.MALFORMED):
        Receipt.decode(encode(value))
